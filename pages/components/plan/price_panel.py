"""The price of certainty: calls, cost, time, rows needed for the gain one cares about, and what one's rows show."""

from __future__ import annotations

import streamlit as st

from experiments.plans.projection import Projection
from experiments.plans.sizing import SizePlan
from experiments.views.runs.plan_preview import PlanPreview
from experiments.wording import POINTS, amount, count, metric_name
from pages.components.charts import PowerPoint
from pages.components.inert import element
from pages.components.numbers import money, money_range, seconds_words
from pages.components.result.figures import show_power_curve
from pages.components.show_output import plain, show, show_values


def show_price(preview: PlanPreview) -> None:
    """The whole panel for a plan that is complete."""
    projection = preview.projection
    show_values(_facts(preview))
    if projection.unpriced:
        st.warning(
            f"Nobody knows the price of {plain(', '.join(projection.unpriced))}, so no money stop can hold."
            " Add it in Settings.",
            icon=":material/price_change:",
        )
    if preview.size is None:
        words = metric_name(preview.primary.name)
        st.caption(f"How many rows {plain(words)} needs can be told after a few answers.")
        return
    show(element("div", _certainty(preview.size, preview), cls="bk-detail"))
    unit = preview.primary.unit
    scale = 100.0 if unit == POINTS else 1.0
    points = tuple(
        PowerPoint(
            row.units,
            None if row.detectable_effect is None else round(scale * row.detectable_effect, 2),
            row.power,
            money(row.cost_usd),
        )
        for row in preview.size.table
    )
    st.markdown(f"**Smallest gain that so many rows show** :gray[({plain(unit)})]")
    show_power_curve(points, asked=scale * preview.size.effect, unit=unit, available=preview.rows, key="power_curve")
    st.caption("Dashed: the gain you asked for, and the rows you have." + _source(preview.size))


def _facts(preview: PlanPreview) -> dict[str, str]:
    projection, limits = preview.projection, preview.spec.limits
    judges = {}
    if projection.judges:
        calls = count(sum(judge.calls for judge in projection.judges), "call")
        judges["Judges, apart"] = f"{calls}, {money_range(*projection.judge_usd())}"
    return {
        "Calls": _calls(projection),
        "Cost": money_range(projection.low_usd, projection.high_usd)
        + (", from real answers" if projection.from_pilot else ""),
        **judges,
        "Time": f"about {seconds_words(max(1.0, projection.seconds))}",
        "Stops at": "no stop" if limits.budget_usd is None else money(limits.budget_usd),
    }


def _calls(projection: Projection) -> str:
    cached = f", {projection.cached_calls:,} of them answered before" if projection.cached_calls else ""
    return f"{projection.calls:,}{cached}"


def _certainty(size: SizePlan, preview: PlanPreview) -> str:
    asked = amount(size.effect, preview.primary.unit, sign=True)
    if size.units_needed is None:
        return f"No number of rows can show {asked}: the answers do not differ on that many rows."
    power = f"{100 * preview.spec.plan.power:.0f} of 100"
    needed = f"To see a gain of {asked} in {power} such tests takes about {count(size.units_needed, 'row')}"
    if size.enough:
        return f"{needed}. You have {preview.rows:,}: enough."
    chance = 100 * (size.power_available or 0.0)
    price = f" (about {money(size.cost_usd)})" if size.cost_usd is not None else ""
    return f"{needed}{price}. You have {preview.rows:,}: it shows in {chance:.0f} of 100."


def _source(size: SizePlan) -> str:
    if size.from_pilot:
        return f" From {count(size.from_pilot, 'answered row')}."
    return " Assumed from experience; a few real answers make it exact."
