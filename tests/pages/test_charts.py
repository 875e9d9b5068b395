"""Charts are valid Vega-Lite, say what they show in words, and keep their axes still."""

from __future__ import annotations

from typing import Any

import altair as alt
import pytest

from experiments.plans.plan import Plan, PrimaryMetric
from experiments.views.results.looks import SeenRange
from pages.components.charts import (
    BETTER,
    ForestPanel,
    ForestRow,
    PowerPoint,
    Spec,
    forest,
    power_curve,
    win_tie_loss,
)
from pages.components.result.charts_over_time import Band, ChartBandPoint, band_over_time
from pages.components.result.over_time import band_of

ROWS = (
    ForestRow("helpful", 6.1, 2.1, 10.3, "better", 3.0, "+6.1 points (+2.1 to +10.3 points)", 300),
    ForestRow("a name that is much longer than any label may be", -1.0, -4.0, 2.0, "unclear", None, "−1.0 points", 12),
)
POINTS = (
    ChartBandPoint(40, 9.0, -8.0, 26.0, "−8.0 to +26.0 points"),
    ChartBandPoint(120, 7.0, -1.0, 15.0, "−1.0 to +15.0 points"),
    ChartBandPoint(240, 6.0, 1.0, 11.0, "+1.0 to +11.0 points"),
)
BAND = Band(POINTS, "points", "rows", 3.0)
SPECS = {
    "forest": lambda: forest(ForestPanel("points", ROWS)),
    "forest of one row that does not vary": lambda: forest(
        ForestPanel("%", (ForestRow("cost", 0, 0, 0, "unclear", None, "0 %", 3),))
    ),
    "win, tie, loss": lambda: win_tie_loss([("A better", 3, BETTER), ("tie", 0, "#888888"), ("B better", 97, BETTER)]),
    "win, tie, loss of nothing": lambda: win_tie_loss([("A better", 0, BETTER)]),
    "power curve": lambda: power_curve(
        [PowerPoint(50, 20.0, 0.2, "$0.10"), PowerPoint(500, 6.0, 0.9, "$1.00")], asked=3, unit="points", available=80
    ),
    "power curve of nothing": lambda: power_curve(
        [PowerPoint(50, None, 0.2, "$0.10")], asked=3, unit="points", available=None
    ),
    "band": lambda: band_over_time(BAND),
    "band of one look": lambda: band_over_time(Band(POINTS[:1], "ms", "users", None)),
    "band without looks": lambda: band_over_time(Band((), "points", "rows", 3.0)),
}


def layers(spec: Spec) -> list[dict[str, Any]]:
    return spec["layer"]


def mark(spec: Spec, kind: str) -> dict[str, Any]:
    return next(layer for layer in layers(spec) if layer["mark"]["type"] == kind)


@pytest.mark.parametrize("name", SPECS)
def test_the_specification_is_valid_vega_lite(name: str) -> None:
    spec = SPECS[name]()

    alt.LayerChart.from_dict(spec, validate=True)


def test_the_band_is_light_its_line_thin_and_zero_is_drawn() -> None:
    spec = band_over_time(BAND)

    assert mark(spec, "area")["mark"]["opacity"] == 0.2
    assert mark(spec, "line")["mark"]["strokeWidth"] == 2
    assert mark(spec, "rule")["encoding"]["y"]["datum"] == 0
    assert layers(spec)[-1]["encoding"]["y"]["datum"] == 3.0


def test_the_axis_of_the_band_stays_where_it_is_while_looks_come_in() -> None:
    domains = {
        tuple(mark(band_over_time(Band(POINTS[:n], "points", "rows", 3.0)), "area")["encoding"]["y"]["scale"]["domain"])
        for n in (1, 2, 3)
    }

    assert domains == {(-30.0, 30.0)}


def test_the_band_shows_the_gain_asked_for_even_where_ranges_are_narrow() -> None:
    narrow = Band((ChartBandPoint(40, 0.1, -0.2, 0.4, ""),), "points", "rows", 3.0)

    assert narrow.reach == 4.0


def test_the_band_says_what_it_shows() -> None:
    assert BAND.alt == (
        "After 40 rows the difference was −8.0 to +26.0 points. After 240 it is +1.0 to +11.0 points. "
        "Since 240 rows it is clearly better."
    )
    assert Band(POINTS[:2], "points", "rows", None).alt.endswith("No difference is still possible.")
    assert Band((), "points", "rows", None).alt == "Nobody has looked yet."


def test_looks_become_points_in_the_unit_of_the_page_with_up_as_better() -> None:
    primary = {"direction": "lower", "unit": "usd", "metric": "cost_usd", "status": "ok", "margin": None}
    plan = Plan(primary=PrimaryMetric(metric="cost_usd", smallest_effect=0.001))
    seen = (SeenRange(50, -0.002, -0.005, 0.001), SeenRange(90, None, -0.004, -0.001))

    band = band_of(seen, primary, plan, independent=True)

    assert [(p.units, p.estimate, p.lower, p.upper) for p in band.points] == [(50, 2.0, -1.0, 5.0), (90, 2.5, 1.0, 4.0)]
    assert (band.counted, band.asked) == ("users", 1.0)
    assert "clearly better" in band.alt


def test_a_forest_says_every_row_in_words() -> None:
    assert ForestPanel("points", ROWS[:1]).alt == "helpful: better, +6.1 points (+2.1 to +10.3 points), 300 rows"
