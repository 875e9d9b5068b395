"""The prompt page: editor, versions, tries."""
