"""The results JSON read for the page: scorecard lines, forest panels, slices, wins and losses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.plans.plan import Plan
from experiments.stats.estimates import Interval
from experiments.wording import POINTS, amount, between, metric_name, percent
from pages.components.charts import ForestPanel, ForestRow
from pages.components.numbers import level_text

Judgement = Literal["better", "worse", "unclear"]
FEW_ROWS = 20
PERCENT = "%"
_STATES = {
    "not_yet": "shown when all rows are in",
    "no_data": "not measured",
    "too_few_units": "too few rows",
    "too_few_clusters": "too few independent rows",
    "no_variation": "the same on every row",
    "all_ties": "a tie on every row",
    "needs_rows": "needs more rows",
}
_PER_1000 = " per 1,000"


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One measure of the scorecard, in words. ``verdict`` is the badge, ``note`` says why there is no number."""

    name: str
    role: str
    control: str
    treatment: str
    difference: str
    limits: str
    judgement: Judgement
    verdict: str
    note: str
    rows: int


def overall(result: Mapping[str, Any], treatment: str) -> list[dict[str, Any]]:
    """The comparisons of one challenger over all rows, in the order primary, guardrails, others."""
    return [c for c in result["comparisons"] if c["slice"] is None and c["treatment"] == treatment]


def primary_of(result: Mapping[str, Any], treatment: str) -> dict[str, Any] | None:
    """The comparison that decides, or None."""
    return next((c for c in overall(result, treatment) if c["role"] == "primary"), None)


def score_lines(result: Mapping[str, Any], treatment: str) -> list[ScoreLine]:
    """The scorecard of one challenger; a variant's own value is there even where nothing can be compared."""
    own = {(arm["metric"], arm["aggregate"], arm["variant"]): arm["value"] for arm in result["arms"]}
    shown = overall(result, treatment)
    names = {c["metric"] for c in shown}
    return [_line(_with_own_values(c, own), names) for c in shown]


def _with_own_values(c: Mapping[str, Any], own: Mapping[tuple[str, str, str], float | None]) -> dict[str, Any]:
    found = {
        side: c[side] if c[side] is not None else own.get((c["metric"], c["aggregate"], c[side.removesuffix("_mean")]))
        for side in ("control_mean", "treatment_mean")
    }
    return {**c, **found}


def forest_panels(result: Mapping[str, Any], treatment: str, plan: Plan) -> list[ForestPanel]:
    """One panel per unit; up is better for users, whatever the measure."""
    shown = [c for c in overall(result, treatment) if c["status"] == "ok"]
    panels: dict[str, list[ForestRow]] = {}
    for c in shown:
        target = plan.primary.smallest_effect if c["role"] == "primary" and plan.intent == "improve" else None
        label = metric_name(c["metric"], c["aggregate"])
        panels.setdefault(_panel_unit(c), []).append(_forest_row(c, label, target=target))
    return [ForestPanel(unit, tuple(rows)) for unit, rows in panels.items()]


def slice_columns(result: Mapping[str, Any]) -> list[str]:
    """Columns by which the results were sliced."""
    return list(dict.fromkeys(c["slice"].partition("=")[0] for c in result["comparisons"] if c["slice"]))


def slice_parts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(column, value) of every slice, to filter rows by."""
    found = [c["slice"].partition("=") for c in result["comparisons"] if c["slice"]]
    return list(dict.fromkeys((column, value) for column, _, value in found))


def slice_comparisons(result: Mapping[str, Any], treatment: str, column: str) -> list[dict[str, Any]]:
    """The primary metric in every slice of one column, largest slice first."""
    found = [
        c
        for c in result["comparisons"]
        if c["slice"] and c["slice"].partition("=")[0] == column and c["treatment"] == treatment
    ]
    return sorted((c for c in found if c["role"] == "primary"), key=lambda c: -c["n_units"])


def slice_panel(comparisons: Sequence[Mapping[str, Any]], plan: Plan) -> ForestPanel | None:
    """The forest of one column's slices; None when no slice has enough rows."""
    shown = [c for c in comparisons if c["status"] == "ok" and c["n_units"] >= FEW_ROWS]
    if not shown:
        return None
    target = plan.primary.smallest_effect if plan.intent == "improve" else None
    rows = tuple(_forest_row(c, f"{slice_value(c)}  ({c['n_units']:,})", target=target) for c in shown)
    return ForestPanel(_panel_unit(shown[0]), rows)


