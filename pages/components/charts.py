"""Results → chart specifications with the text a screen reader says. Pure: nothing is drawn here.

Altair is imported inside the functions: it costs a second of processor time, and most page views read a cached spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pages.components.inert import cut

if TYPE_CHECKING:
    import altair as alt

Spec = dict[str, Any]

BETTER, WORSE, UNCLEAR = "#00805A", "#B3261E", "#6B7480"
INK, GRID = "#1b2430", "#dfe4ea"
_JUDGEMENTS = ["better", "unclear", "worse"]
_COLOURS = [BETTER, UNCLEAR, WORSE]
_SHAPES = ["triangle-up", "circle", "triangle-down"]
_ROW_PX = 36
_BAR_PX = 26
_LABEL_PX = 170
_LONGEST_LABEL = 28


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One difference, turned so that right is better; ``mark`` is its limit or the gain asked for."""

    label: str
    estimate: float
    lower: float
    upper: float
    judgement: str
    mark: float | None
    words: str
    rows: int


@dataclass(frozen=True, slots=True)
class ForestPanel:
    """Differences in one unit, such as ``points``, ``%`` or ``ms``."""

    unit: str
    rows: tuple[ForestRow, ...]

    @property
    def alt(self) -> str:
        """What the picture shows, as a sentence per row."""
        return "; ".join(f"{row.label}: {row.judgement}, {row.words}, {row.rows:,} rows" for row in self.rows)


@dataclass(frozen=True, slots=True)
class PowerPoint:
    """One size of a test: the smallest effect it would show, the chance to see the one asked for, its price."""

    rows: int
    detectable: float | None
    power: float
    cost: str


def forest(panel: ForestPanel) -> Spec:
    """Intervals as bands, estimates as points, a line at no difference, a tick at each limit."""
    import altair as alt

    values = _forest_values(panel)
    base = alt.Chart(alt.InlineData(values=values))
    side = _label_axis([value["label"] for value in values])
    span = alt.Scale(domain=_span(panel), nice=False, zero=True)
    axis = alt.Axis(
        title=f"← worse\u2003\u2003{unit_words(panel.unit)}\u2003\u2003better →",
        titleFontWeight="normal",
        titleFontSize=12,
        titleColor=UNCLEAR,
        gridColor=GRID,
        domain=False,
        tickCount=5,
        labelExpr="format(abs(datum.value), ',~f')",
    )
    colour = alt.Color("judgement:N", scale=alt.Scale(domain=_JUDGEMENTS, range=_COLOURS), legend=None)
    tips = [
        alt.Tooltip("whole:N", title="Measure"),
        alt.Tooltip("words:N", title="Difference"),
        alt.Tooltip("rows:Q", title="Rows"),
    ]
    layers: list[alt.Chart] = [
        alt.Chart(alt.InlineData(values=[{"zero": 0}]))
        .mark_rule(color=INK, strokeWidth=1.2)
        .encode(x=alt.X("zero:Q", scale=span)),
        base.mark_rule(strokeWidth=6, opacity=0.35, strokeCap="round").encode(
            x=alt.X("lower:Q", scale=span, axis=axis), x2="upper:Q", y=side, color=colour, tooltip=tips
        ),
        base.transform_filter("isValid(datum.mark)")
        .mark_tick(color=INK, thickness=2, size=20)
        .encode(x=alt.X("mark:Q", scale=span), y=side),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            x=alt.X("estimate:Q", scale=span),
            y=side,
            color=colour,
            shape=alt.Shape("judgement:N", scale=alt.Scale(domain=_JUDGEMENTS, range=_SHAPES), legend=None),
            tooltip=tips,
        ),
    ]
    return finished(alt.layer(*layers).properties(height=alt.Step(_ROW_PX)))


