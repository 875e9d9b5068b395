"""Rating sessions: open, join by link, rate."""
