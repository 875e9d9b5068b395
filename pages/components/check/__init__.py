"""Quality checks: editor, tries, disagreements."""
