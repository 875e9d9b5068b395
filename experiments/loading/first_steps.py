"""The first steps of the Home page: which there are, and where it is kept which were done."""

from __future__ import annotations

from storage.store import Transaction

SETTING = "first_steps"
HIDDEN = "hidden"
STEPS = ("read_result", "try_prompt", "add_test_set", "start_test", "promote")
"""In the order in which they are shown."""


def first_steps(tx: Transaction) -> tuple[str, ...]:
    """The steps that were done, and ``hidden`` when the card was put away."""
    return tuple(str(step) for step in tx.installation.setting(SETTING, []))
