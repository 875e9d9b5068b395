"""A difference while its evidence grew → the band of what it could be, with the text a screen reader says. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.components.charts import GRID, INK, UNCLEAR, Spec, finished, unit_words

BAND = "#0072B2"
_HEIGHT_PX = 220
_ASKED_SHARE = 1.25
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class ChartBandPoint:
    """What was known when so many units were in, turned so that up is better; ``words`` are the limits for people."""

    units: int
    estimate: float
    lower: float
    upper: float
    words: str


@dataclass(frozen=True, slots=True)
class Band:
    """The looks at one difference, fewest units first; ``asked`` is the smallest gain worth having, in ``unit``."""

    points: tuple[ChartBandPoint, ...]
    unit: str
    counted: str
    asked: float | None

    @property
    def alt(self) -> str:
        """What the picture shows in three sentences: where it began, where it is, since when 0 is out."""
        if not self.points:
            return "Nobody has looked yet."
        first, last = self.points[0], self.points[-1]
        told = f"After {first.units:,} {self.counted} the difference was {first.words}."
        if len(self.points) > 1:
            told += f" After {last.units:,} it is {last.words}."
        clear = next((point for point in self.points if point.lower > 0 or point.upper < 0), None)
        if clear is None:
            return f"{told} No difference is still possible."
        side = "better" if clear.lower > 0 else "worse"
        return f"{told} Since {clear.units:,} {self.counted} it is clearly {side}."

    @property
    def reach(self) -> float:
        """Half the height of the picture: the first, widest range or the gain asked for, rounded up.

        Later ranges lie inside the first one, so that the axis stays where it is when the page is opened again.
        """
        ends = [abs(end) for point in self.points[:1] for end in (point.lower, point.upper)]
        return _rounded_up(max([*ends, _ASKED_SHARE * (self.asked or 0.0)], default=0.0) or 1.0)


def band_over_time(band: Band) -> Spec:
    """Units against what the difference could be: a band, the estimate as a line, a line at no difference."""
    import altair as alt

    base = alt.Chart(alt.InlineData(values=_values(band.points)))
    side = alt.Scale(domain=[-band.reach, band.reach], nice=False)
    span = alt.Scale(domain=_span(band), nice=False)
    x = alt.X(
        "units:Q", title=band.counted, axis=alt.Axis(grid=False, tickCount=6, tickMinStep=1, format=",d"), scale=span
    )
    y = alt.Y(
        "lower:Q",
        title=f"{unit_words(band.unit)}, up is better",
        scale=side,
        axis=alt.Axis(
            gridColor=GRID,
            domain=False,
            tickCount=5,
            labelExpr="datum.value == 0 ? '0' : format(datum.value, '+~f')",
            titleFontWeight="normal",
        ),
    )
    tips = [
        alt.Tooltip("units:Q", title=band.counted.capitalize(), format=",d"),
        alt.Tooltip("words:N", title="Very likely"),
    ]
    layers: list[alt.Chart] = [
        base.mark_area(color=BAND, opacity=0.2, clip=True).encode(x=x, y=y, y2="upper:Q"),
        base.mark_rule(color=INK, strokeWidth=1.2).encode(y=alt.datum(0, scale=side)),
        base.mark_line(color=BAND, strokeWidth=2, clip=True).encode(x=x, y=alt.Y("estimate:Q", scale=side)),
        base.mark_point(color=BAND, filled=True, size=50, opacity=1).encode(
            x=x, y=alt.Y("estimate:Q", scale=side), tooltip=tips
        ),
    ]
    if band.asked is not None:
        rule = base.mark_rule(color=UNCLEAR, strokeDash=[4, 3])
        layers.append(rule.encode(y=alt.datum(band.asked, scale=side)))
    return finished(alt.layer(*layers).properties(height=_HEIGHT_PX))


def _values(points: Sequence[ChartBandPoint]) -> list[dict[str, Any]]:
    return [
        {"units": p.units, "estimate": p.estimate, "lower": p.lower, "upper": p.upper, "words": p.words} for p in points
    ]


def _span(band: Band) -> list[int]:
    """From the first to the last look."""
    units = [point.units for point in band.points] or [0]
    return [min(units), max(*units, min(units) + 1)]


def _rounded_up(value: float) -> float:
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in _STEPS if step * size >= value * (1 - 1e-9))
