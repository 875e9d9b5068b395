"""A judge's card in words: how far people agree with it, what it does wrong, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from experiments.stats.estimates import Interval
from experiments.views.runs.experiments import ExperimentView
from experiments.wording import POINTS, amount, between, count, metric_name, percent
from pages.components.inert import element
from pages.components.show_output import plain, show, show_lines, show_values
from pages.components.tables import show_table, two_lines


def show_judge_cards(result: Mapping[str, Any], metrics: Sequence[str], *, units: Mapping[str, str]) -> None:
    """One card per judge of these metrics."""
    for card in result["judges"]:
        if card["metric"] in metrics:
            with st.container(border=True, gap="small"):
                _show_card(card, result["comparisons"], unit=units.get(card["metric"], POINTS))


def show_judges(result: Mapping[str, Any], view: ExperimentView) -> None:
    """The section of a result page: what the automatic judges behind it are worth; nothing without any."""
    if not result["judges"]:
        return
    st.header("Can the judge be trusted?", anchor=False)
    show_judge_cards(result, [card["metric"] for card in result["judges"]], units=view.units)
    with st.container(horizontal=True):
        st.page_link(
            "check_quality.py",
            label="Read where people and the judge differ",
            icon=":material/fact_check:",
            query_params={"on": view.name},
        )


def _show_card(card: Mapping[str, Any], comparisons: Sequence[Mapping[str, Any]], *, unit: str) -> None:
    pill = ("may decide", "bk-pill bk-ok") if card["usable"] else ("may not decide", "bk-pill bk-bad")
    show(
        element(
            "div",
            element("b", f"{metric_name(card['metric'])} by {card['judge']}"),
            element("span", pill[0], cls=pill[1]),
            cls="bk-chips",
        )
    )
    st.markdown(plain(agreement_words(card)))
    if card["corrected"]:
        rows = [
            [name, two_lines(judged, _short(judged_range)), two_lines(people, _short(people_range))]
            for name, judged, judged_range, people, people_range in effect_rows(card, comparisons, unit=unit)
        ]
        show_table(["Effect of", "The judge says", "As people would say"], rows)
    if card["faults"]:
        show_lines([_sentence(fault["message"]) for fault in card["faults"]])
    st.markdown(f"**Next:** {plain(card['next_step'])}")
    facts = card_facts(card)
    if facts:
        with st.expander("What was measured", key=f"measured_{card['judge']}_{card['metric']}"):
            show_values(facts)


def agreement_words(card: Mapping[str, Any]) -> str:
    """``Agrees with people on 82 of 100 (80 rated answers)``, or that nobody knows."""
    if not card["human_items"] or card["agreement"] is None:
        return "Nobody knows how far it agrees with people: none of its answers was rated."
    rated = count(card["human_items"], "rated answer")
    if card["sensitivity"] is None:
        among = card["between_people"]
        people = "" if among is None else f"; people among themselves at {among:.2f}"
        return f"Agrees with people at {card['agreement']:.2f} of 1 beyond chance ({rated}{people})."
    among = card["between_people"]
    people = "" if among is None else f" People agree with each other at {among:.2f} of 1 beyond chance."
    beyond = "" if card["beyond_chance"] is None else f", {card['beyond_chance']:.2f} of 1 beyond chance"
    return f"Agrees with people on {100 * card['agreement']:.0f} of 100 ({rated}{beyond}).{people}"


def effect_rows(card: Mapping[str, Any], comparisons: Sequence[Mapping[str, Any]], *, unit: str) -> list[list[str]]:
    """Challenger, the judge's effect and its limits, the effect corrected by what people said and its limits."""
    raw = {c["treatment"]: c for c in comparisons if c["metric"] == card["metric"] and c["slice"] is None}
    rows = []
    for found in card["corrected"]:
        own = raw.get(found["treatment"])
        told = ["–", "–"] if own is None or own["estimate"] is None else _effect(own, unit)
        rows.append([found["treatment"], *told, *_effect(found, unit)])
    return rows


def _effect(found: Mapping[str, Any], unit: str) -> list[str]:
    interval = Interval(found["estimate"], found["lower"], found["upper"])
    return [amount(interval.estimate, unit, sign=True), between(interval, unit)]


def _short(limits: str) -> str:
    """``−1.5 to +13.6 points`` for ``between −1.5 and +13.6 points``: three columns must fit a phone."""
    return limits.removeprefix("between ").replace(" and ", " to ")


def card_facts(card: Mapping[str, Any]) -> dict[str, str]:
    """The card's figures in words; what was not measured is left out."""
    facts = {}
    for name, words in (
        ("sensitivity", "Of people's yes it confirms"),
        ("specificity", "Of people's no it confirms"),
    ):
        limits = card[f"{name}_interval"]
        if card[name] is not None and limits is not None:
            facts[words] = (
                f"{percent(card[name])}, very likely {percent(limits['lower'])} to {percent(limits['upper'])}"
            )
    if card["self_consistency"] is not None:
        facts["Asked again, says the same on"] = percent(card["self_consistency"])
    if card["position_bias"] is not None:
        facts["Changes its mind when sides are swapped on"] = percent(card["position_bias"])
    if card["length_bias"] is not None:
        facts["Rank correlation with length"] = f"{card['length_bias']:+.2f}"
    if card["unreadable"]:
        facts["Gave no verdict on"] = percent(card["unreadable"])
    for found in card["rates"]:
        facts[f"Rate of {found['variant']} as people would see it"] = (
            f"{percent(found['estimate'])}, very likely {percent(found['lower'])} to {percent(found['upper'])}"
        )
    return facts


def _sentence(message: str) -> str:
    return f"{message[0].upper()}{message[1:]}." if message else ""
