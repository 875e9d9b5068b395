"""How the calls of a try are told apart."""

from __future__ import annotations


def call_letter(answer: int, call: int) -> str:
    """The letter of one call of one answer; they sort in order."""
    return f"{answer:03d}.{call:02d}"
