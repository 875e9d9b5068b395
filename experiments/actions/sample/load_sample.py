"""Load the sample project into a new database, once: a genuine run of the simulated models, with a past.

The story is played through the ordinary actions in a database of its own, whose clock replays four weeks, and then
moved into the real one in a single transaction. So a killed load leaves nothing, two servers that start at once load
it once, no worker ever meets a half-made run, and no provider can be called: the play knows the demo models only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.registry.promote import promote
from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.results.analyse import fresh_analysis
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.runs.start_run import start_run
from experiments.actions.runs.work import Worker
from experiments.actions.sample.play_people import ask_the_judge, begin_to_rate_the_topics, rate_the_replies
from experiments.actions.sample.play_traffic import put_version_3_to_the_test, simulated_completions
from experiments.errors import Conflict
from experiments.experiment_file import ExperimentSpec
from experiments.prompts.labels import PRODUCTION, STAGING
from experiments.sample import project
from experiments.sample.story_clock import StoryClock
from experiments.vocabulary import Actor, Role
from storage.records import RunRecord
from storage.store import Store, Transaction, open_store
from storage.transplant import create_tables, is_unused, transplant

SAMPLE = Actor(project.AUTHOR, Role.ADMIN)
LIVE_DAY = 21
FIRST_DAY = timedelta(days=29)
"""How long before its loading the story begins.

