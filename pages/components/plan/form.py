"""Compare two prompts: the plan, what it costs, and the button that is locked until it is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import streamlit as st

from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.runs.start_run import PILOT, start_run
from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec, parse_experiment
from experiments.prompts.content import PromptContent
from experiments.scoring import bind
from experiments.views.datasets.datasets import DatasetView, list_datasets
from experiments.views.registry.prompt_notices import content_notices
from experiments.views.registry.prompts import PromptView, list_prompts
from experiments.views.runs.experiments import experiment_names
from experiments.views.runs.plan_preview import PlanPreview, plan_preview
from experiments.vocabulary import is_simulated
from pages.components.empty import show_empty
from pages.components.errors import show_errors, show_problem
from pages.components.home.first_steps import tick
from pages.components.plan.arms import choose_arms
from pages.components.plan.columns import choose_columns, choose_dataset
from pages.components.plan.measures import choose_measures
from pages.components.plan.pilot import show_pilot
from pages.components.plan.price_panel import show_price
from pages.components.plan.ratings import choose_ratings
from pages.components.plan.rules import choose_limits, choose_rules
from pages.components.result.header import simulated_badge
from pages.components.session import actor, model_problem, store
from pages.components.show_output import show_lines

PILOT_ROWS = 5


def plan_form() -> None:
    """Everything from the question to the start."""
    names = [name for name, *_ in list_datasets(store())]
    if not names:
        show_empty(
            "First, a test set",
            "Upload 30 or more real inputs (CSV, JSONL, Excel), or paste rows.",
            "Add a test set",
            "prepare_datasets.py",
        )
        return
    form, panel = st.columns([2, 1], gap="large")
    with form:
        given, contents, view, missing = _questions(names, list_prompts(store()))
    with panel, st.container(border=True, key="price_panel"):
        st.markdown("**The price of certainty**")
        if any(is_simulated(content.model) for content in contents):
            simulated_badge()
        preview = _preview(given, view, missing)
        if preview is not None:
            show_price(preview)
        _buttons(preview, view)
    if preview is not None:
        with form, st.expander("The same as a file, for the terminal and CI", icon=":material/code:", key="plan_file"):
            st.code(_as_yaml(given), language="yaml")


def _questions(
    names: Sequence[str], prompts: list[PromptView]
) -> tuple[dict[str, Any], list[PromptContent], DatasetView, list[str]]:
    given: dict[str, Any] = {}
    missing: list[str] = []
    name, why = st.columns([2, 3])
    if "plan_name" not in st.session_state:
        st.session_state["plan_name"] = _free_name(prompts)
    given["name"] = (
        name.text_input(
            "Name", key="plan_name", max_chars=120, placeholder="support-reply-shorter", persist_state="session"
        )
        or ""
    )
    given["hypothesis"] = (
        why.text_input(
            "What you expect, and why",
            key="plan_hypothesis",
            persist_state="session",
            placeholder="A reply that names the next step helps more.",
        )
        or ""
    )
    if not given["name"]:
        missing.append("a name")
    st.subheader("What is compared", anchor=False)
    given["variants"], contents = choose_arms(prompts)
    if len(contents) < st.session_state["plan_arms"]:
        missing.append("a text for every variant")
    given |= _target(given["variants"], prompts)
    st.subheader("On which rows", anchor=False)
    view = choose_dataset(names)
    columns, unfilled = choose_columns(view, contents)
    given |= {"dataset": f"{view.name}@{view.version}", **columns}
    missing += [f"a column for {{{{{variable}}}}}" for variable in unfilled]
    given |= _accepted(contents, view)
    st.subheader("What is measured", anchor=False)
    entries = choose_measures(view, columns.get("reference"))
    given["scorers"] = list(entries.values())
    rated = choose_ratings()
    if rated:
        given["ratings"] = [rating.model_dump(mode="json", exclude_defaults=True) for rating in rated]
    units = {**{rating.metric: rating.definition().unit for rating in rated}, **_units(entries)}
    st.subheader("The rules", anchor=False)
    if units:
        given["plan"] = choose_rules(list(units), units)
    else:
        missing.append("at least one measure")
    given |= choose_limits()
    return given, contents, view, missing


def _free_name(prompts: list[PromptView]) -> str:
    """A name nobody has taken, from the prompt that was worked on last."""
    handed = st.session_state.get("handed_over")
    newest = max(prompts, key=lambda view: view.versions[0].created_at).name if prompts else "comparison"
    stem = (handed[1] if handed else None) or newest
    taken = set(experiment_names(store(), archived=True))
    return next(name for number in count(1) if (name := f"{stem} test {number}") not in taken)


def _target(variants: Sequence[Mapping[str, Any]], prompts: list[PromptView]) -> dict[str, Any]:
    """Where the winner goes, asked only when the texts do not say it."""
    named = {str(v["prompt"]).partition("@")[0] for v in variants if "model" not in v}
    if len(named) == 1:
        return {"promotes": named.pop()}
    known = [view.name for view in prompts]
    handed = st.session_state.get("plan_prompt")
    chosen = st.selectbox(
        "The winner becomes a version of",
        known,
        index=known.index(handed) if handed in known else None,
        key="plan_target",
        accept_new_options=True,
        placeholder="a new prompt named like the experiment",
        width=320,
    )
    return {"promotes": chosen} if chosen else {}


def _accepted(contents: Sequence[PromptContent], view: DatasetView) -> dict[str, Any]:
    """The box that accepts prompts as they are, shown only where the start would refuse them."""
    doubtful = any(not c.variables() or content_notices(c, names=view.columns) for c in contents)
    if doubtful and st.checkbox("The prompts are meant as they are written", key="plan_as_written"):
        return {"as_written": True}
    return {}


def _preview(given: dict[str, Any], view: DatasetView, missing: list[str]) -> PlanPreview | None:
    if missing:
        st.markdown(":red[**Still missing**]")
        show_lines(missing)
        return None
    try:
        spec = spec_of(given)
        problem = next((p for v in spec.variants if v.model and (p := model_problem(v.model)) is not None), None)
        if problem is not None:
            raise problem
        return plan_preview(store(), spec, dataset_version_id=view.version_id)
    except BakeoffError as problem:
        show_problem(problem)
        return None


def spec_of(given: Mapping[str, Any]) -> ExperimentSpec:
    """The experiment that the form describes. Raises BakeoffError for what does not fit."""
    return parse_experiment(json.dumps(given), source="The plan")


def _buttons(preview: PlanPreview | None, view: DatasetView) -> None:
    with show_errors():
        if preview is not None and not preview.projection.from_pilot:
            words = f"Ask {PILOT_ROWS} rows first"
            if st.button(
                words,
                icon=":material/labs:",
                width="stretch",
                key="pilot",
                help="Real answers make cost, time and rows exact; they are used again.",
            ):
                _create(preview, view)
                start_run(
                    store(), preview.spec.name, actor=actor(), rows=PILOT_ROWS, kind=PILOT, check_model=model_problem
                )
                st.session_state["pilot_of"] = preview.spec.name
        show_pilot()
        if (
            st.button(
                "Start the test",
                type="primary",
                icon=":material/play_arrow:",
                width="stretch",
                key="start",
                disabled=preview is None,
            )
            and preview is not None
        ):
            _create(preview, view)
            start_run(store(), preview.spec.name, actor=actor(), limits=preview.spec.limits, check_model=model_problem)
            tick("start_test")
            st.switch_page("read_results.py", query_params={"exp": preview.spec.name})
        st.caption("The plan is locked when the test starts.")


def _create(preview: PlanPreview, view: DatasetView) -> None:
    create_experiment(
        store(), preview.spec, dataset_version_id=view.version_id, actor=actor(), origin="page", replace_draft=True
    )


def _units(entries: Mapping[str, str | dict[str, Any]]) -> dict[str, str]:
    units = {}
    for metric, entry in entries.items():
        try:
            units[metric] = bind(entry).unit
        except BakeoffError:
            units[metric] = "points"
    return units


def _as_yaml(given: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True, width=100)
    return text
