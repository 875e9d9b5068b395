"""Tries of prompts and quality checks."""
