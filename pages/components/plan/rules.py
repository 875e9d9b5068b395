"""The rules of a plan: what decides, what gain is worth having, which limits may veto, when to stop spending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from experiments.wording import metric_name
from pages.components.words import names_of

BETTER, AS_GOOD = "B should be better", "B may be as good, if it is cheaper"
SYSTEM = {"cost": ("cost_usd", "mean"), "latency": ("latency_ms", "mean"), "p95 latency": ("latency_ms", "p95")}
GOALS = {"cheaper": ("cost_usd", "mean"), "faster": ("latency_ms", "mean")}


def choose_rules(metrics: Sequence[str], units: dict[str, str]) -> dict[str, Any]:
    """The plan as an experiment file has it; ``metrics`` are those of the chosen scorers, ``units`` what they count."""
    intent = st.segmented_control(
        "The question", [BETTER, AS_GOOD], default=BETTER, required=True, key="plan_intent", persist_state="session"
    )
    swap = intent == AS_GOOD
    left, right = st.columns(2)
    with left:
        primary = st.selectbox("What decides", metrics, key="plan_primary", format_func=names_of(metrics))
    points = units.get(primary, "points") == "points"
    with right:
        label = "May be worse by at most" if swap else "Smallest gain worth having"
        size = st.number_input(
            f"{label} ({'points of 100' if points else 'in its own unit'})",
            0.1,
            1000.0,
            value=3.0,
            step=0.5,
            key="plan_effect",
            persist_state="session",
            format="%g",
        )
    plan: dict[str, Any] = {
        "intent": "swap" if swap else "improve",
        "primary": {"metric": primary, "smallest_effect": round(size / 100, 6) if points else size},
    }
    if swap:
        goal = st.segmented_control(
            "And it should be", list(GOALS), default="cheaper", required=True, key="plan_goal", persist_state="session"
        )
        metric, aggregate = GOALS[goal or "cheaper"]
        plan["swap_goal"] = {"metric": metric, "aggregate": aggregate}
    plan["guardrails"] = _limits([m for m in metrics if m != primary], units)
    plan["secondary"] = [m for m in metrics if m != primary and m not in [g["metric"] for g in plan["guardrails"]]]
    plan |= _finer()
    return plan


def choose_limits() -> dict[str, Any]:
    """What the run may use: money, calls at a time, time and tries of one call."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        budget = st.number_input(
            "Stop at (US dollars)",
            0.0,
            1_000_000.0,
            value=5.0,
            step=1.0,
            key="plan_budget",
            persist_state="session",
            help="A hard stop: what is finished is kept.",
            width=200,
        )
        repeats = st.number_input(
            "Answers per row",
            1,
            100,
            value=1,
            key="plan_repeats",
            persist_state="session",
            help="More show how much a variant varies by itself.",
            width=160,
        )
        concurrency = st.number_input(
            "Calls at a time", 1, 256, value=16, key="plan_concurrency", persist_state="session", width=160
        )
    return {"repeats": int(repeats), "limits": {"budget_usd": budget, "concurrency": int(concurrency)}}


def _limits(others: Sequence[str], units: dict[str, str]) -> list[dict[str, Any]]:
    chosen = st.multiselect(
        "Must not get worse",
        [*SYSTEM, *others],
        default=["cost"],
        format_func=names_of([*SYSTEM, *others]),
        key="plan_limits",
        help="A limit that is broken vetoes the promotion, however large the gain.",
    )
    limits = []
    for place, name in zip(st.columns(3) * (1 + len(chosen) // 3), chosen, strict=False):
        with place:
            limits.append(_limit(name, units))
    return limits


def _limit(name: str, units: dict[str, str]) -> dict[str, Any]:
    metric, aggregate = SYSTEM.get(name, (name, "mean"))
    key = f"plan_limit_{name}"
    if name in SYSTEM:
        share = st.number_input(
            f"{name.capitalize()}: at most % higher", 0.0, 1000.0, value=20.0, step=5.0, key=key, format="%g"
        )
        return {"metric": metric, "aggregate": aggregate, "margin": round(share / 100, 6), "relative": True}
    points = units.get(name, "points") == "points"
    words = "points lower" if points else "worse, in its own unit"
    margin = st.number_input(
        f"{metric_name(name)}: at most {words}", 0.0, 1000.0, value=2.0, step=0.5, key=key, format="%g"
    )
    return {"metric": metric, "margin": round(margin / 100, 6) if points else margin}


def _finer() -> dict[str, Any]:
    with st.expander("Finer rules", icon=":material/tune:", key="plan_finer_rules"):
        with st.container(horizontal=True):
            alpha = st.number_input(
                "Chance of a false alarm (alpha)",
                0.001,
                0.2,
                value=0.05,
                step=0.01,
                key="plan_alpha",
                persist_state="session",
                format="%g",
                width=230,
            )
            power = st.number_input(
                "Chance to see a real gain (power)",
                0.5,
                0.99,
                value=0.8,
                step=0.05,
                key="plan_power",
                persist_state="session",
                format="%g",
                width=230,
            )
            stopping = st.selectbox(
                "When the result may be read",
                ["fixed", "sequential", "hybrid"],
                format_func={
                    "fixed": "once, when all rows are in",
                    "sequential": "at any time",
                    "hybrid": "at any time, and best at the end",
                }.__getitem__,
                key="plan_stopping",
                persist_state="session",
                width=280,
            )
        failed = st.toggle(
            "Count failed answers as 0",
            key="plan_failed",
            persist_state="session",
            help="Else a failed row is left out, for both variants.",
        )
    return {"alpha": alpha, "power": power, "stopping": stopping, "failed_rows": "zero" if failed else "exclude"}
