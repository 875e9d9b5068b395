"""How a result was computed: everything a second reader needs, and the rows behind it to take away."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from experiments.exports import write_csv, write_jsonl
from experiments.stats.methods import METHODS
from experiments.views.results.exports import export_rows
from experiments.views.runs.experiments import ExperimentView
from experiments.wording import POINTS, amount, count, metric_name, percent
from pages.components.result.lines import overall
from pages.components.session import store
from pages.components.show_output import show_lines, show_values
from pages.components.tables import show_table

WHAT = {
    "outputs": "Answers",
    "attempts": "Paid calls",
    "scores": "Scores",
    "ratings": "Ratings",
    "analysis": "Analysis table",
}
_METHODS = {method.name: method for method in METHODS}


@st.fragment
def show_method(view: ExperimentView, result: Mapping[str, Any], treatment: str) -> None:
    """The closed expander at the end of the page."""
    box = st.expander(
        "How this was computed", icon=":material/function:", key="how", on_change="rerun", bind="query-params"
    )
    if not box.open:
        return
    with box:
        _show_tests(result, treatment)
        st.subheader("The plan and the evidence", anchor=False)
        show_values(_facts(view, result))
        st.subheader("Take it away", anchor=False)
        _show_downloads(view.name)


def _show_tests(result: Mapping[str, Any], treatment: str) -> None:
    rows = []
    for c in overall(result, treatment):
        method = _METHODS.get(c["method"] or "")
        missing = ", ".join(f"{name} {n}" for name, n in c["n_missing"].items() if n) or "none"
        adjusted, p = c["adjusted_p_value"], c["p_value"]
        rows.append(
            [
                metric_name(c["metric"], c["aggregate"]),
                c["method"] or c["status"].replace("_", " "),
                f"{method.test}; interval: {method.interval}" if method else "",
                f"{c['n_units']:,}",
                f"{c['n_clusters']:,}",
                missing,
                _p_words(p),
                _p_words(adjusted),
            ]
        )
    head = ["Measure", "Method", "Test and interval", "Rows", "Groups", "Left out", "p", "p corrected"]
    show_table(head, rows, left=(1, 2), wide=(2, 4))
    notes = [
        f"{metric_name(c['metric'], c['aggregate'])}: {warning}."
        for c in overall(result, treatment)
        if c["status"] == "ok"
        for warning in c["warnings"]
    ]
    if notes:
        show_lines(notes, muted=True)


def _p_words(p: float | None) -> str:
    """Three digits; under one in ten thousand the size says nothing more."""
    if p is None:
        return "–"
    return "under 0.0001" if p < 0.0001 else f"{p:.3g}"


def plan_facts(view: ExperimentView) -> dict[str, str]:
    """What was fixed before anybody looked, in words."""
    plan = view.spec.plan
    primary = plan.primary
    asked = "May be worse by at most" if plan.intent == "swap" else "Smallest gain worth having"
    unit = view.units.get(primary.metric, POINTS)
    facts = {
        "Expected": view.hypothesis or "nothing was written",
        "Decides": metric_name(primary.metric, primary.aggregate),
        asked: _margin(primary.smallest_effect, unit, relative=primary.relative),
        "Limits": "; ".join(
            f"{metric_name(g.metric, g.aggregate)} at most"
            f" {_margin(g.margin, view.units.get(g.metric, POINTS), relative=g.relative)} worse"
            for g in plan.guardrails
        )
        or "none",
        "Error and power": f"alpha {plan.alpha:g}, power {plan.power:g}",
        "Read": {"fixed": "once, when all rows are in", "sequential": "at any time"}.get(
            plan.stopping, "at any time, and best at the end"
        ),
        "Failed answers": "count as 0" if plan.failed_rows == "zero" else "leave their row out",
        "Test set": f"{view.dataset}, {view.rows:,} rows",
        "Measured by": ", ".join(f"{metric_name(m)}: {s}" for m, s in view.scorer_versions.items())
        or "scores that were imported",
    }
    if view.spec.repeats > 1:
        facts["Answers per row"] = str(view.spec.repeats)
    return facts


def _margin(value: float, unit: str, *, relative: bool) -> str:
    return percent(value) if relative else amount(value, unit)


def _facts(view: ExperimentView, result: Mapping[str, Any]) -> dict[str, str]:
    analysis = result["analysis"]
    versions = [f"{arm.letter} is version {arm.version}" for arm in view.arms if arm.version is not None]
    facts = plan_facts(view) | {
        "Several looked at": "challengers share the allowed error; slices are corrected among themselves",
        "Reading": f"{result['how_read']}; seen {count(analysis['looks'], 'time')}",
        "Pairing": "every variant answered the same rows" if result["design"] == "paired" else result["design"],
        "Rule that decided": result["verdict"]["deciding_rule"],
        "Prompts": ", ".join(versions) or "imported answers",
        "Seed": str(result["seed"]),
        "Plan hash": result["plan_hash"],
        "Data hash": analysis["data_hash"],
        "Analysis": f"number {analysis['number']}, {analysis['at'][:16].replace('T', ' ')} UTC, {analysis['engine']}",
    }
    if result["omnibus"]:
        facts["All variants alike?"] = f"{result['omnibus']['test']}, p {result['omnibus']['p_value']:.3g}"
    return facts


def _show_downloads(name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        what = st.selectbox("Rows of", list(WHAT), format_func=WHAT.__getitem__, key="export_what", width=180)
        for kind, mime in (("csv", "text/csv"), ("jsonl", "application/x-ndjson")):
            st.download_button(
                f"Download {kind.upper()}",
                data=partial(exported, name, what, kind),
                file_name=f"{name}-{what}.{kind}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"export_{kind}",
            )


def exported(name: str, what: str, kind: str) -> bytes:
    """The rows as a file; they are read from the database one by one."""
    columns, rows = export_rows(store(), name, what)
    file = io.BytesIO()
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    write_csv(rows, columns, text, mark=True) if kind == "csv" else write_jsonl(rows, text)
    return file.getvalue()
