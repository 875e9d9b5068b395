"""The numbers of a word problem, each with what the words around it suggest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite

WORD_NUMBERS = dict(
    zip(
        [
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "fifteen",
            "twenty",
            "thirty",
            "fifty",
            "hundred",
            "dozen",
        ],
        (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 15.0, 20.0, 30.0, 50.0, 100.0, 12.0),
        strict=True,
    )
)
FACTORS = {"twice": 2.0, "double": 2.0, "doubles": 2.0, "doubled": 2.0, "triple": 3.0, "tripled": 3.0, "thrice": 3.0}
FRACTIONS = {
    "half": 0.5,
    "third": 1 / 3,
    "thirds": 1 / 3,
    "quarter": 0.25,
    "quarters": 0.25,
    "fourth": 0.25,
    "fifth": 0.2,
}

QUANTITY = re.compile(
    r"(?P<fraction>\b\d+/\d+\b)|(?P<number>\$?\d[\d,]*(?:\.\d+)?%?|\.\d+)|(?P<word>\b(?:"
    + "|".join([*WORD_NUMBERS, *FACTORS, *FRACTIONS])
    + r")\b)",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.?!;])\s+")

EACH = re.compile(r"\b(?:each|per|every|apiece|a day|a week|a month|an hour|a piece|a box|times)\b")
SHARE = re.compile(r"\b(?:divid\w+|split|shared?|equally|evenly|among|per person)\b|\binto (?:groups|pieces|boxes)\b")
LESS = re.compile(
    r"\b(?:left|fewer|less|loses?|lost|gave|gives?|given|eats?|ate|eaten|sold|sells?|spen[dt]s?|uses?|used|quit|broke|"
    r"removes?|removed|took|takes|away|discount|off|minus|donate[sd]?|dropped|drops|paid|pays|returned|decreas\w+)\b"
)
MORE = re.compile(
    r"\b(?:more|another|additional|extra|plus|adds?|added|gets?|got|bought|buys?|receives?|received|found|finds?|also|"
    r"and|together|increas\w+|joined|won|wins|earn(?:s|ed)?|collects?|collected)\b"
)
PRICE = re.compile(r"\b(?:costs?|price|pays?|earns?|charges?|sells? for)\b|\$")
RAISE = re.compile(r"\b(?:more|tax|tip|increas\w+|interest|raise)\b")
CUT = re.compile(r"\b(?:off|discount|less|decreas\w+|remov\w+|reduc\w+|fewer)\b")
MORE_THAN = re.compile(r"[\w\s]{0,25}\b(?:more|older|taller|longer|heavier|higher|faster)\b")
LESS_THAN = re.compile(r"[\w\s]{0,25}\b(?:less|fewer|younger|shorter|cheaper|lighter)\b")
LISTED = re.compile(r"(?:\band|,)\s*(?:a |the )?$")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of the text. ``kind`` is number, percent, factor or fraction; the flags say what stands around it."""

    value: float
    kind: str
    opens_sentence: bool
    in_question: bool
    each: bool
    each_near: bool
    share: bool
    times: bool
    of: bool
    listed: bool
    price: bool
    more: bool
    more_than: bool
    less: bool
    less_than: bool
    raised: bool
    cut: bool


def parted(text: str) -> tuple[str, str]:
    """Story and question (lower case) of a problem: the question is the last sentence that asks, or the last one."""
    sentences = [s for s in SENTENCE_END.split(text.strip()) if s] or [""]
    asked = next((s for s in reversed(sentences) if s.endswith("?")), sentences[-1])
    return " ".join(s for s in sentences if s is not asked), asked.lower()


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in their order. Number words, fractions and "twice" count; a bare 1 does not."""
    found: list[Quantity] = []
    question = parted(text)[1]
    for sentence in SENTENCE_END.split(text.strip()):
        words = sentence.lower()
        for index, match in enumerate(QUANTITY.finditer(sentence)):
            value, kind = _value(match)
            if isfinite(value) and not (kind == "number" and value == 1):
                found.append(_quantity(value, kind, words, match, is_first=index == 0, asked=words == question))
    return found


def _quantity(value: float, kind: str, words: str, match: re.Match[str], *, is_first: bool, asked: bool) -> Quantity:
    before, after = words[: match.start()][-40:], words[match.end() :][:40]
    near = f"{before} {match.group(0)} {after}"
    return Quantity(
        value=value,
        kind=kind,
        opens_sentence=is_first,
        in_question=asked,
        each=EACH.search(words) is not None,
        each_near=EACH.search(near) is not None,
        share=SHARE.search(words) is not None,
        times=re.match(r"\s*times\b", after) is not None,
        of=re.search(r"\bof\s*$", before) is not None,
        listed=LISTED.search(before) is not None,
        price=PRICE.search(near) is not None,
        more=MORE.search(before[-30:]) is not None,
        more_than=MORE_THAN.match(after) is not None,
        less=LESS.search(before) is not None,
        less_than=LESS_THAN.match(after) is not None,
        raised=RAISE.search(near) is not None,
        cut=CUT.search(near) is not None,
    )


def _value(match: re.Match[str]) -> tuple[float, str]:
    if match["fraction"]:
        top, bottom = match["fraction"].split("/")
        return (float(top) / float(bottom) if float(bottom) else float("nan")), "fraction"
    if match["word"]:
        word = match["word"].lower()
        if word in FACTORS:
            return FACTORS[word], "factor"
        return (FRACTIONS[word], "fraction") if word in FRACTIONS else (WORD_NUMBERS[word], "number")
    raw = match["number"].replace(",", "").replace("$", "")
    return (float(raw[:-1]) / 100, "percent") if raw.endswith("%") else (float(raw), "number")
