"""Prompts and versions, what each label serves, and what a move of a label would change."""