def evened_out_lines(result: Mapping[str, Any], difference: Mapping[str, Any]) -> list[list[str]]:
    """Slice, measured difference, partially pooled difference and its limits, for each slice of a column."""
    measured = {c["slice"]: c for c in result["comparisons"] if c["treatment"] == difference["treatment"]}
    own = {label: c for label, c in measured.items() if label and c["metric"] == difference["metric"]}
    lines = []
    for label, pooled in difference["pooled"].items():
        comparison = own[label]
        interval = Interval(pooled["estimate"], pooled["lower"], pooled["upper"])
        size = amount(pooled["estimate"], comparison["unit"], sign=True)
        lines.append(
            [slice_value(comparison), difference_words(comparison), size, between(interval, comparison["unit"])]
        )
    return lines


def slice_value(comparison: Mapping[str, Any]) -> str:
    """The value that names a slice."""
    return str(comparison["slice"].partition("=")[2]) or "(empty)"


def without_number(comparisons: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each reason why slices show no number: ``Too few rows: es (12), fr``."""
    reasons: dict[str, list[str]] = {}
    for c in comparisons:
        if c["status"] == "ok" and c["n_units"] >= FEW_ROWS:
            continue
        why = "too few rows" if c["status"] == "ok" else _STATES.get(c["status"], c["status"].replace("_", " "))
        named = f"{slice_value(c)} ({c['n_units']:,})" if c["n_units"] else slice_value(c)
        reasons.setdefault(why, []).append(named)
    return [f"{why[0].upper()}{why[1:]}: {', '.join(values)}" for why, values in reasons.items()]


def judgement_of(comparison: Mapping[str, Any]) -> Judgement:
    """Better or worse for users where the interval shows it."""
    found: dict[str, Judgement] = {"treatment": "better", "control": "worse"}
    return found.get(comparison["better"], "unclear")


def difference_words(comparison: Mapping[str, Any], *, interval: bool = False) -> str:
    """The difference with its sign (treatment minus control), or its limits; empty when it cannot be estimated."""
    source = comparison["relative"] if _is_relative(comparison) else comparison
    if comparison["status"] != "ok" or source is None or source["estimate"] is None:
        return ""
    values = (source["lower"], source["upper"]) if interval else (source["estimate"],)
    if _is_relative(comparison):
        texts = [percent(value, sign=True) for value in values]
    else:
        texts = [amount(value, comparison["unit"], sign=True).removesuffix(_PER_1000) for value in values]
    if len(texts) == 1:
        return texts[0]
    first, last = texts
    unit = last[last.rfind(" ") :] if " " in last else ""
    return f"{first.removesuffix(unit)} to {last.removesuffix(unit) if unit in (' points', ' %') else last}"


def second_line(result: Mapping[str, Any], treatment: str, letter: str, letters: Mapping[str, str]) -> str:
    """What people may ask beside the verdict, never its rule: the loss of being wrong, and who is likely the best.

    ``letters`` maps the names of variants to their letters. Empty while the challenger is behind or nothing is known.
    """
    primary = primary_of(result, treatment)
    told = []
    if primary is not None and (primary["chance_better"] or 0.0) > 0.5 and primary["expected_loss"] is not None:
        loss = amount(primary["expected_loss"], primary["unit"])
        small = not any(digit in loss.removesuffix(_PER_1000) for digit in "123456789")
        size = "next to nothing" if small else loss
        told.append(f"Counting the chance of being wrong, promoting {letter} loses {size} on average.")
    ranked = sorted(result["chances_best"].items(), key=lambda item: -item[1])
    if len(ranked) > 1:
        shares = ", ".join(f"{letters.get(name, name)} {100 * chance:.0f}" for name, chance in ranked)
        told.append(f"Chance to be the best, of 100: {shares}.")
    return " ".join(told)


@dataclass(frozen=True, slots=True)
class TriedLine:
    """One circumstance under which the deciding difference was read again, in words."""

    what: str
    difference: str
    limits: str
    reads: str


def robustness_lines(result: Mapping[str, Any]) -> list[TriedLine]:
    """What was tried on the deciding difference; empty where there is nothing."""
    found = result.get("robustness")
    if found is None:
        return []
    unit = next(c["unit"] for c in overall(result, found["treatment"]) if c["role"] == "primary")
    missing = found["missing"]
    tipping = missing["tipping_point"]
    turns = "none of them turns it" if tipping["needed"] is None else f"{tipping['needed']:,} turn it"
    tried = [
        (f"All {tipping['missing']:,} missing rows gone badly ({turns})", missing["worst_case"]),
        ("Without the cluster that matters most", found["leave_one_cluster_out"]),
        ("Without the rater who matters most", found["leave_one_rater_out"]),
        ("Without the largest unit", found["without_largest_unit"]),
        ("One answer per row", found["without_repeats"]),
    ]
    return [_tried(what, part, unit) for what, part in tried if part is not None]


def _tried(what: str, part: Mapping[str, Any], unit: str) -> TriedLine:
    words = {"treatment": "better", "control": "worse", "unclear": "unclear"}[part["better"]]
    return TriedLine(
        what=f"{what}: {part['name']}" if part["name"] else what,
        difference=amount(part["estimate"], unit, sign=True),
        limits=between(Interval(part["estimate"], part["lower"], part["upper"]), unit),
        reads=f"{words}, which turns it" if part["turns"] else words,
    )


def _line(c: Mapping[str, Any], names: Iterable[str]) -> ScoreLine:
    name = metric_name(c["metric"], c["aggregate"], beside=names) + (_PER_1000 if c["unit"] == "usd" else "")
    ok = c["status"] == "ok"
    note = "" if ok else (c["warnings"] or [_STATES.get(c["status"], c["status"].replace("_", " "))])[0]
    judgement, verdict = _badge(c)
    return ScoreLine(
        name=name,
        role=c["role"],
        control=level_text(c["control_mean"], c["unit"]).removesuffix(_PER_1000),
        treatment=level_text(c["treatment_mean"], c["unit"]).removesuffix(_PER_1000),
        difference=difference_words(c) or "–",
        limits=difference_words(c, interval=True),
        judgement=judgement,
        verdict=verdict,
        note=note,
        rows=c["n_units"],
    )


def _badge(c: Mapping[str, Any]) -> tuple[Judgement, str]:
    if c["status"] != "ok":
        return "unclear", "No number"
    if c["role"] == "guardrail" and c["margin_state"] == "broken":
        return "worse", "Breaks limit"
    judgement = judgement_of(c)
    if c["role"] == "guardrail":
        words = "Limit held" if c["margin_state"] == "held" else "Limit unclear"
        return (judgement if judgement == "better" else "unclear"), words
    return judgement, {"better": "Better", "worse": "Worse", "unclear": "Unclear"}[judgement]


def _forest_row(c: Mapping[str, Any], label: str, *, target: float | None) -> ForestRow:
    relative = _is_relative(c)
    source = c["relative"] if relative else c
    turn = 1.0 if c["direction"] == "higher" else -1.0
    scale = turn * (100.0 if relative or c["unit"] == POINTS else 1000.0 if c["unit"] == "usd" else 1.0)
    ends = sorted((source["lower"] * scale, source["upper"] * scale))
    mark = -c["margin"] if c["margin"] is not None else target
    return ForestRow(
        label=label,
        estimate=source["estimate"] * scale,
        lower=ends[0],
        upper=ends[1],
        judgement=_badge(c)[0],
        mark=None if mark is None else mark * abs(scale),
        words=f"{difference_words(c)} ({difference_words(c, interval=True)})",
        rows=c["n_units"],
    )


def _panel_unit(c: Mapping[str, Any]) -> str:
    return PERCENT if _is_relative(c) else "points" if c["unit"] == POINTS else c["unit"]


def _is_relative(c: Mapping[str, Any]) -> bool:
    """Cost, time and length are told as shares, unless the plan's limit is an amount."""
    if c["relative"] is None or c["relative"]["estimate"] is None:
        return False
    if c["margin"] is not None:
        return bool(c["margin_relative"])
    return c["unit"] in ("usd", "ms", "tokens")
