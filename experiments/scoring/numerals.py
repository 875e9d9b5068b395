r"""Numbers as people and models write them: ``$1,080.50``, ``12 500 €``, ``50%``, ``2.5 million``, ``\frac{3}{4}``."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SIGN = r"(?P<sign>(?<![\w.)\]%−–-])[-−–﹣－])?"
_NO_LETTER_BEFORE = r"(?<![\dA-Za-zÀ-ɏ_^])(?<!\^\{)(?<![\dA-Za-z]\.)"
_BEFORE = (
    r"(?:(?<![A-Za-z])(?:USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|BRL|SEK|NOK|DKK|PLN|Rs\.?|kr\.?)\s?"
    rf"|(?:(?:(?:US|CA|AU|NZ|HK|R)?\\?\$|[€£¥₹₽₩₺₪₫฿₱₴])\s?)?{_NO_LETTER_BEFORE})"
)
_ENDS = r"(?![.,]?\d)"
_BODY = "|".join(
    (
        r"(?P<commas>(?!0)\d{1,3}(?:,\d{3})++(?!,?\d)(?:\.\d++)?"
        r"|(?!0)\d{1,2}(?:,\d{2}(?=,))++,\d{3}(?!,?\d)(?:\.\d++)?)",
        r"(?P<marks>(?!0)\d{1,3}(?P<mark>[\u00a0\u2009\u202f’'٬_])\d{3}(?:(?P=mark)\d{3})*+(?!\d)(?:[.,٫]\d++)?)",
        rf"(?P<dots>(?!0)\d{{1,3}}(?:\.\d{{3}}){{2,}}+(?:,\d++)?{_ENDS}|(?!0)\d{{1,3}}\.\d{{3}},\d++{_ENDS})",
        r"(?P<spaces>(?!0)\d{1,3}(?: \d{3})++(?![\d/])(?:[.,]\d++)?)",
        rf"(?P<comma>(?<!\d,)(?:\d++,(?:\d{{1,2}}|\d{{4,}}+){_ENDS}|(?:0|\d{{4,}}+),\d++{_ENDS}))",
        r"(?P<mixed>\d{1,9}\s\d{1,9}/\d{1,9}(?![\d/]))",
        r"(?P<ratio>(?<!/)\d{1,15}/\d{1,15}(?![\d/]))",
        r"(?P<vulgar>\d{0,9}\s?[¼-¾⅐-⅞])",
        r"(?P<plain>\d++(?:[.٫]\d++)?|(?<!\.)[.٫]\d++)",
    )
)
_LATEX = r"(?P<latex>\\[dt]?frac\s?\{\s?(?P<over>-?\d{1,15})\s?\}\s?\{\s?(?P<under>\d{1,15})\s?\})"
_POWER = r"(?:\^\{?(?P<power>[-−]?\d{1,3})\}?(?!\d))?"
_TIMES_TEN = (
    r"(?:[eE](?P<e>[-+−]?\d{1,3})(?![\w.])"
    r"|\s?(?:×|\\times|x|\*|·|\\cdot)\s?10\^\{?(?P<ten>[-+−]?\d{1,3})\}?(?!\d))?"
)
_SCALE = r"(?:\s?(?P<scale>thousand|million|billion|trillion|mio\.?|bn|lakh|crore)\b|(?P<thousand>[kK])\b)?"
_PERCENT = r"(?P<percent>\s?(?:\\?%|％|٪|percent\b|per\scent\b|pct\b))?"
NUMERAL = re.compile(rf"{_SIGN}(?:{_LATEX}|{_BEFORE}(?:{_BODY})){_POWER}{_TIMES_TEN}{_SCALE}{_PERCENT}")
_SCALES = {
    "thousand": 1e3,
    "lakh": 1e5,
    "million": 1e6,
    "mio": 1e6,
    "mio.": 1e6,
    "crore": 1e7,
    "billion": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
}
_PLAIN_SIGNS = str.maketrans("−–﹣－٫", "----.")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number found in a text: its ``value``, and ``other`` readings (50% is 50 or 0.5; ``12 500`` may be 500)."""

    value: float
    other: tuple[float, ...] = ()

    def matches(self, reference: Numeral, *, tolerance: float, relative_tolerance: float) -> bool:
        """True when both can mean the same number.

        At most one of the two is read in another way: 50% equals 50 and 0.5, but 50% is not 0.5%.
        """

        def close(first: float, second: float) -> bool:
            return abs(first - second) <= max(tolerance, relative_tolerance * abs(second))

        if close(self.value, reference.value):
            return True
        if self.other and reference.other:
            return False
        readings_here = any(close(value, reference.value) for value in self.other)
        return readings_here or any(close(self.value, value) for value in reference.other)


