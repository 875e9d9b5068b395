"""Test sets and files before they are stored."""
