"""Experiments, their price before a run, and their progress."""
