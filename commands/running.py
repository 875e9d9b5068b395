"""``bakeoff run | resume | plan | results | score``: from an experiment file to a verdict, in the foreground."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from commands import terminal
from commands.event_loop import run_loop
from commands.experiment_source import load_experiment
from commands.gate_files import report_results, report_stop
from commands.interrupting import until_interrupted
from commands.result_text import print_results
from experiments.actions.results.open_results import open_results
from experiments.actions.results.rescore import rescore
from experiments.actions.runs.apply_judges import apply_judges
from experiments.actions.runs.control_run import mark_interrupted, resume_run, retry_failed
from experiments.actions.runs.start_run import start_run
from experiments.actions.runs.work import Worker, free_dead_leases
from experiments.completions import Completions, CompletionSettings, open_completions
from experiments.errors import BakeoffError
from experiments.experiment_file import Limits
from experiments.loading.runs.budget import MONTHLY_BUDGET_KIND
from experiments.scoring import is_judge
from experiments.strict_yaml import parse_yaml
from experiments.views.runs.experiments import get_experiment
from experiments.views.runs.progress import RunProgress, run_progress
from experiments.views.trying.checks import uses_of
from experiments.vocabulary import RunState, VerdictOutcome
from experiments.wording import count
from storage.checkpoints import Checkpointer
from storage.records import RunRecord
from storage.store import Store

BUDGET_EXIT = 5
DRAIN_SLACK_S = 5.0
"""How long after the deadline of the last call that is out its result may take to be stored."""
GATE_EXIT = {
    VerdictOutcome.SHIP: 0,
    VerdictOutcome.KEEP_CONTROL: 1,
    VerdictOutcome.KEEP_COLLECTING: 3,
    VerdictOutcome.CANNOT_DECIDE: 4,
}


def run(
    file: Annotated[Path, typer.Argument(metavar="EXPERIMENT.yaml")],
    concurrency: Annotated[int | None, typer.Option(min=1, max=1024, help="Calls at a time.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Only the first rows; run again to extend.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start without asking.")] = False,
    as_written: Annotated[
        bool, typer.Option("--as-written", help="The prompts are meant as they are: no hole is missing.")
    ] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit code by the verdict, for CI.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit XML to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a summary for a pull request to this file.")] = None,
    as_json: terminal.Json = False,
) -> int:
    """Create the experiment (or find it), show the price, run to the end, print the verdict.

    The same command again continues an interrupted run, tries failed rows again, and pays for no answer twice.
    """
    store = terminal.store()
    spec, experiment = load_experiment(store, file, actor=terminal.actor())
    limits = spec.limits.model_copy(update={"concurrency": concurrency}) if concurrency else spec.limits
    before = run_progress(store, experiment.id)
    finished = before is not None and before.state is RunState.FINISHED and rows is None and not before.failed
    if not finished:
        if not _agreed(experiment.name, limits, rows, ask=not yes and before is None):
            return 2
        progress = _run_to_end(experiment.name, limits, rows, as_written=as_written or spec.as_written)
        if progress.state is not RunState.FINISHED:
            report_stop(experiment.name, progress.reason, junit=junit, markdown=markdown)
            return _stopped(progress, experiment.name)
    results = open_results(store, experiment.name, actor=terminal.actor())
    report_results(results, junit=junit, markdown=markdown)
    terminal.print_json(results) if as_json else print_results(results)
    return GATE_EXIT[VerdictOutcome(results["verdict"]["outcome"])] if gate else 0


def resume(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
    retry: Annotated[bool, typer.Option("--retry-failed", help="Try the failed rows again, too.")] = False,
) -> int:
    """Finish one unfinished run, or all of them, in the foreground."""
    store = terminal.store()
    wanted = [name] if name is not None else _unfinished(store, with_failed=retry)
    if not wanted:
        terminal.say("Nothing is unfinished.")
        return 0
    code = 0
    for each in wanted:
        get_experiment(store, each)
        terminal.say(f"Resuming {each}")
        progress = _retried(store, each) if retry else _run_to_end(each, None, None)
        if progress.state is not RunState.FINISHED:
            code = _stopped(progress, each)
        else:
            print_results(open_results(store, each, actor=terminal.actor()))
    return code


def _unfinished(store: Store, *, with_failed: bool) -> list[str]:
    """Names of the experiments whose run has not ended, and, if asked, of those that ended with failed rows."""
    with store.read() as tx:
        runs = tx.runs.newest_by_experiment()
        names = {e.id: e.name for e in tx.experiments.all()}
    going_on = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.STOPPED)
    return [
        names[i]
        for i, run in runs.items()
        if i in names and (run.state in going_on or (with_failed and _ended_with_failed_rows(store, run)))
    ]


def _ended_with_failed_rows(store: Store, run: RunRecord) -> bool:
    if run.kind != "full" or run.state != RunState.FINISHED:
        return False
    progress = run_progress(store, run.experiment_id)
    return progress is not None and progress.failed > 0


def _retried(store: Store, name: str) -> RunProgress:
    """A run at its end, whose failed rows were tried again: before the rest, or after it where that is under way.

    A killed process leaves a run that looks as if somebody still worked on it.
    """
    before = run_progress(store, get_experiment(store, name).id)
    if before is not None and before.state in (RunState.QUEUED, RunState.RUNNING):
        ended = _run_to_end(name, None, None)
        if ended.state is not RunState.FINISHED or not ended.failed:
            return ended
        before = ended
    if before is None or before.failed or before.state is RunState.FINISHED:
        _run, rows = retry_failed(store, name, actor=terminal.actor())
        terminal.say(f"{count(rows, 'failed row')} will be tried again.")
    return _run_to_end(name, None, None)


def plan(
    file: Annotated[Path, typer.Argument(metavar="EXPERIMENT.yaml")],
    rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Live tests: the control's share of yes today, 0 to 1.")
    ] = None,
    sd: Annotated[
        float | None, typer.Option(min=0, help="Live tests: standard deviation of a user's value, for numbers.")
    ] = None,
    users_per_day: Annotated[
        float | None, typer.Option(min=0, help="Live tests: new users a day, of all that come.")
    ] = None,
    as_json: terminal.Json = False,
) -> None:
    """Rows, repeats, cost range, time and power; spends nothing. For a live test: users and days."""
    from commands.plan_text import print_live_plan, print_plan
    from experiments.views.live.planning import live_planning_of
    from experiments.views.runs.planning import planning_of

    store = terminal.store()
    spec, experiment = load_experiment(store, file, actor=terminal.actor())
    if spec.live is not None and experiment.dataset_version_id is None:
        live = live_planning_of(store, experiment.name, rate=rate, sd=sd, users_per_day=users_per_day)
        terminal.print_json(live.to_json()) if as_json else print_live_plan(live)
        return
    if (rate, sd, users_per_day) != (None, None, None):
        raise BakeoffError(
            "not_live",
            f"'{experiment.name}' is planned by its test set.",
            "Leave out --rate, --sd and --users-per-day.",
        )
    planning = planning_of(store, experiment.name)
    terminal.print_json(planning.to_json()) if as_json else print_plan(planning)


def results(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    as_json: terminal.Json = False,
) -> None:
    """The verdict, comparisons, health and cost of an experiment."""
    found = open_results(terminal.store(), name, actor=terminal.actor())
    terminal.print_json(found) if as_json else print_results(found)


def score(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    scorer: Annotated[
        list[str] | None,
        typer.Option("--scorer", help="A scorer as in the experiment file, for example 'regex: {pattern: x}'."),
    ] = None,
    judge_budget: Annotated[
        float | None, typer.Option("--judge-budget", min=0, help="US dollars that this run's judges may cost in all.")
    ] = None,
    as_json: terminal.Json = False,
) -> int:
    """Score finished outputs again, or with further scorers and judges; generates nothing.

    Without --scorer the scorers and judges in use are applied again, to what has no score yet.
    """
    entries = [scorer_entry(text) for text in scorer] if scorer else None
    counts, progress = _score_again(name, entries, judge_budget)
    judged = {one.metric: {"judged": one.done, "answers": one.wanted} for one in progress.judging} if progress else {}
    if as_json:
        cost = {"judge_usd": progress.judge_usd} if progress else {}
        terminal.print_json({"scores": counts, "judges": judged, **cost})
    else:
        rows = [[m, n] for m, n in counts.items()] + [[m, j["judged"]] for m, j in judged.items()]
        terminal.print_table(["metric", "scores"], rows)
    return _stopped(progress, name) if progress and progress.state is RunState.STOPPED else 0


def _score_again(
    name: str, entries: list[str | dict[str, object]] | None, judge_budget: float | None
) -> tuple[dict[str, int], RunProgress | None]:
    """(new scores by rule, progress of the run where judges were asked)."""
    store, actor = terminal.store(), terminal.actor()
    if entries is None:
        rules, judges = uses_of(store, name)
    else:
        rules, judges = [e for e in entries if not is_judge(e)], [e for e in entries if is_judge(e)]
    counts = rescore(store, name, actor=actor, scorers=rules) if rules or not judges else {}
    if not judges:
        return counts, None
    run = apply_judges(
        store, name, actor=actor, judges=judges, judge_budget_usd=judge_budget, check_model=model_check()
    )
    return counts, _work_to_end(run, name)


def scorer_entry(text: str) -> str | dict[str, object]:
    """A scorer given on the command line. Raises BakeoffError."""
    value, _ = parse_yaml(text, source="--scorer")
    if not isinstance(value, str | dict):
        raise BakeoffError(
            "bad_scorer", f"--scorer {text!r} names no scorer.", "Write a name, or 'name: {option: value}'."
        )
    return value


def model_check() -> Callable[[str], BakeoffError | None]:
    """Why a model cannot be called from here, or None."""
    return open_completions(CompletionSettings.from_env(os.environ)).check


# --- running in the foreground -------------------------------------------------------------------------------------


def _agreed(name: str, limits: Limits, rows: int | None, *, ask: bool) -> bool:
    from commands.plan_text import price_line
    from experiments.views.runs.planning import projection_of

    projection = projection_of(terminal.store(), name, rows=rows, concurrency=limits.concurrency)
    terminal.say(price_line(projection, limits.budget_usd))
    if not ask or projection.low_usd == 0.0 or not os.isatty(0):
        return True
    return typer.confirm("Start?", default=True, err=True)


def _run_to_end(name: str, limits: Limits | None, rows: int | None, *, as_written: bool = False) -> RunProgress:
    store = terminal.store()
    free_dead_leases(store)
    return _work_to_end(_start_or_resume(name, limits, rows, as_written=as_written), name)


def _work_to_end(run: RunRecord, name: str) -> RunProgress:
    store = terminal.store()
    checkpointer = Checkpointer(store.engine)
    checkpointer.start()
    try:
        interrupted = run_loop(_work(run))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        checkpointer.stop()
    if interrupted:
        mark_interrupted(store, name, actor=terminal.actor())
        raise typer.Abort
    progress = run_progress(store, run.experiment_id)
    assert progress is not None
    return progress


def _start_or_resume(name: str, limits: Limits | None, rows: int | None, *, as_written: bool) -> RunRecord:
    store, actor = terminal.store(), terminal.actor()
    if limits is None:
        with store.read() as tx:
            experiment = tx.experiments.by_name(name)
            runs = tx.runs.of_experiment(experiment.id, kind="full") if experiment else []
        if runs and runs[0].state in (RunState.PAUSED, RunState.STOPPED):
            return resume_run(store, name, actor=actor)
        if runs and runs[0].state in (RunState.QUEUED, RunState.RUNNING):
            return runs[0]
    return start_run(
        store,
        name,
        actor=actor,
        limits=limits,
        rows=rows,
        as_written=as_written,
        check_model=model_check(),
        retry_failed=limits is not None,
    )


async def _work(run: RunRecord) -> bool:
    """Whether it was interrupted before the end."""
    store = terminal.store()
    completions: Completions = open_completions(CompletionSettings.from_env(os.environ))
    worker = Worker(store, completions)

    def drain() -> None:
        terminal.say("Stopping: calls that are out are finished. Once more to end at once.")
        worker.stop()

    try:
        return await until_interrupted(
            _work_or_follow(store, worker, run),
            drain=drain,
            patience_s=Limits.model_validate(run.limits).deadline_s + DRAIN_SLACK_S,
        )
    finally:
        await completions.aclose()


async def _work_or_follow(store: Store, worker: Worker, run: RunRecord) -> None:
    """Work on the run. While another worker does, show its progress, and take over when that one is gone."""
    from commands.progress_bar import ProgressBar

    with ProgressBar(store, run) as bar:
        claimed = await asyncio.to_thread(worker.claim, run.id)
        if claimed is None:
            terminal.say("Another worker is on it; showing its progress.")
        while claimed is None and not worker.stopping() and await bar.follow():
            await asyncio.to_thread(free_dead_leases, store)
            claimed = await asyncio.to_thread(worker.claim, run.id)
        if claimed is not None:
            await worker.work_on(claimed, on_progress=bar.advance)


def _stopped(progress: RunProgress, name: str) -> int:
    left = progress.planned - progress.done
    kind, _, reason = progress.reason.partition(": ")
    ended = {RunState.PAUSED: "Paused", RunState.CANCELLED: "Cancelled"}.get(progress.state, "Stopped")
    told = f"{ended}: {reason or progress.reason}" if progress.reason else ended
    terminal.say(f"{told}. {count(progress.done, 'result')} are kept, {left} are left.")
    if kind == MONTHLY_BUDGET_KIND:
        terminal.say(
            "Raise the month's budget in Settings, or wait for the next month; then run the same command again."
        )
        return BUDGET_EXIT
    if progress.state is RunState.CANCELLED:
        return 2
    if progress.state is RunState.PAUSED:
        terminal.say(f"Go on with the same command again (or: bakeoff resume {name!r}).")
        return 2
    if kind in ("budget", "judge_budget"):
        spent = progress.spent_usd if kind == "budget" else progress.judge_usd
        terminal.say(f"Spent ${spent:.4f}. Raise limits.{kind}_usd and run the same command again.")
        return BUDGET_EXIT
    terminal.say(f"Fix that, then run the same command again (or: bakeoff resume {name!r}).")
    return 2


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(run)
    app.command()(resume)
    app.command()(plan)
    app.command()(results)
    app.command()(score)
