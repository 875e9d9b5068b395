"""Numbers as people read them: signs with a true minus, points with one decimal, every amount in its own unit."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.stats.estimates import Interval
from experiments.vocabulary import Direction

MINUS = "−"
POINTS = "points"
ADJECTIVES = {"usd": ("cheaper", "more expensive"), "ms": ("faster", "slower"), "tokens": ("shorter", "longer")}
"""What less and more of a unit are called where they are compared."""
SHORT_MS = 1_000.0
METRIC_WORDS = {
    "cost_usd": "cost",
    "latency_ms": "latency",
    "first_token_ms": "time to the first token",
    "prompt_tokens": "prompt length",
    "completion_tokens": "answer length",
    "total_tokens": "number of tokens",
    "failed": "failure rate",
    "refused": "refusal rate",
    "abandoned": "share of answers that were abandoned",
    "answer_chars": "characters per answer",
}
AGGREGATE_WORDS = {"mean": "", "p50": "median ", "p95": "p95 "}


def metric_name(metric: str, aggregate: str = "mean", *, beside: Iterable[str] = ()) -> str:
    """A metric as people read it: ``p95 latency``, ``cost``, ``exact match`` for ``exact_match``.

    The key itself where the words would be those of one of Bakeoff's own metrics, or of another one in ``beside``.
    Files, JSON and arguments hold keys, never this.
    """
    words = _metric_words(metric)
    alike = any(other != metric and _metric_words(other) == words for other in beside)
    return AGGREGATE_WORDS.get(aggregate, "") + (metric if alike else words)


def _metric_words(metric: str) -> str:
    own = METRIC_WORDS.get(metric)
    if own is not None:
        return own
    words = " ".join(metric.replace("_", " ").split())
    return metric if not words or words in METRIC_WORDS.values() else words


def number_words(value: float, *, decimals: int, sign: bool = False) -> str:
    """The number with thousands separated, a true minus, and a plus where ``sign`` asks for one; never "−0.0"."""
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def amount(value: float, unit: str, *, sign: bool = False, finer: int = 0) -> str:
    """A value or a difference in its unit: ``+6.1 points``, ``$0.12 per 1,000``, ``340 ms``, ``12 tokens``.

    ``finer`` adds digits, where two amounts would look the same and are not.
    """
    number, suffix = _parts(value, unit, sign=sign, like=abs(value), finer=finer)
    return f"{number}{suffix}"


def lower_is_better(direction: str, unit: str) -> str:
    """A note beside signed numbers of which the smaller is the better one; units with adjectives need none."""
    return "lower is better" if direction == Direction.LOWER and unit not in ADJECTIVES else ""


def between(interval: Interval, unit: str) -> str:
    """Two limits in one unit: ``between +4.2 and +8.0 points``."""
    like = max(abs(interval.lower), abs(interval.upper))
    low, _ = _parts(interval.lower, unit, sign=True, like=like)
    high, suffix = _parts(interval.upper, unit, sign=True, like=like)
    return f"between {low} and {high}{suffix}"


def level(value: float, unit: str) -> str:
    """A variant's own value: points as ``70.4 of 100``, everything else as ``amount``."""
    return f"{number_words(100 * value, decimals=1)} of 100" if unit == POINTS else amount(value, unit)


def percent(share: float, *, sign: bool = False, finer: int = 0) -> str:
    """A share as per cent: ``31 %``, ``4.2 %`` below ten; ``finer`` as in ``amount``."""
    decimals = (0 if abs(share) >= 0.0995 or share == 0 else 1) + finer
    return f"{number_words(100 * share, decimals=decimals, sign=sign)} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``1,420 rows``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def spent_words(usd: float, *, calls: int, unknown: int) -> str:
    """What calls cost, where the price of some may be unknown: ``$0.78``, ``unknown``, ``$0.78 + 3 unknown``."""
    if calls and unknown == calls:
        return "unknown"
    return f"{dollars(usd)} + {unknown:,} unknown" if unknown else dollars(usd)


def dollars(value: float) -> str:
    """An amount of money: ``$0.78``, ``$1,240``, ``$0.0031``."""
    decimals = 0 if abs(value) >= 100 else 2 if abs(value) >= 0.095 or value == 0 else 4
    return f"{MINUS if value < 0 else ''}${abs(value):,.{decimals}f}"


def _parts(value: float, unit: str, *, sign: bool, like: float, finer: int = 0) -> tuple[str, str]:
    """The number and its unit; ``like`` is the size that decides how many digits and which unit are shown."""
    if unit == POINTS:
        return number_words(100 * value, decimals=1 + finer, sign=sign), " points"
    if unit == "usd":
        decimals = 2 if 1000 * like >= 0.095 or like == 0 else 4
        text = number_words(1000 * value, decimals=decimals + finer, sign=sign)
        mark = text[0] if text[0] in f"+{MINUS}" else ""
        return f"{mark}${text.removeprefix(mark)}", " per 1,000"
    if unit == "ms":
        if like >= SHORT_MS:
            return number_words(value / 1000, decimals=(2 if like < 10 * SHORT_MS else 1) + finer, sign=sign), " s"
        return number_words(value, decimals=(0 if like >= 10 else 1) + finer, sign=sign), " ms"
    if unit == "tokens":
        return number_words(value, decimals=(0 if like >= 10 else 1) + finer, sign=sign), " tokens"
    decimals = 1 if like >= 100 else 2 if like >= 0.095 or like == 0 else 4
    return number_words(value, decimals=decimals + finer, sign=sign), ""
