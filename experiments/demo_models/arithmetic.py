"""Word problems: a chain of operations guessed from the words around the numbers.

This is how a weak model works: it does read the problem, but it follows cue words ("each", "left", "twice") instead of
the story. Working step by step it weighs many chains over all numbers against each other; answering at once it takes
the first that comes, over the first three. The scores are set by hand. It is right in few of the grade-school problems
that people collect, in nearly all one-step ones, and always with a written sum.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from experiments.demo_models.quantities import EACH, SHARE, Quantity, parted, quantities

CHAINS_KEPT = 24
NUMBERS_AT_A_GLANCE = 3
MOST_OPEN_TERMS = 3
UNLIKELY_LARGE = 1e6

ALL_TOGETHER = re.compile(r"\b(?:total|together|combined|altogether|in all|both)\b")
WHAT_IS_LEFT = re.compile(r"\b(?:left|remain(?:s|ing)?|rest|change|still|fewer|less)\b")
GAP = re.compile(r"\b(?:left|remain(?:s|ing)?|rest|change|still|more|fewer|less|difference|profit|saves?)\b")
EXPRESSION = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:\s*[-+*/×x÷]\s*\d+(?:\.\d+)?)+")
PERIODS = (
    (re.compile(r"\b(?:in|per|a|each|every) week\b"), re.compile(r"\b(?:a|per|each|every) day\b|\bdaily\b"), 7.0),
    (re.compile(r"\b(?:in|per|a|each|every) year\b"), re.compile(r"\b(?:a|per|each|every) month\b|\bmonthly\b"), 12.0),
    (re.compile(r"\b(?:in|per|a|each|every) year\b"), re.compile(r"\b(?:a|per|each|every) week\b|\bweekly\b"), 52.0),
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A way through the problem: how plausible, the terms not yet combined, and the steps in words."""

    score: float
    terms: tuple[float, ...]
    steps: tuple[str, ...]

    def then(self, score: float, terms: tuple[float, ...], step: str) -> Chain:
        """The chain one step longer."""
        return Chain(self.score + score, terms, (*self.steps, step) if step else self.steps)


@dataclass(frozen=True, slots=True)
class Solution:
    """A result and the steps that led to it."""

    result: float
    steps: tuple[str, ...]


def solve(text: str, *, step_by_step: bool) -> Solution | None:
    """The most plausible result, or None when the text holds no number. ``step_by_step`` weighs more chains."""
    written = _written_sum(text)
    if written is not None:
        return written
    numbers = quantities(text)
    if not numbers:
        return None
    question = parted(text)[1]
    chains = [Chain(0.0, (numbers[0].value,), (f"Start with {shown(numbers[0].value)}.",))]
    for number in numbers[1:] if step_by_step else numbers[1:NUMBERS_AT_A_GLANCE]:
        longer = [further for chain in chains for further in _continued(chain, number, question)]
        chains = _best(longer, CHAINS_KEPT if step_by_step else 1)
    ends = [end for chain in chains for end in _combined(chain, question)]
    best = max(ends, key=lambda chain: chain.score)
    return _in_the_period_asked_for(best, text, question)


def shown(value: float) -> str:
    """A number as people write it: no trailing zeros, two decimals at most."""
    return str(round(value)) if abs(value - round(value)) < 1e-9 else f"{value:.2f}".rstrip("0").rstrip(".")


def _written_sum(text: str) -> Solution | None:
    """The value of an expression like "12 * 7 + 3" that stands in the text; None without one."""
    match = EXPRESSION.search(text)
    if match is None:
        return None
    tokens = re.findall(r"\d+(?:\.\d+)?|[-+*/×x÷]", match.group(0).lstrip("-"))
    terms = [float(tokens[0]) * (-1 if match.group(0).startswith("-") else 1)]
    for sign, digits in zip(tokens[1::2], tokens[2::2], strict=True):
        value = float(digits)
        if sign in "*×x":
            terms[-1] *= value
        elif sign in "/÷":
            if value == 0:
                return None
            terms[-1] /= value
        else:
            terms.append(value if sign == "+" else -value)
    return Solution(sum(terms), (f"{match.group(0).strip()} = {shown(sum(terms))}.",))


