"""The analysis table of a stored experiment."""
