"""The sample project: load it, play its people and its traffic, remove it."""