def _continued(chain: Chain, number: Quantity, question: str) -> Iterator[Chain]:
    total, value = chain.terms[-1], number.value
    for score, result, sign in _operations(total, number, question):
        step = f"{shown(total)} {sign} {shown(value)} = {shown(result)}."
        yield chain.then(score + _naturalness(result), (*chain.terms[:-1], result), step)
    if number.kind == "number" and len(chain.terms) < MOST_OPEN_TERMS:
        score = -0.5 + 0.6 * number.opens_sentence + 0.2 * number.listed
        yield chain.then(score, (*chain.terms, value), f"Separately, {shown(value)}.")


def _operations(total: float, number: Quantity, question: str) -> Iterator[tuple[float, float, str]]:
    value = number.value
    if number.kind != "number":
        yield from _shares(total, number, question)
        return
    is_together = ALL_TOGETHER.search(question) is not None
    yield 0.8 * number.more + 1.2 * number.more_than + 0.8 * number.listed + 0.5 * is_together, total + value, "+"
    is_rest = WHAT_IS_LEFT.search(question) is not None
    yield -0.6 + 1.6 * number.less + 2.0 * number.less_than + 0.5 * is_rest, total - value, "-"
    by_each = (
        1.2 * number.each + 1.0 * number.each_near + 0.5 * number.price + 0.6 * number.of + 0.6 * number.in_question
    )
    yield -0.3 + by_each + 3.0 * number.times, total * value, "×"
    if value:
        yield -1.6 + 2.0 * number.share + 0.3 * number.in_question, total / value, "÷"


def _shares(total: float, number: Quantity, question: str) -> Iterator[tuple[float, float, str]]:
    value = number.value
    yield 0.0, total * value, "×"
    if number.kind == "percent":
        yield (1.0 if number.raised else -1.0), total * (1 + value), "raised by the share"
    elif ALL_TOGETHER.search(question):
        yield 0.3, total + total * value, "plus its share"
    if number.kind != "factor":
        is_taken = number.cut or number.less or WHAT_IS_LEFT.search(question)
        yield (0.6 if is_taken else -0.6), total * (1 - value), "less the share"


def _combined(chain: Chain, question: str) -> list[Chain]:
    """The chain with its open terms taken together, each way that makes sense."""
    ends = [Chain(chain.score, chain.terms[:1], chain.steps)]
    gap = 1.5 if GAP.search(question) else 0.0
    for term in chain.terms[1:]:
        further = []
        for end in ends:
            total = end.terms[0]
            ways = [(0.0, total + term, "+"), (gap - 0.8, total - term, "-")]
            if term:
                ways.append((2.0 * bool(SHARE.search(question)) - 1.6, total / term, "÷"))
            further += [
                end.then(s + _naturalness(r), (r,), f"{shown(total)} {sign} {shown(term)} = {shown(r)}.")
                for s, r, sign in ways
            ]
        ends = further
    return ends


def _in_the_period_asked_for(chain: Chain, text: str, question: str) -> Solution:
    result = chain.terms[0]
    for asked, told, factor in PERIODS:
        if asked.search(question) and told.search(text.lower()) and EACH.search(text.lower()):
            scaled = result * factor
            return Solution(scaled, (*chain.steps, f"{shown(result)} × {shown(factor)} = {shown(scaled)}."))
    return Solution(result, chain.steps)


def _naturalness(value: float) -> float:
    """Answers of such problems are positive whole numbers, or whole cents, and not in the millions."""
    score = 0.0
    if abs(value - round(value)) > 1e-6:
        score -= 0.6 if abs(value * 100 - round(value * 100)) < 1e-6 else 2.0
    if value <= 0:
        score -= 3.0
    return score - 1.0 if value > UNLIKELY_LARGE else score


def _best(chains: list[Chain], count: int) -> list[Chain]:
    by_terms: dict[tuple[float, ...], Chain] = {}
    for chain in sorted(chains, key=lambda c: c.score, reverse=True):
        by_terms.setdefault(chain.terms, chain)
    return list(by_terms.values())[:count]
