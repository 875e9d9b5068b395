"""Cells that look like personal data: e-mail addresses, phone numbers, payment cards, bank accounts.

Conservative on purpose: a check digit must fit where the standard has one, so that order numbers are left
alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

PersonalKind = Literal["email", "phone", "card", "iban"]

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_DIGIT_RUN = re.compile(r"\d(?:[ ()./-]{0,2}\d){7,}")
_PHONE = re.compile(
    r"(?<![\w+])(?:\+\d{1,3}(?:[ ()./-]{0,2}\d){7,12}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?![\w-])"
)
_CARD = re.compile(r"(?<![\w.+-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)")


def personal_kinds(text: str) -> frozenset[PersonalKind]:
    """The kinds of personal data that one text seems to hold; usually none."""
    found: set[PersonalKind] = set()
    if "@" in text and _EMAIL.search(text):
        found.add("email")
    if _DIGIT_RUN.search(text):
        if any(luhn_holds(m[0]) for m in _CARD.finditer(text)):
            found.add("card")
        if any(iban_holds(m[0]) for m in _IBAN.finditer(text)):
            found.add("iban")
        if _PHONE.search(text):
            found.add("phone")
    return frozenset(found)


def count_personal_data(cells: Iterable[str | None]) -> Mapping[PersonalKind, int]:
    """How many cells hold each kind; kinds that do not occur are absent."""
    counts: dict[PersonalKind, int] = {}
    for cell in cells:
        for kind in personal_kinds(cell) if cell else ():
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def luhn_holds(number: str) -> bool:
    """Whether 13 to 19 digits end in the right check digit and are not all the same; the rest is ignored.

    Source: ISO/IEC 7812-1, annex B (the Luhn algorithm).
    """
    digits = [int(c) for c in number if c.isdecimal()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def iban_holds(account: str) -> bool:
    """Whether an account number of 15 to 34 characters has the right check digits.

    Source: ISO 13616-1 with the modulo 97 check of ISO/IEC 7064.
    """
    compact = account.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
