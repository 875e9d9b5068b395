"""Numbers and times as pages show them; sentences about results come from ``experiments.wording``."""

from __future__ import annotations

from datetime import UTC, date, datetime

from experiments.wording import POINTS, amount, dollars, number_words


def level_text(value: float | None, unit: str) -> str:
    """A variant's own value: shares as 0 to 100 without decimals, everything else in its unit."""
    if value is None:
        return "–"
    return f"{100 * value:.0f}" if unit == POINTS else amount(value, unit)


def money(value: float | None) -> str:
    """A total: ``$0.55``; below a cent ``under $0.01``; ``unknown`` where no price is known."""
    if value is None:
        return "unknown"
    if 0 < value < 0.005:
        return "under $0.01"
    return f"${value:,.2f}" if value < 100 else dollars(value)


def money_range(low: float | None, high: float | None) -> str:
    """``$0.40 to $0.70``, one figure where both look the same."""
    if low is None or high is None:
        return "unknown"
    first, last = money(low), money(high)
    if first == last:
        return last if last.startswith("under") else f"about {last}"
    return f"up to {last}" if first.startswith("under") else f"{first} to {last}"


def seconds_words(seconds: float) -> str:
    """``420 ms``, ``1.2 s``, ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def day(at: date) -> str:
    """``3 Mar 2026``."""
    return f"{at.day} {at:%b %Y}"


def moment(at: datetime) -> str:
    """``3 Mar 2026, 14:05 UTC``."""
    return f"{day(at)}, {at:%H:%M} UTC"


def ago(at: datetime, now: datetime | None = None) -> str:
    """``just now``, ``5 min ago``, ``3 h ago``, ``2 days ago``, else the day."""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h ago"
    days = int(seconds // 86_400)
    if days > 13:
        return day(at)
    return "yesterday" if days == 1 else f"{days} days ago"


def score_text(value: float | None) -> str:
    """A single score as it was given: ``1``, ``0.83``, ``–`` where there is none."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value == int(value) else number_words(value, decimals=2)


def minutes_words(minutes: float, after: str = "") -> str:
    """``about 12 min left``, ``under a minute left``, ``about 2.5 h left``; empty for none."""
    if minutes <= 0:
        return ""
    told = (
        "under a minute" if minutes < 1 else f"about {seconds_words(60 * minutes)}" if minutes >= 1.5 else "about 1 min"
    )
    return f"{told} {after}".strip()
