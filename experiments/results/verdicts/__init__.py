"""What a verdict is made of: one case per challenger, how many more units would settle it, ties, and sentences."""
