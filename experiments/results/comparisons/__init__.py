"""From the analysis table to comparisons: units, pairs and arms; metric by challenger by slice; and health.

Knows tables and plans, and leaves every formula to ``experiments.stats``.
"""
