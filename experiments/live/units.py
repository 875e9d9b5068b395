"""Names of units that name nobody: blanks are refused at the door, placeholders of a missing value are pointed out."""

from __future__ import annotations

import re

VISIBLE = r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
"""One character that leaves ink, as a regular expression of Python and of JSON Schema: neither control nor space."""
UNIT_OR_NONE = rf"^$|^[^\u0000]*{VISIBLE}[^\u0000]*$"
"""What a unit looks like, or the empty text of none; as a regular expression of JSON Schema."""
_VISIBLE = re.compile(VISIBLE)
_WORDS = (
    *("undefined", "null", "none", "nil", "nan", "na", "n/a", "#n/a", "unknown", "anonymous", "anon", "guest", "empty"),
    *("missing", "default", "true", "false", "object", "user", "userid", "user_id", "user-id", "unit", "test"),
    *("[object object]", "<nil>", "<null>", "(null)", "(none)", "{}", "[]", "''", '""', "-", "--", ".", "?", "0", "-1"),
    *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    *("$user_id", "${user_id}", "{{user_id}}", "{user_id}", "%(user_id)s", "%s"),
)
_CASED = ("NaN", "userId", "UserId", "${userId}", "{{userId}}", "{userId}", "[object Object]")
PLACEHOLDERS: frozenset[str] = frozenset(
    {*_CASED, *(form for word in _WORDS for form in (word, word.upper(), word.capitalize()))}
)
"""What programs send for a user whose name they lack, in the usual spellings: values that a query can look up."""


def is_blank(unit: str) -> bool:
    """Whether the text holds nothing that can be seen; True for the empty text."""
    return _VISIBLE.search(unit) is None
