"""The price of certainty as text."""

from __future__ import annotations

import typer

from commands import terminal
from experiments.plans.projection import Projection
from experiments.views.live.planning import LivePlanning
from experiments.views.runs.planning import Planning
from experiments.wording import percent


def price_line(projection: Projection, budget_usd: float | None) -> str:
    """One line: calls, cost range, time, budget."""
    parts = [f"{projection.calls:,} calls"]
    if projection.unpriced:
        parts.append(f"cost unknown (no price for {', '.join(projection.unpriced)})")
    else:
        source = "from answers so far" if projection.from_pilot else "from token counts"
        parts.append(f"${projection.low_usd or 0:.4f} to ${projection.high_usd or 0:.4f} ({source})")
    if projection.judges:
        low, high = projection.judge_usd()
        told = "cost unknown" if low is None or high is None else f"${low:.4f} to ${high:.4f}"
        parts.append(f"judges {sum(j.calls for j in projection.judges):,} calls, {told}")
    parts.append(f"about {duration(projection.seconds)}")
    if budget_usd is not None:
        parts.append(f"budget ${budget_usd:g}")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as people say them: ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def print_plan(planning: Planning) -> None:
    """Rows, power, price and the table around them, to stdout."""
    size = planning.size
    typer.echo(f"\n{planning.variants} variants × {planning.rows:,} rows × {planning.repeats} repeats")
    typer.echo(price_line(planning.projection, planning.budget_usd))
    source = f"a pilot of {size.from_pilot} rows" if size.from_pilot else "usual values; run a pilot to sharpen this"
    if size.units_needed is None:
        typer.echo(f"No number of {size.counted} shows an effect of {size.effect:g}.")
    else:
        typer.echo(f"{size.units_needed:,} {size.counted} show an effect of {size.effect:g} (from {source}).")
    if size.power_available is not None:
        words = "enough" if size.enough else "too few"
        typer.echo(f"The {size.available:,} there are have a power of {percent(size.power_available)}: {words}.")
    typer.echo("")
    rows = [
        [
            f"{row.units:,}",
            "" if row.detectable_effect is None else f"{row.detectable_effect:.3f}",
            percent(row.power),
            "unknown" if row.cost_usd is None else f"${row.cost_usd:.4f}",
            "" if row.minutes is None else duration(row.minutes * 60),
        ]
        for row in size.table
    ]
    terminal.print_table([size.counted, "shows effects from", "power for yours", "cost", "time"], rows)


def print_live_plan(planning: LivePlanning) -> None:
    """Users, days and the table around them, to stdout."""
    size = planning.size
    typer.echo(f"\n{planning.variants} variants on live traffic, {planning.enrol_percent:g} % of users take part")
    for line in planning.sentences():
        typer.echo(line)
    typer.echo("")
    rows = [
        [
            f"{row.units:,}",
            "" if row.detectable_effect is None else f"{row.detectable_effect:.3f}",
            percent(row.power),
        ]
        for row in size.table
    ]
    terminal.print_table([size.counted, "shows effects from", "power for yours"], rows)
