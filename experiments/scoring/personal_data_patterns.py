"""E-mail addresses, phone numbers, payment cards, bank accounts and network addresses in a text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from typing import Literal

from experiments.datasets.personal_data import iban_holds, luhn_holds
from experiments.scoring.word_lists import word_list

PersonalData = Literal["email", "iban", "card", "ip", "phone"]

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}\b")
_PLACEHOLDER = re.compile(
    r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|[\w-]+\.(?:example|invalid|test))$", re.IGNORECASE
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}")
_CARD = re.compile(r"(?<![\d.,-])(?<!\d )[2-6]\d{3}(?:[ -]?\d){8,14}\d(?![\d-])")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]{0,20}\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_PHONE = re.compile(
    r"(?<![\w+.,-])"
    r"(?:(?:\+|(?<!\d )00)[1-9](?:[ ()./-]{0,3}\d){7,14}"  # with country code
    r"|(?<!\d )\(?[2-9]\d{2}\)?[ .-]{1,2}\d{3}[ .-]\d{4}"  # North America
    r"|(?<!\d )0[1-9]\d{0,3}[ )/-]{1,3}\d{2,8}(?:[ /-]\d{2,6}){0,4})"  # national, with the trunk zero
    r"(?![\w-]{0,20}\d)"
)
_LEAST_PHONE_DIGITS, _MOST_PHONE_DIGITS = 9, 17

_IBAN_LENGTHS = {
    country: int(length)
    for country, length in (
        item.split(":")
        for item in word_list(
            "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 "
            "DO:28 EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 "
            "IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LI:21 LT:20 LU:20 LV:21 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 "
            "MU:30 NL:18 NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SE:24 SI:19 SK:24 SM:27 TN:24 TR:26 "
            "UA:29 VA:22 VG:24 XK:20"
        )
    )
}


def personal_data_in(text: str, kinds: Collection[PersonalData]) -> list[tuple[PersonalData, str]]:
    """(kind, what was found) of each piece, in the order e-mail, IBAN, card, IP, phone; no digit counts twice.

    Cards pass the Luhn test (ISO/IEC 7812), IBANs their length and checksum (ISO 13616, mod 97); addresses of example
    domains and IP addresses that are not public do not count.
    """
    found: list[tuple[PersonalData, str]] = []
    for kind, patterns, piece_of in _SEARCHES:
        spans = [
            (match.start(), piece)
            for pattern in patterns
            for match in pattern.finditer(text)
            if (piece := piece_of(match.group())) is not None
        ]
        if kind in kinds:
            found += [(kind, piece) for _, piece in spans]
        text = _without(text, spans)
    return found


def _without(text: str, spans: list[tuple[int, str]]) -> str:
    kept, end = [], 0
    for start, piece in sorted(spans):
        kept += [text[end:start], "\n" * len(piece)] if start >= end else []
        end = max(end, start + len(piece))
    return "".join([*kept, text[end:]])


def _email(candidate: str) -> str | None:
    return None if _PLACEHOLDER.search(candidate) else candidate


def _iban(candidate: str) -> str | None:
    """The part of the candidate that is an IBAN: as many letters and digits as its country's have."""
    length = _IBAN_LENGTHS.get(candidate[:2], 0)
    kept = ""
    for character in candidate:
        if len(kept.replace(" ", "")) == length:
            break
        kept += character
    compact = kept.replace(" ", "")
    if length == 0 or len(compact) != length:
        return None
    return kept if iban_holds(compact) else None


def _card(candidate: str) -> str | None:
    return candidate if luhn_holds(candidate) else None


def _ip(candidate: str) -> str | None:
    try:
        return candidate if ipaddress.ip_address(candidate).is_global else None
    except ValueError:
        return None


def _phone(candidate: str) -> str | None:
    n_digits = sum(c.isdecimal() for c in candidate)
    return candidate if _LEAST_PHONE_DIGITS <= n_digits <= _MOST_PHONE_DIGITS else None


_SEARCHES: tuple[tuple[PersonalData, tuple[re.Pattern[str], ...], Callable[[str], str | None]], ...] = (
    ("email", (_EMAIL,), _email),
    ("iban", (_IBAN,), _iban),
    ("card", (_CARD,), _card),
    ("ip", (_IPV4, _IPV6), _ip),
    ("phone", (_PHONE,), _phone),
)
