"""One experiment: its progress while it runs, then the verdict and everything behind it."""

import streamlit as st

from experiments.actions.results.open_results import open_results
from experiments.views.live.tests import has_live_test
from experiments.views.runs.experiments import get_experiment
from pages.components.empty import show_empty
from pages.components.errors import show_errors
from pages.components.home.first_steps import tick
from pages.components.result.header import show_arms, show_facts, title_line
from pages.components.result.judge_card import show_judges
from pages.components.result.lines import slice_parts
from pages.components.result.method import show_method
from pages.components.result.over_time import show_over_time
from pages.components.result.promotion import promote_dialog
from pages.components.result.raters import show_raters
from pages.components.result.reader import AnswerPairs, pair_page, read_answers
from pages.components.result.robustness import show_robustness
from pages.components.result.run_progress import follow_run, present_progress, show_ended_run
from pages.components.result.scorecard import show_scorecard
from pages.components.result.share import show_share
from pages.components.result.slices import show_slices
from pages.components.result.start_panel import show_start
from pages.components.result.verdict import show_health, show_verdict
from pages.components.session import actor, store
from pages.components.toasts import show_promoted

name = st.query_params.get("exp", "")
if not name:
    show_empty("Which experiment?", "Choose one to read its result.", "All experiments", "design_experiment.py")
    st.stop()

st.page_link("design_experiment.py", label="Experiments", icon=":material/arrow_back:")
with show_errors():
    view = get_experiment(store(), name)
    if view.spec.live is not None and (not view.dataset or has_live_test(store(), name)):
        st.switch_page("watch_live.py", query_params={"exp": name})
    progress = present_progress(view.id)
    finished = progress is not None and progress.ended
    with st.skeleton(height=120):
        result = open_results(store(), name, actor=actor()) if finished and progress.done else None

    control, challengers = view.arms[0], view.arms[1:]
    winner = result["verdict"]["winner"] if result else None
    first = next((arm for arm in challengers if arm.name == winner), challengers[0])

    title, buttons = st.columns([5, 2], vertical_alignment="center")
    with title:
        title_line(view, progress, state=result["state"] if result else view.state)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        show_share()
        promote_slot = st.container(width="content")
    show_arms(view.arms)
    show_facts(view, progress)
    treatment = first
    if len(challengers) > 1 and result is not None:
        letters = {arm.letter: arm for arm in challengers}
        chosen = st.segmented_control(
            f"Compare {control.letter} with",
            list(letters),
            default=first.letter,
            required=True,
            key="vs",
            bind="query-params",
        )
        treatment = letters.get(chosen or "", first)

    if progress is None:
        show_start(view)
    elif not finished:
        follow_run(name, view.id)
    else:
        show_ended_run(name, progress)
    if result is not None:
        ships = winner == treatment.name and result["verdict"]["outcome"] == "ship"
        if view.prompt is not None and promote_slot.button(
            f"Promote {treatment.letter}",
            type="primary" if ships else "secondary",
            icon=":material/rocket_launch:",
            key="promote",
        ):
            promote_dialog(name, treatment, result)
        show_promoted()
        tick("read_result")
        primary = view.spec.plan.primary.metric
        pairs = AnswerPairs(name, str(result["analysis"]["number"]), treatment.name, primary)
        show_health(result)
        letters = {arm.name: arm.letter for arm in view.arms}
        show_verdict(result, control=control, treatment=treatment, won=pair_page(pairs).counts, letters=letters)
        show_scorecard(result, view.spec.plan, control=control, treatment=treatment)
        show_robustness(result, treatment.name)
        show_raters(result, treatment.name)
        show_over_time(result, view.spec.plan, view.id, treatment.name)
        show_judges(result, view)
        show_slices(result, view.spec.plan, treatment.name, treatment.letter)
        read_answers(
            pairs, control=control, treatment=treatment, metrics=list(view.scorer_versions), parts=slice_parts(result)
        )
        st.page_link(
            "collect_ratings.py",
            label="Let people rate these answers",
            icon=":material/how_to_vote:",
            query_params={"view": "New session", "exp": name},
        )
        show_method(view, result, treatment.name)
