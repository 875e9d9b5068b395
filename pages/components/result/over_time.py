"""How the answer came about: the range of the deciding difference at each look, for results that may be watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.plans.plan import Plan
from experiments.views.results.looks import SeenRange, ranges_over_time
from experiments.wording import POINTS
from pages.components.result.charts_over_time import Band, ChartBandPoint
from pages.components.result.figures import show_band
from pages.components.result.lines import difference_words, primary_of
from pages.components.session import store

FEWEST_LOOKS = 2


def show_over_time(result: Mapping[str, Any], plan: Plan, experiment_id: str, treatment: str) -> None:
    """The band over the looks so far; nothing for results that are read once, and before the second look."""
    primary = primary_of(result, treatment)
    if primary is None or not primary["sequential"]:
        return
    seen = ranges_over_time(
        store(), experiment_id, metric=primary["metric"], aggregate=primary["aggregate"], treatment=treatment
    )
    if len(seen) < FEWEST_LOOKS:
        return
    st.header("How it came about", anchor=False)
    band = band_of(seen, primary, plan, independent=result["design"] == "independent")
    show_band(band, key="over_time")
    st.caption(
        "The band is what the difference could be at each look, the line what it looked like. "
        "It holds at all looks together, so you may look as often as you like."
        + ("" if band.asked is None else " The dashed line is the gain you asked for.")
    )


def band_of(seen: tuple[SeenRange, ...], primary: Mapping[str, Any], plan: Plan, *, independent: bool) -> Band:
    """The looks as a band in the unit of the page, turned so that up is better."""
    turn = 1.0 if primary["direction"] == "higher" else -1.0
    size = 100.0 if primary["unit"] == POINTS else 1000.0 if primary["unit"] == "usd" else 1.0
    points = []
    for look in seen:
        middle = (look.lower + look.upper) / 2 if look.estimate is None else look.estimate
        ends = sorted((look.lower * size * turn, look.upper * size * turn))
        told = {**primary, "estimate": middle, "lower": look.lower, "upper": look.upper, "relative": None}
        points.append(
            ChartBandPoint(look.units, middle * size * turn, ends[0], ends[1], difference_words(told, interval=True))
        )
    asked = plan.primary.smallest_effect * size if plan.intent == "improve" and not plan.primary.relative else None
    unit = "points" if primary["unit"] == POINTS else primary["unit"]
    return Band(tuple(points), unit, "users" if independent else "rows", asked)
