"""Saved texts and what production reads of them: save, promote, roll back, record a decision."""
