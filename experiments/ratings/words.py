"""What the owner of a session reads, in plain words."""

from __future__ import annotations

from experiments.wording import count, percent


def agreement_sentence(
    alpha: float | None,
    lower: float | None,
    upper: float | None,
    raw: float | None,
    why_not: str = "",
    *,
    gwet: float | None = None,
) -> str:
    """Whether raters share a standard, by Krippendorff's thresholds; ``why_not`` says why there is no number.

    ``gwet`` is AC1 or AC2: where it is high and alpha low, most votes are alike, and raters do agree.
    """
    from experiments.stats.agreement import GOOD, NO_STANDARD

    if alpha is None or lower is None or upper is None:
        return f"Whether raters agree cannot be told yet{f': {why_not}' if why_not else ''}."
    told = f"{alpha:.2f} of 1, very likely between {lower:.2f} and {upper:.2f}".replace("-", "−")
    same = "" if raw is None else f" Two raters said the same {100 * raw:.0f} times of 100."
    if alpha < NO_STANDARD and gwet is not None and gwet >= NO_STANDARD:
        return f"Raters agree; most votes are alike, where alpha is low by itself ({told}).{same}"
    if alpha < NO_STANDARD:
        return f"Raters do not share a standard ({told}): votes are noisy, and a better guide may help.{same}"
    if alpha < GOOD:
        return f"Raters agree, though not firmly ({told}).{same}"
    return f"Raters agree well ({told}).{same}"


def position_sentence(left: int, votes: int, lower: float | None, upper: float | None) -> str:
    """Whether the left side has an advantage; limits are shares."""
    if votes == 0 or lower is None or upper is None:
        return "No vote for a side yet."
    limits = f"very likely {percent(lower)} to {percent(upper)}"
    told = f"Left was chosen {left} of {votes} times ({percent(left / votes)}, {limits})"
    if lower > 0.5 or upper < 0.5:
        side = "left" if lower > 0.5 else "right"
        return f"{told}: raters lean to the {side}. While sides are shuffled this costs clarity, not fairness."
    return f"{told}: no lean to a side."


def preview_sentences(
    *, items: int, left_out: dict[str, int], same_twice: int, overlap: int, uneven: bool, raters: int, needed: int
) -> tuple[str, ...]:
    """What is odd about a session before it opens."""
    told = [f"{count(number, 'item')} left out: {reason}." for reason, number in sorted(left_out.items())]
    if same_twice:
        told.append(f"{count(same_twice, 'item')} of {items:,} show the same text twice; expect 'both good' there.")
    if overlap < 2:
        told.append("Each item is rated once, so nobody can say how far raters agree.")
    if uneven:
        told.append("Rows where the variants differ are drawn more often; the report weights that back.")
    if needed > raters:
        told.append(f"The link lets {count(raters, 'rater')} in, but {needed} are needed.")
    return tuple(told)
