"""One file per scorer, found by being there; nothing else lives here."""
