"""What needs somebody now, first steps, the sample."""
