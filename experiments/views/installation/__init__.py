"""Home, models, workers, keys, the log of changes."""
