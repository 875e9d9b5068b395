"""Results as text for a terminal: the verdict first, then each measure with its interval, then health and cost."""

from __future__ import annotations

from typing import Any

import typer

from commands import terminal
from experiments.ratings.result_words import rater_sentences
from experiments.stats.estimates import Interval
from experiments.wording import amount, between, level, metric_name

_MARKS = {"treatment": "▲", "control": "▼", "unclear": "●"}


def print_results(results: dict[str, Any]) -> None:
    """The results JSON as text to stdout."""
    verdict = results["verdict"]
    typer.echo(f"\n{verdict['headline']}")
    if verdict["detail"]:
        typer.echo(verdict["detail"])
    if results["simulated"]:
        typer.echo("(Simulated model: these answers were made by rules, not by a language model.)")
    typer.echo("")
    overall = [c for c in results["comparisons"] if c["slice"] is None]
    rows = [_comparison(c) for c in overall]
    terminal.print_table(
        ["measure", "role", "against control", "control", "now", "difference", "very likely", ""], rows
    )
    for c in overall:
        for warning in c["warnings"] if c["status"] == "ok" else ():
            typer.echo(f"· {metric_name(c['metric'])}, {c['treatment']}: {warning}.")
    _print_slices([c for c in results["comparisons"] if c["slice"] is not None])
    for found in results.get("slice_differences", ()):
        several = len({one["treatment"] for one in results["slice_differences"]}) > 1
        typer.echo((f"{found['treatment']}: " if several else "") + found["sentence"])
    robustness = results.get("robustness")
    if robustness is not None and robustness["sentence"]:
        typer.echo(robustness["sentence"])
    _print_raters(results)
    for check in results["health"]:
        if check["status"] != "ok":
            typer.echo(f"{'!' if check['status'] == 'fail' else '·'} {check['message']}")
    _print_counts(results)


def _print_raters(results: dict[str, Any]) -> None:
    challengers = list(dict.fromkeys(c["treatment"] for c in results["comparisons"]))
    for treatment in challengers:
        for sentence in rater_sentences(results, treatment):
            typer.echo(sentence if len(challengers) == 1 else f"{treatment}: {sentence}")


def _comparison(c: dict[str, Any]) -> list[Any]:
    name = c["metric"] if c["aggregate"] == "mean" else f"{c['metric']} {c['aggregate']}"
    row = [
        name,
        c["role"],
        c["treatment"],
        _level(c["control_mean"], c["unit"]),
        _level(c["treatment_mean"], c["unit"]),
    ]
    if c["status"] != "ok":
        return [*row, "–", c["status"].replace("_", " "), ""]
    interval = Interval(c["estimate"], c["lower"], c["upper"])
    return [*row, amount(c["estimate"], c["unit"], sign=True), between(interval, c["unit"]), _MARKS[c["better"]]]


def _level(value: float | None, unit: str) -> str:
    return "–" if value is None else level(value, unit)


def _print_slices(slices: list[dict[str, Any]]) -> None:
    clear = [c for c in slices if c["status"] == "ok" and c["better"] != "unclear"]
    if not slices:
        return
    groups = len({(c["slice"], c["treatment"]) for c in slices})
    typer.echo(f"{groups} slices were looked at." + ("" if clear else " None stands out."))
    for c in clear:
        words = "better" if c["better"] == "treatment" else "worse"
        size = amount(c["estimate"], c["unit"], sign=True)
        typer.echo(f"  {c['slice']}: {c['treatment']} is {words} on {metric_name(c['metric'])}, {size}")


def _print_counts(results: dict[str, Any]) -> None:
    cost, counts = results["cost"], results["counts"]
    if cost is None:
        typer.echo(f"{counts['rows']} rows.")
        return
    parts = [f"{counts['ok']} answers of {counts['planned']}"]
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    if counts["from_cache"]:
        parts.append(f"{counts['from_cache']} from the cache")
    if cost["total_usd"] or not cost["unknown_calls"]:
        parts.append(f"${cost['total_usd']:.4f}")
        if cost.get("judge_usd"):
            parts.append(f"${cost['judge_usd']:.4f} of it for judges")
    if cost["unknown_calls"]:
        parts.append(f"cost unknown for {cost['unknown_calls']}")
    typer.echo(" · ".join(parts))
