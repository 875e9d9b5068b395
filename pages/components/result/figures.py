"""Charts on a page: specs are built once per content, every chart has a text beside its picture."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import charts
from pages.components.charts import ForestPanel, PowerPoint, Spec
from pages.components.result import charts_over_time
from pages.components.result.charts_over_time import Band


@st.cache_data(max_entries=500, show_spinner=False)
def _forest(panel: ForestPanel) -> Spec:
    return charts.forest(panel)


@st.cache_data(max_entries=500, show_spinner=False)
def _win_tie_loss(counts: tuple[tuple[str, int, str], ...]) -> Spec:
    return charts.win_tie_loss(counts)


@st.cache_data(max_entries=200, show_spinner=False)
def _power_curve(points: tuple[PowerPoint, ...], asked: float, unit: str, available: int | None) -> Spec:
    return charts.power_curve(points, asked=asked, unit=unit, available=available)


@st.cache_data(max_entries=200, show_spinner=False)
def _band(band: Band) -> Spec:
    return charts_over_time.band_over_time(band)


def show_band(band: Band, *, key: str) -> None:
    """What a difference could be, look by look."""
    st.vega_lite_chart(_band(band), width="stretch", key=key, alt=band.alt)


def show_forest(panel: ForestPanel, *, key: str) -> None:
    """The interval plot of one panel."""
    st.vega_lite_chart(_forest(panel), width="stretch", key=key, alt=panel.alt)


def show_win_tie_loss(counts: Sequence[tuple[str, int, str]], *, key: str) -> None:
    """The bar of who won how many rows; each part is (what, rows, colour)."""
    words = ", ".join(f"{what} on {count:,} rows" for what, count, _ in counts)
    st.vega_lite_chart(_win_tie_loss(tuple(counts)), width="stretch", key=key, alt=words)


def show_power_curve(points: Sequence[PowerPoint], *, asked: float, unit: str, available: int | None, key: str) -> None:
    """Rows against the effect they show."""
    told = [f"{p.rows:,} rows show {p.detectable:.1f} {unit}" for p in points if p.detectable is not None]
    spec = _power_curve(tuple(points), asked, unit, available)
    st.vega_lite_chart(spec, width="stretch", key=key, alt="; ".join(told) or "No number of rows shows an effect.")
