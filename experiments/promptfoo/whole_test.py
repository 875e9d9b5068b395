"""All checks of one test → one regular expression, for a measure that means "the test passes".

In promptfoo each test often asks something else, so that no single check covers all rows. Text checks can be joined:
each becomes a look-ahead from the beginning of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from experiments.promptfoo.checks import Check
from experiments.scoring.patterns import MAX_PATTERN_CHARACTERS

_ANYTHING = r"[\s\S]*?"


def joined_patterns(checks: Sequence[Sequence[Check]]) -> list[str | None] | None:
    """One pattern per test, None for a test without checks; None in all when a check cannot be joined.

    None too when every test that asks anything asks the same: then each check covers all of them.
    """
    asked = {frozenset(check.metric for check in row) for row in checks if row}
    if len(asked) < 2:
        return None
    patterns: list[str | None] = []
    for row in checks:
        parts = [_look_ahead(check) for check in row]
        known = [part for part in parts if part is not None]
        pattern = rf"\A{''.join(known)}"
        if len(known) < len(parts) or len(pattern) > MAX_PATTERN_CHARACTERS:
            return None
        patterns.append(pattern if known else None)
    return patterns


def _look_ahead(check: Check) -> str | None:
    sign = "?!" if check.options.get("negate") else "?="
    texts = check.subject if isinstance(check.subject, tuple) else (str(check.subject),)
    first, escaped = texts[0], [re.escape(text) for text in texts]
    inside: str | None = None
    if check.scorer == "exact_match":
        inside = rf"\s*{re.escape(first.strip())}\s*\Z"
    elif check.scorer == "starts_with":
        inside = rf"\s*{re.escape(first.strip())}"
    elif check.scorer == "contains":
        group = "?i:" if check.options.get("ignore_case") else "?:"
        if check.options.get("match") == "all":
            inside = "".join(f"(?={_ANYTHING}({group}{text}))" for text in escaped)
        else:
            inside = f"{_ANYTHING}({group}{'|'.join(escaped)})"
    elif check.scorer == "regex" and not first.startswith("(?"):  # flags at the front would reach other checks
        inside = rf"\s*(?:{first})\s*\Z" if check.options.get("full") else f"{_ANYTHING}(?:{first})"
    return None if inside is None else f"({sign}{inside})"
