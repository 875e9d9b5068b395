"""Quality checks: build one from examples, try it on ten answers, save it, apply it, read where people disagree."""

import streamlit as st

from experiments.actions.registry.save_check import save_check
from experiments.judges import bind_judge
from experiments.views.trying.checks import judgeable, labelled, list_checks
from experiments.vocabulary import is_simulated
from pages.components.check import check_editor
from pages.components.check.apply import apply_to_all
from pages.components.check.disagreement_reader import read_disagreements
from pages.components.check.judge_results import show_judges_of
from pages.components.check.suggestions import show_suggestions
from pages.components.check.tries import show_nothing_to_try, try_out
from pages.components.errors import show_errors
from pages.components.pickers import choice_in_address, keep_in_address, models
from pages.components.result.header import simulated_badge
from pages.components.session import actor, store
from pages.components.show_output import plain

NEW = "a new check"

with show_errors():
    checks = {check.name: check for check in list_checks(store())}
    experiments = judgeable(store())
    title, picker, place = st.columns([3, 2, 2], vertical_alignment="bottom")
    title.title("Quality checks", anchor=False)
    saved = st.session_state.pop("check_saved", None)
    if saved is not None:
        st.query_params["check"] = st.session_state["check_of"] = saved[0]
        st.toast(f"Version {saved[1]} of {plain(saved[0])} is saved.", icon=":material/check_circle:")
    choice_in_address("check", [*checks, NEW], next(iter(checks), NEW))
    chosen = picker.selectbox(
        "Check", [*checks, NEW], key="check", on_change=keep_in_address, args=("check", next(iter(checks), NEW))
    )
    experiment = None
    if experiments:
        choice_in_address("on", experiments, experiments[0])
        experiment = place.selectbox(
            "Answers of", experiments, key="on", on_change=keep_in_address, args=("on", experiments[0])
        )
    check = checks.get(chosen)
    if st.session_state.get("check_of") != chosen:
        st.session_state["check_of"] = chosen
        check_editor.start_with(check.versions[0].spec if check else None)

    written, tried = st.columns([5, 6], gap="large")
    with written:
        if check is None:
            name = st.text_input("Name", key="check_name", placeholder="helpful", persist_state="session") or "check"
        else:
            name = check.name
            newest = check.versions[0]
            st.caption(f"Version {newest.number}, by {plain(newest.created_by)}. {plain(newest.note)}")
        entry = check_editor.draw(name.strip(), models=models())
        judge = bind_judge(entry) if entry is not None else None
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.popover("Save a version", icon=":material/save:", disabled=entry is None, key="save_check_panel"):
                note = st.text_input("What changed", key="check_note")
                if st.button("Save", type="primary", key="save_check", disabled=check is None and name == "check"):
                    with show_errors():
                        assert entry is not None
                        version = save_check(store(), name.strip(), entry, actor=actor(), note=note)
                        st.session_state["check_saved"] = (name.strip(), version.number)
                        st.rerun()
            if judge is not None and is_simulated(judge.spec.jury[0]):
                simulated_badge()
    with tried:
        if experiment is None:
            show_nothing_to_try()
        else:
            try_out(experiment, entry, rated_as=name.strip())

    if experiment is not None:
        if entry is not None and judge is not None:
            apply_to_all(experiment, labelled(check, entry) if check else entry, judge)
        metric = show_judges_of(experiment, preferred=name.strip())
        if metric is not None:
            st.header("Where people and the judge differ", anchor=False)
            read_disagreements(experiment, metric)
        st.header("Suggestions", anchor=False)
        show_suggestions(experiment, metric=metric or name.strip(), rated_as=name.strip())
