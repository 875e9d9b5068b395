"""Rating sessions, and the page of a rater."""
