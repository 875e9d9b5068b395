"""Sentences of a verdict read back into the numbers they were made of, each with half a unit of its last digit."""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = r"[+−]?\$?\d[\d,]*(?:\.\d+)?"
UNIT = r" points| of 100| %| ms| s(?=\b)| tokens| per 1,000"
AMOUNT = rf"{NUMBER}(?:{UNIT})?"
LESS, MORE = ("cheaper", "faster", "shorter", "lower"), ("more expensive", "slower", "longer", "higher")
WORDS = "|".join((*LESS, *MORE))
SCALES = {" points": 0.01, " of 100": 0.01, " %": 0.01, " s": 1000.0, " per 1,000": 0.001}


@dataclass(frozen=True)
class Amount:
    """A number of a sentence in the metric's own unit, and how far rounding may have moved it."""

    value: float
    tolerance: float
    signed: bool

    def is_about(self, expected: float) -> bool:
        """Whether the number is the expected one, rounded."""
        return abs(self.value - expected) <= self.tolerance * (1 + 1e-9) + 1e-12 * abs(expected)


def amount_of(text: str, unit: str = "") -> Amount:
    """One amount; ``unit`` is the suffix to take where the text has none (the first of two limits)."""
    found = re.fullmatch(rf"({NUMBER})({UNIT})?", text)
    assert found is not None, text
    digits = found[1].replace("$", "").replace(",", "").replace("−", "-")
    decimals = len(digits.partition(".")[2])
    scale = SCALES.get(found[2] or unit, 1.0)
    return Amount(float(digits) * scale, 0.5 * 10**-decimals * scale, digits[0] in "+-")


def unit_of(text: str) -> str:
    """The suffix of an amount."""
    found = re.fullmatch(rf"{NUMBER}({UNIT})?", text)
    assert found is not None, text
    return found[1] or ""


def change_of(text: str) -> Amount:
    """A change as treatment minus control: ``−6.1 points``, ``340 ms slower``, ``no change``."""
    if text == "no change":
        return Amount(0.0, 0.0, True)
    found = re.fullmatch(rf"({AMOUNT})(?: ({WORDS}))?", text)
    assert found is not None, text
    size = amount_of(found[1])
    if found[2] is None:
        return size
    return Amount(-size.value if found[2] in LESS else size.value, size.tolerance, True)


def limits_of(low: str, high: str) -> tuple[Amount, Amount]:
    """Two limits; the first may leave its unit to the second."""
    if re.search(rf"(?:{WORDS}|no change)$", low):
        return change_of(low), change_of(high)
    return amount_of(low, unit_of(high)), amount_of(high)
