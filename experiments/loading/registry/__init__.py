"""What a promotion stands on, and what callers would notice of it."""
