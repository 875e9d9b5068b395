"""One live test: verdict, traffic, range over time, split, cost; ramp, pause, stop and promote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.actions.live.control_live import freeze_live, pause_live, ramp_live, resume_live
from experiments.actions.live.stop_live import stop_live
from experiments.actions.results.open_results import open_results
from experiments.live.assignment import LiveState
from experiments.live.layers import RAMP
from experiments.prompts.labels import SHORTEST_REASON
from experiments.views.live.tests import LiveTestView, band_over_time, live_test_view
from experiments.views.runs.experiments import ArmView, ExperimentView, get_experiment
from experiments.vocabulary import VerdictOutcome
from experiments.wording import count, metric_name, spent_words
from pages.components.confirm import confirm
from pages.components.errors import show_errors
from pages.components.inert import element
from pages.components.live.charts import band, band_words
from pages.components.live.exposures import show_exposures
from pages.components.live.judged import show_judged
from pages.components.live.live_list import live_badge, live_facts
from pages.components.live.snippets import show_live_snippets
from pages.components.numbers import seconds_words
from pages.components.result.header import sample_badge, show_arms
from pages.components.result.method import show_method
from pages.components.result.promotion import promote_dialog
from pages.components.result.scorecard import show_scorecard
from pages.components.result.slices import show_slices
from pages.components.result.verdict import show_health, show_verdict
from pages.components.session import actor, store
from pages.components.show_output import plain, show
from pages.components.tables import show_table
from pages.components.toasts import show_promoted
from pages.components.variants import chip

EVERY_S = 5.0


def show_live_test(live: LiveTestView) -> None:
    """The whole page of one live test."""
    view = get_experiment(store(), live.experiment)
    with st.skeleton(height=120):
        result = open_results(store(), live.experiment, actor=actor())
    live = live_test_view(store(), live.key)  # the guard may have acted on what was just computed
    control, challengers = view.arms[0], view.arms[1:]
    winner = result["verdict"]["winner"]
    treatment = next((arm for arm in challengers if arm.name == winner), challengers[0])
    _show_head(live, view, treatment, result)
    show_promoted()
    if live.users == 0 and live.state != LiveState.STOPPED:
        _show_waiting(live, view)
        return
    _show_steering(live)
    letters = {arm.name: arm.letter for arm in view.arms}
    show_verdict(result, control=control, treatment=treatment, won=None, letters=letters)
    show_health(result)
    _follow(live.key, view.arms, users_analysed=sum(result["live"]["exposed"].values()))
    _show_band(live, view, treatment, result)
    show_scorecard(result, view.spec.plan, control=control, treatment=treatment)
    show_judged(live, view.arms, result["live"].get("judged", ()))
    show_slices(result, view.spec.plan, treatment.name, treatment.letter)
    show_exposures(live.key, view.arms)
    with st.expander("Connect an application", icon=":material/code:", key="live_connect"):
        show_live_snippets(live.key, _outcome(view))
    show_method(view, result, treatment.name)


def _show_head(live: LiveTestView, view: ExperimentView, treatment: ArmView, result: Mapping[str, Any]) -> None:
    title, buttons = st.columns([5, 3], vertical_alignment="center")
    with title, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(view.name), width="content", anchor=False)
        live_badge(live)
        if view.sample:
            sample_badge()
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        if live.state != LiveState.STOPPED and st.button("Stop", icon=":material/stop_circle:", key="live_stop"):
            stop_dialog(live, view)
        ships = result["verdict"]["outcome"] == VerdictOutcome.SHIP
        kind = "primary" if ships else "secondary"
        if st.button(f"Promote {treatment.letter}", type=kind, icon=":material/rocket_launch:", key="live_promote"):
            promote_dialog(view.name, treatment, result)
    show_arms(view.arms)
    _follow_facts(live.key)
    if live.reason:
        st.warning(plain(live.reason), icon=":material/pause_circle:")


def _show_waiting(live: LiveTestView, view: ExperimentView) -> None:
    with st.container(border=True):
        st.subheader("Waiting for the first user", anchor=False)
        st.caption("Point your application here; nothing else changes in it.")
        show_live_snippets(live.key, _outcome(view))
    _show_steering(live)


def _show_steering(live: LiveTestView) -> None:
    """Ramp, pause and resume; nothing once it has ended."""
    if live.state == LiveState.STOPPED:
        words = f"It has ended: everybody meets {plain(live.everyone)}."
        st.info(words, icon=":material/flag:")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="live_ramp"):
        st.markdown(f"**{live.enrolled:g} %** of users take part")
        if live.state == LiveState.RUNNING:
            for step in RAMP:
                now = abs(live.enrolled - step) < 0.01
                if st.button(f"{step} %", type="primary" if now else "secondary", disabled=now, key=f"ramp_{step}"):
                    _ramp(live, step)
        st.space("stretch")
        if live.state == LiveState.RUNNING:
            words = "Go on measuring those who take part, count nobody new: for outcomes that come late."
            if st.button("No new users", icon=":material/person_off:", key="live_freeze", help=words):
                _do(lambda: freeze_live(store(), live.key, actor=actor()))
            if st.button("Pause", icon=":material/pause:", key="live_pause", help="Everybody meets the control."):
                _do(lambda: pause_live(store(), live.key, actor=actor(), reason="paused on the page"))
        elif st.button("Resume", icon=":material/play_arrow:", type="primary", key="live_resume"):
            _do(lambda: resume_live(store(), live.key, actor=actor()))


def _ramp(live: LiveTestView, percent: float) -> None:
    """Another share at once; all users only after a question."""

    def act() -> None:
        ramp_live(store(), live.key, percent, actor=actor())

    if percent < 100:
        _do(act)
    else:
        variants = " and ".join(plain(name) for name in live.split)
        words = f"Every user of your application takes part from now on: {variants} answer all of them."
        confirm(words, "Take part with all users", act)


def _do(step: Any) -> None:  # noqa: ANN401
    step()
    st.rerun()


@st.dialog("Stop the live test", icon=":material/stop_circle:")
def stop_dialog(live: LiveTestView, view: ExperimentView) -> None:
    """Whom everybody meets from now on, and why."""
    letters = {arm.name: arm.letter for arm in view.arms}
    st.caption("At once, for all users. What was found stays and can still be promoted.")
    with st.form("stop_form", border=False):
        everyone = st.radio(
            "Everybody meets from now on",
            [arm.name for arm in view.arms],
            format_func=lambda name: _arm_words(name, letters[name], is_control=name == live.control),
            key="stop_everyone",
        )
        words = f"Why (at least {SHORTEST_REASON} characters where the result does not carry the challenger)"
        reason = st.text_input(words, key="stop_reason")
        wanted = st.form_submit_button("Stop it", type="primary", icon=":material/stop_circle:")
    if wanted:
        with show_errors():
            stop_live(store(), live.key, actor=actor(), everyone=everyone, reason=reason or "")
            st.rerun()


def _arm_words(name: str, letter: str, *, is_control: bool) -> str:
    words = letter if name == letter else f"{letter} · {plain(name)}"
    return f"{words} (control)" if is_control else words


@st.fragment(run_every=EVERY_S)
def _follow_facts(key: str) -> None:
    """The line below the name, redrawn with the table, so that both say the same."""
    with show_errors():
        show(element("div", f"{live_facts(live_test_view(store(), key))} · key {key}", cls="bk-muted bk-small"))


@st.fragment(run_every=EVERY_S)
def _follow(key: str, arms: tuple[ArmView, ...], *, users_analysed: int) -> None:
    """Traffic and cost as they grow, and how many users the verdict above does not know yet."""
    with show_errors():
        live = live_test_view(store(), key)
        newer = live.users - users_analysed
        if newer > 0:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{count(newer, 'user')} came since the verdict above was computed.")
                if st.button("Compute it again", icon=":material/refresh:", key="live_again"):
                    st.rerun()
        st.header("Traffic and cost", anchor=False)
        rows = [[chip(arm.letter, arm.name), *_traffic_cells(live, arm.name)] for arm in arms]
        show_table(
            ["Variant", "Planned", "Users", "Calls", "Failed", "Abandoned", "Cost", "Cost per call", "Time"],
            rows,
            wide=(1,),
        )
        notes = [f"{count(live.traffic.crossed, 'user')} met both variants"] if live.traffic.crossed else []
        notes += [f"{count(number, 'exposure')} not counted ({_WHY.get(why, why)})" for why, number in _left_out(live)]
        for variant, told in live.traffic.shadow.items():
            notes.append(f"{count(int(told['calls']), 'silent answer')} of {variant} for {_spent_by(told)}")
        if notes:
            show(element("div", " · ".join(notes), cls="bk-muted bk-small"))


_WHY = {"forced": "testers", "no_unit": "no user named", "frozen": "came after the end of enrolment"}


def _left_out(live: LiveTestView) -> list[tuple[str, int]]:
    return sorted(live.traffic.uncounted.items())


def _spent_by(told: Mapping[str, float]) -> str:
    return spent_words(told["cost_usd"], calls=int(told["calls"]), unknown=int(told["unknown"]))


def _traffic_cells(live: LiveTestView, variant: str) -> list[str]:
    told = live.traffic.calls.get(variant, {})
    calls = int(told.get("calls", 0))
    unknown = int(told.get("unknown", 0))
    users = live.exposed.get(variant, 0)
    share = f" ({100 * users / live.users:.1f} %)" if live.users else ""
    return [
        f"{live.split.get(variant, 0):g} %",
        f"{users:,}{share}",
        f"{calls:,}",
        f"{int(told.get('failed', 0)):,}",
        f"{int(told.get('abandoned', 0)):,}",
        spent_words(told["cost_usd"], calls=calls, unknown=unknown) if calls else "–",
        f"${told['cost_usd'] / (calls - unknown):.5f}" if calls > unknown else "–",
        seconds_words(told["latency_ms"] / 1000) if "latency_ms" in told else "–",
    ]


def _show_band(live: LiveTestView, view: ExperimentView, treatment: ArmView, result: Mapping[str, Any]) -> None:
    points = band_over_time(store(), live.key, treatment.name)
    if len(points) < 2:
        return
    primary = view.spec.plan.primary
    comparison = next(c for c in result["comparisons"] if c["role"] == "primary")
    name = metric_name(primary.metric)
    st.header(f"{plain(name[:1].upper() + name[1:])} over time", anchor=False)
    unit = comparison["unit"]
    asked = None if primary.relative else primary.smallest_effect
    spec = band(points, unit=unit, asked=asked, better=comparison["direction"])
    st.vega_lite_chart(spec, width="stretch", key="live_band", alt=band_words(points, unit))
    st.caption(
        f"{'Up' if comparison['direction'] == 'higher' else 'Down'} is better. The band may be read at any time: it "
        "holds the true difference all along in 95 of 100 such tests. The dashed line is the gain you asked for."
    )


def _outcome(view: ExperimentView) -> str | None:
    live = view.spec.live
    return live.outcomes[0].metric if live is not None and live.outcomes else None
