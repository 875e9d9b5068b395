"""The picture of a live test: how the range of the difference narrows while users come. Pure: nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.views.live.tests import BandPoint
from pages.components.charts import GRID, INK, UNCLEAR, Spec

HEIGHT_PX = 240


def band(points: Sequence[BandPoint], *, unit: str, asked: float | None, better: str) -> Spec:
    """The always-valid interval over users as a band, the estimate as a line, no difference and the gain asked for.

    ``better`` is ``higher`` or ``lower``; shares are drawn in points of 100.
    """
    import altair as alt

    scale = 100.0 if unit == "points" else 1.0
    values = [
        {
            "users": point.users,
            "at": point.at.isoformat(),
            "estimate": scale * point.estimate,
            "lower": scale * point.lower,
            "upper": scale * point.upper,
        }
        for point in points
    ]
    axis = alt.Axis(title=unit, titleFontWeight="normal", titleColor=UNCLEAR, gridColor=GRID, domain=False, tickCount=5)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "users:Q",
            axis=alt.Axis(title="users", titleFontWeight="normal", titleColor=UNCLEAR, grid=False, tickCount=6),
            scale=alt.Scale(nice=False),
        )
    )
    tips = [
        alt.Tooltip("users:Q", title="Users", format=","),
        alt.Tooltip("estimate:Q", title="Difference", format="+.2f"),
        alt.Tooltip("lower:Q", title="From", format="+.2f"),
        alt.Tooltip("upper:Q", title="To", format="+.2f"),
    ]
    layers: list[alt.Chart] = [
        base.mark_area(opacity=0.22, color=UNCLEAR, interpolate="step-after").encode(
            y=alt.Y("lower:Q", axis=axis), y2="upper:Q", tooltip=tips
        ),
        base.mark_line(color=INK, strokeWidth=2, point=alt.OverlayMarkDef(size=28, color=INK)).encode(
            y="estimate:Q", tooltip=tips
        ),
        alt.Chart(alt.InlineData(values=[{"y": 0.0}])).mark_rule(color=INK, strokeWidth=1.2).encode(y="y:Q"),
    ]
    if asked is not None:
        mark = scale * asked * (1 if better == "higher" else -1)
        layers.append(
            alt.Chart(alt.InlineData(values=[{"y": mark}]))
            .mark_rule(color=INK, strokeDash=[4, 4], strokeWidth=1)
            .encode(y="y:Q")
        )
    chart = alt.layer(*layers).properties(height=HEIGHT_PX).configure_view(strokeWidth=0)
    spec: Spec = chart.to_dict(validate=False)
    return spec


def band_words(points: Sequence[BandPoint], unit: str) -> str:
    """What the picture shows, for a screen reader."""
    if not points:
        return "no look yet"
    last, scale = points[-1], 100.0 if unit == "points" else 1.0
    return (
        f"after {last.users:,} users the difference is {scale * last.estimate:.2f}, "
        f"between {scale * last.lower:.2f} and {scale * last.upper:.2f}"
    )
