"""The top of the result page: where one is, what is compared, what it took, and the two buttons."""

from __future__ import annotations

import streamlit as st

from experiments.views.runs.experiments import ArmView, ExperimentView
from experiments.views.runs.progress import RunProgress
from experiments.vocabulary import ExperimentState, RunState
from experiments.wording import count
from pages.components.inert import element, joined
from pages.components.numbers import day, money, seconds_words
from pages.components.show_output import plain, show
from pages.components.variants import chip

STATES: dict[ExperimentState, tuple[str, str]] = {
    ExperimentState.DRAFT: ("Draft", "gray"),
    ExperimentState.DESIGNED: ("Planned", "gray"),
    ExperimentState.RUNNING: ("Running", "blue"),
    ExperimentState.PAUSED: ("Paused", "orange"),
    ExperimentState.ANALYSED: ("Finished", "gray"),
    ExperimentState.DECIDED: ("Decided", "gray"),
    ExperimentState.PROMOTED: ("Promoted", "green"),
    ExperimentState.ROLLED_BACK: ("Rolled back", "orange"),
    ExperimentState.INVALID: ("Invalid", "red"),
    ExperimentState.CANCELLED: ("Cancelled", "gray"),
    ExperimentState.CLOSED: ("Closed", "gray"),
}


def state_badge(state: ExperimentState, run: RunState | None = None) -> None:
    """The state of an experiment as a badge; a run that a guard stopped says so."""
    words, colour = STATES[state]
    if run is RunState.STOPPED:
        words, colour = "Stopped", "orange"
    elif run is RunState.FINISHED and state is ExperimentState.RUNNING:
        words, colour = STATES[ExperimentState.ANALYSED]  # nobody has read it yet, so nobody has noted its end
    st.badge(words, color=colour)  # type: ignore[arg-type]


def simulated_badge() -> None:
    """The mark of everything that demo models said."""
    st.badge("Simulated model", icon=":material/science:", color="violet", help="Answers of a built-in demo model.")


def sample_badge() -> None:
    """The mark of everything that came with the sample project."""
    st.badge("Sample", color="gray", help="Part of the sample project.")


def show_arms(arms: tuple[ArmView, ...], *, models: bool = True) -> None:
    """All variants of an experiment, each with its letter, name, and what it runs on."""
    shared = len({arm.model for arm in arms}) == 1
    notes = [" · ".join(_notes(arm, model=models and not shared)) for arm in arms]
    chips = [chip(arm.letter, arm.name, note=note) for arm, note in zip(arms, notes, strict=True)]
    show(element("div", *chips, cls="bk-chips"))


def show_facts(view: ExperimentView, progress: RunProgress | None) -> None:
    """One grey line: rows, model, day and time it took, money."""
    models = list(dict.fromkeys(arm.model for arm in view.arms if arm.model))
    facts = [count(view.rows, "row"), *(models if len(models) == 1 else [])]
    if view.spec.repeats > 1:
        facts.append(f"{view.spec.repeats} answers per row")
    if progress is None:
        facts.append(f"made {day(view.created_at)} by {view.created_by}")
    else:
        facts.append(_when(view, progress))
        imported = view.origin == "import"
        spent = sum(v.cost_usd for v in progress.variants) if imported else progress.spent_usd
        facts.append("cost unknown" if imported and not spent else money(spent))
    show(element("div", joined(" · ".join(facts)), cls="bk-muted bk-small"))


def _notes(arm: ArmView, *, model: bool) -> list[str]:
    notes = [arm.model] if model and arm.model else []
    return [*notes, f"version {arm.version}"] if arm.version is not None else notes


def _when(view: ExperimentView, progress: RunProgress) -> str:
    start = progress.started_at or view.created_at
    if view.origin == "import":
        return f"imported {day(start)}"
    if progress.ended_at is None or progress.started_at is None:
        return f"started {day(start)}"
    if progress.judging:
        return day(start)  # judges may be asked days later, so the end of the run tells nothing of the answers
    return f"{day(start)}, {seconds_words((progress.ended_at - progress.started_at).total_seconds())}"


def title_line(view: ExperimentView, progress: RunProgress | None, *, state: str) -> None:
    """The name with its badges; ``state`` is the present one, which opening the result may have moved."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(view.name), width="content", anchor=False)
        state_badge(ExperimentState(state), progress.state if progress else None)
        if view.simulated:
            simulated_badge()
        if view.sample:
            sample_badge()
