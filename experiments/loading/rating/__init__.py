"""Rating sessions, their drafts and their votes as evidence."""