def numerals(text: str, start: int = 0) -> Iterator[tuple[int, Numeral]]:
    """(position, number) of each number in a text from ``start`` on, in order.

    A comma before exactly three digits groups thousands, else it is a decimal comma; a point is a decimal point
    unless it groups twice (1.234.567) or a decimal comma follows (1.234,5). Digits that follow a letter or stand in
    an exponent (B12, cm^2) are no numbers; neither is what no finite float can hold.
    """
    for match in NUMERAL.finditer(text, start):
        found = _numeral(match)
        if found is not None:
            yield match.start(), found


def first_numeral(text: str) -> Numeral | None:
    """The first number of a text, or None."""
    return next((found for _, found in numerals(text)), None)


def _numeral(match: re.Match[str]) -> Numeral | None:
    try:
        value, other = next(read(match) for kind, read in _READERS.items() if match[kind])
        if match["power"]:
            value = value ** int(match["power"].translate(_PLAIN_SIGNS))
        exponent = match["e"] or match["ten"]
        if exponent:
            value *= 10.0 ** int(exponent.translate(_PLAIN_SIGNS))
    except (ArithmeticError, ValueError):
        return None
    scale = _SCALES[match["scale"]] if match["scale"] else 1e3 if match["thousand"] else 1.0
    unscaled = (value,) if scale != 1.0 else ()
    share = (value * scale / 100,) if match["percent"] else ()
    readings = (value * scale, *other, *unscaled, *share)
    if not all(map(math.isfinite, readings)):
        return None
    sign = -1.0 if match["sign"] else 1.0
    return Numeral(sign * readings[0], tuple(sign * reading for reading in readings[1:]))


Reading = tuple[float, tuple[float, ...]]
"""The likeliest value, and others that the same digits may mean."""


def _quotient(over: str, under: str) -> float:
    return float(over) / float(under)


def _mixed(match: re.Match[str]) -> Reading:
    whole, fraction = match["mixed"].split(maxsplit=1)
    return float(whole) + _quotient(*fraction.split("/")), ()


def _vulgar(match: re.Match[str]) -> Reading:
    whole, sign = match["vulgar"][:-1].strip(), match["vulgar"][-1]
    return float(whole or 0) + unicodedata.numeric(sign), ()


def _marks(match: re.Match[str]) -> Reading:
    return float(match["marks"].replace(match["mark"], "").replace(",", ".").translate(_PLAIN_SIGNS)), ()


def _spaces(match: re.Match[str]) -> Reading:
    """``12 500`` is 12500, or 500 after another number that ends in 12."""
    digits = match["spaces"].replace(",", ".")
    return float(digits.replace(" ", "")), (float(digits.split(" ")[-1]),)


_READERS: dict[str, Callable[[re.Match[str]], Reading]] = {
    "plain": lambda match: (float(match["plain"].translate(_PLAIN_SIGNS)), ()),
    "commas": lambda match: (float(match["commas"].replace(",", "")), ()),
    "comma": lambda match: (float(match["comma"].replace(",", ".")), ()),
    "dots": lambda match: (float(match["dots"].replace(".", "").replace(",", ".")), ()),
    "marks": _marks,
    "spaces": _spaces,
    "ratio": lambda match: (_quotient(*match["ratio"].split("/")), ()),
    "mixed": _mixed,
    "vulgar": _vulgar,
    "latex": lambda match: (_quotient(match["over"], match["under"]), ()),
}
