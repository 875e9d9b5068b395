"""Installation, keys, prices of models."""
