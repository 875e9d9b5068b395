"""Test sets: upload, roles, rows."""