Its verdict is 9 days old, so that it still may be acted on, and its live test has run for a week.
"""


def sample_is_wanted(store: Store) -> bool:
    """True for a database in which nothing has been made yet and the sample never was loaded."""
    with store.read() as tx:
        return _is_wanted(tx)


def load_sample_once(store: Store) -> bool:
    """True when the sample was loaded now; False where there is something already, or was loaded before.

    Takes about six seconds of processor time. Must not be called on a thread that runs an event loop.

    Raises:
        BakeoffError: the database is out of reach; OSError: there is no room for the temporary database. Nothing was
            loaded then, and the next call tries again.
    """
    if not sample_is_wanted(store):
        return False
    with _stage(store.clock()) as (stage, clock):
        _tell_the_story(stage, clock)
        return _move(stage, store)


def _is_wanted(tx: Transaction) -> bool:
    return tx.installation.setting(project.SETTING) is None and is_unused(tx)


def _move(stage: Store, store: Store) -> bool:
    try:
        with stage.read() as played, store.begin() as tx:
            if not _is_wanted(tx):
                return False
            at = tx.clock()
            sample = project.LoadedSample(
                prompts=tuple(p.id for p in played.prompts.all()),
                datasets=tuple(d.id for d in played.datasets.all()),
                experiments=tuple(e.id for e in played.experiments.all()),
                checks=tuple(c.id for c in played.checks.all()),
                raters=tuple(r.id for s in played.ratings.all() for r in played.ratings.raters(s.id)),
            )
            # First of all, so that on PostgreSQL a second loader waits here and then finds it done.
            value = {"loaded_at": at.isoformat(), **sample.to_json()}
            tx.installation.set_setting(project.SETTING, value, actor=SAMPLE.name, at=at)
            rows = transplant(played, tx)
            tx.audit.append(SAMPLE.name, "sample_loaded", "installation", {"rows": rows})
            return True
    except Conflict:
        with store.read() as tx:
            if _is_wanted(tx):
                raise
        return False


# --- the stage -------------------------------------------------------------------------------------------------------


@contextmanager
def _stage(now: datetime) -> Iterator[tuple[Store, StoryClock]]:
    """An empty database that vanishes afterwards, and its clock."""
    first_day = (now - FIRST_DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    clock = StoryClock(first_day)
    with TemporaryDirectory(prefix="bakeoff-sample-") as folder:
        stage = open_store(f"sqlite:///{Path(folder) / 'sample.db'}", clock)
        try:
            create_tables(stage.engine)
            yield stage, clock
        finally:
            stage.close()


# --- the story -------------------------------------------------------------------------------------------------------


def _tell_the_story(stage: Store, clock: StoryClock) -> None:
    clock.set(day=0, hour=9, minute=12)
    tickets = import_dataset(
        stage,
        project.tickets(),
        filename=project.TICKETS_FILE,
        name=project.TICKETS,
        actor=SAMPLE,
        roles=project.ROLES,
    )
    for minute, prompt in ((30, project.REPLY_PROMPT), (41, project.TOPIC_PROMPT)):
        clock.set(day=0, hour=9, minute=minute)
        _save(stage, prompt, 1)
        reason = "In use before there was a test; what new versions are compared with."
        set_label(stage, prompt, label=PRODUCTION, at="1", actor=SAMPLE, reason=reason)
    _sort_tickets_better(stage, clock, tickets.version.id)
    _write_replies_better(stage, clock, tickets.version.id)
    _ask_about_the_topics(stage, clock)
    clock.set(day=LIVE_DAY, hour=9, minute=40)
    put_version_3_to_the_test(stage, clock, first_day=LIVE_DAY, actor=SAMPLE)


def _sort_tickets_better(stage: Store, clock: StoryClock, tickets_id: str) -> None:
    """Version 2 wins, goes live, trips over something no test could know, and is rolled back."""
    prompt, spec = project.TOPIC_PROMPT, project.topic_experiment()
    clock.set(day=7, hour=13, minute=5)
    _save(stage, prompt, 2)
    _run(stage, spec, tickets_id)
    clock.set(day=8, hour=8, minute=20)
    promote(stage, spec.name, label=PRODUCTION, actor=SAMPLE)
    clock.set(day=12, hour=7, minute=55)
    reason = (
        "The help desk's queue rule looks for a sentence. Version 2 answers with the bare label, so 60 tickets of this "
        "morning fell through to 'other'. Back to 1 until the rule is changed; the sorting itself was better."
    )
    roll_back(stage, prompt, actor=SAMPLE, reason=reason)
    clock.set(day=12, hour=8, minute=30)
    set_label(stage, prompt, label=STAGING, at="2", actor=SAMPLE, reason="Waits here for the new queue rule.")


def _write_replies_better(stage: Store, clock: StoryClock, tickets_id: str) -> None:
    """Version 2 is better, people and a judge agree, but it answers everybody in English; version 3 may mend that."""
    prompt, spec = project.REPLY_PROMPT, project.reply_experiment()
    clock.set(day=18, hour=10, minute=2)
    _save(stage, prompt, 2)
    clock.set(day=18, hour=10, minute=24)
    _answer(stage, spec, tickets_id)
    clock.set(day=18, hour=14, minute=10)
    rate_the_replies(stage, clock, spec.name, actor=SAMPLE)
    clock.set(day=19, hour=11, minute=30)
    _work(stage, ask_the_judge(stage, spec.name, actor=SAMPLE))
    clock.set(day=20, hour=9, minute=20)
    fresh_analysis(stage, spec.name)
    clock.set(day=21, hour=9, minute=15)
    _save(stage, prompt, 3)
    reason = "Version 2 answered German customers in English. This one should not; to be tested against 1 next."
    set_label(stage, prompt, label=STAGING, at="3", actor=SAMPLE, reason=reason)


def _ask_about_the_topics(stage: Store, clock: StoryClock) -> None:
    """Was the sorting right after all? Two people have begun to say; the session stays open for the next visitor."""
    name = project.topic_experiment().name
    clock.set(day=LIVE_DAY, hour=9, minute=25)
    begin_to_rate_the_topics(stage, clock, name, actor=SAMPLE)
    fresh_analysis(stage, name)


def _save(stage: Store, prompt: str, number: int) -> None:
    version = project.prompt_versions(prompt)[number - 1]
    save_prompt(stage, prompt, version.content, actor=SAMPLE, note=version.note)


def _run(stage: Store, spec: ExperimentSpec, tickets_id: str) -> None:
    _answer(stage, spec, tickets_id)
    fresh_analysis(stage, spec.name)


def _answer(stage: Store, spec: ExperimentSpec, tickets_id: str) -> None:
    create_experiment(stage, spec, dataset_version_id=tickets_id, actor=SAMPLE, sample=True)
    _work(stage, start_run(stage, spec.name, actor=SAMPLE))


def _work(stage: Store, run: RunRecord) -> None:
    asyncio.run(_worked(stage, run))


async def _worked(stage: Store, run: RunRecord) -> None:
    """Work through a run with models that need no key."""
    completions = simulated_completions()
    worker = Worker(stage, completions)
    worker.id = SAMPLE.name  # stands on every attempt and in the audit log; not the name of this machine
    try:
        claimed = worker.claim(run.id)
        assert claimed is not None, "nobody else knows this database"
        await worker.work_on(claimed)
    finally:
        await completions.aclose()
