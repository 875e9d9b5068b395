"""What comes in as files: test sets, and answers that were produced elsewhere."""