def win_tie_loss(counts: Sequence[tuple[str, int, str]]) -> Spec:
    """One bar of three parts, each (what, rows, colour), with its number inside where there is room."""
    import altair as alt

    total = sum(count for _, count, _ in counts) or 1
    values, start = [], 0
    for what, count, colour in counts:
        shown = f"{count:,}" if count / total >= 0.06 else ""
        values.append(
            {"what": what, "rows": count, "start": start, "end": start + count, "colour": colour, "shown": shown}
        )
        start += count
    base = alt.Chart(alt.InlineData(values=values)).transform_calculate(middle="(datum.start + datum.end) / 2")
    bar = base.mark_rect(cornerRadius=3, stroke="#ffffff", strokeWidth=2).encode(
        x=alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, total], nice=False)),
        x2="end:Q",
        y=alt.value(0),
        y2=alt.value(_BAR_PX),
        color=alt.Color("colour:N", scale=None),
        tooltip=[alt.Tooltip("what:N", title="Who"), alt.Tooltip("rows:Q", title="Rows", format=",")],
    )
    text = base.mark_text(color="#ffffff", fontSize=13, fontWeight=600).encode(
        x=alt.X("middle:Q", axis=None), y=alt.value(_BAR_PX / 2), text="shown:N"
    )
    return finished(alt.layer(bar, text).properties(height=_BAR_PX))


def power_curve(points: Sequence[PowerPoint], *, asked: float, unit: str, available: int | None) -> Spec:
    """Rows against the smallest effect they show; the effect asked for and the rows at hand as lines."""
    import altair as alt

    values = [
        {"rows": p.rows, "effect": p.detectable, "power": f"{100 * p.power:.0f} of 100", "cost": p.cost}
        for p in points
        if p.detectable is not None
    ]
    base = alt.Chart(alt.InlineData(values=values))
    x = alt.X(
        "rows:Q",
        title="rows",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=False, tickCount=4, format=",~f"),
    )
    y = alt.Y(
        "effect:Q", title=None, axis=alt.Axis(gridColor=GRID, tickCount=4, format="~f"), scale=alt.Scale(zero=True)
    )
    tips = [
        alt.Tooltip("rows:Q", title="Rows", format=","),
        alt.Tooltip("effect:Q", title=f"Shows from ({unit_words(unit)})", format=".1f"),
        alt.Tooltip("power:N", title="Chance to show yours"),
        alt.Tooltip("cost:N", title="Cost"),
    ]
    layers: list[alt.Chart] = [
        base.mark_line(color=BETTER, strokeWidth=2).encode(x=x, y=y),
        base.mark_point(color=BETTER, filled=True, size=60, opacity=1).encode(x=x, y=y, tooltip=tips),
        base.mark_rule(color=INK, strokeDash=[4, 3]).encode(y=alt.datum(asked)),
    ]
    if available:
        layers.append(base.mark_rule(color=UNCLEAR, strokeDash=[2, 3]).encode(x=alt.datum(available)))
    return finished(alt.layer(*layers).properties(height=170))


def _forest_values(panel: ForestPanel) -> list[dict[str, Any]]:
    """One plain value per row of a forest plot."""
    return [
        {
            "label": cut(row.label, _LONGEST_LABEL),
            "whole": row.label,
            "estimate": row.estimate,
            "lower": row.lower,
            "upper": row.upper,
            "judgement": row.judgement,
            "mark": row.mark,
            "words": row.words,
            "rows": row.rows,
            "position": position,
        }
        for position, row in enumerate(panel.rows)
    ]


def _label_axis(order: list[str]) -> alt.Y:
    """The row names on the left, in the given order."""
    import altair as alt

    return alt.Y(
        "label:N",
        sort=order,
        title=None,
        axis=alt.Axis(
            labelLimit=_LABEL_PX,
            labelFlush=False,  # the theme flushes, which moves the first label off its mark
            ticks=False,
            domain=False,
            labelPadding=8,
            labelColor=INK,
            labelFontSize=13,
        ),
    )


def _span(panel: ForestPanel) -> tuple[float, float]:
    """From the lowest to the highest thing drawn, zero included, with a little air."""
    ends = [0.0, *(v for row in panel.rows for v in (row.lower, row.upper, row.mark) if v is not None)]
    low, high = min(ends), max(ends)
    air = 0.06 * ((high - low) or 1.0)
    return low - air, high + air


def unit_words(unit: str) -> str:
    """A unit as an axis says it."""
    return {"points": "points", "%": "per cent", "ms": "milliseconds", "usd": "dollars per 1,000"}.get(unit, unit)


def finished(chart: alt.LayerChart) -> Spec:
    """The chart as a plain specification, without a frame around the plot."""
    air = {"left": 4, "top": 4, "right": 14, "bottom": 4}  # the last label of an axis is as wide as half of its number
    spec: Spec = chart.properties(padding=air).configure_view(strokeWidth=0).to_dict(validate=False)
    return spec
