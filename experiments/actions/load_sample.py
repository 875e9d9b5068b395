"""Load the sample project into a new database, once: a genuine run of the simulated models, with a past.

The story is played through the ordinary actions in a database of its own, whose clock replays three weeks, and then
moved into the real one in a single transaction. So a killed load leaves nothing, two servers that start at once load
it once, no worker ever meets a half-made run, and no provider can be called: the play knows the demo models only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.actions.analyse import fresh_analysis
from experiments.actions.create_experiment import create_experiment
from experiments.actions.import_dataset import import_dataset
from experiments.actions.promote import promote
from experiments.actions.roll_back import roll_back, set_label
from experiments.actions.save_prompt import save_prompt
from experiments.actions.start_run import start_run
from experiments.actions.work import Worker
from experiments.completions import CompletionSettings, open_completions
from experiments.errors import Conflict
from experiments.experiment_file import ExperimentSpec
from experiments.labels import PRODUCTION, STAGING
from experiments.sample import project
from experiments.vocabulary import Actor, Role
from storage.records import RunRecord
from storage.store import Store, Transaction, open_store
from storage.transplant import create_tables, is_unused, transplant

SAMPLE = Actor(project.AUTHOR, Role.ADMIN)
FIRST_DAY = timedelta(days=24)
"""How long before its loading the story begins; its verdict is 4 days old, so that it still may be acted on."""
READING = timedelta(milliseconds=40)
"""What the story's clock moves on by itself each time it is read."""


def sample_is_wanted(store: Store) -> bool:
    """True for a database in which nothing has been made yet and the sample never was loaded."""
    with store.read() as tx:
        return _is_wanted(tx)


def load_sample_once(store: Store) -> bool:
    """True when the sample was loaded now; False where there is something already, or was loaded before.

    Takes about two seconds of processor time. Must not be called on a thread that runs an event loop.

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


class _StoryClock:
    """A clock that is set to the moments of the story; the threads of a run may read it at once."""

    def __init__(self, first_day: datetime) -> None:
        self._first_day = first_day
        self._now = first_day
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self._now += READING
            return self._now

    def set(self, *, day: int, hour: int, minute: int) -> None:
        """Day 0 is the first; time only moves forward."""
        moment = datetime.combine(self._first_day + timedelta(days=day), time(hour, minute), self._first_day.tzinfo)
        with self._lock:
            self._now = max(self._now, moment)


@contextmanager
def _stage(now: datetime) -> Iterator[tuple[Store, _StoryClock]]:
    """An empty database that vanishes afterwards, and its clock."""
    first_day = (now - FIRST_DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    clock = _StoryClock(first_day)
    with TemporaryDirectory(prefix="bakeoff-sample-") as folder:
        stage = open_store(f"sqlite:///{Path(folder) / 'sample.db'}", clock)
        try:
            create_tables(stage.engine)
            yield stage, clock
        finally:
            stage.close()


# --- the story -------------------------------------------------------------------------------------------------------


def _tell_the_story(stage: Store, clock: _StoryClock) -> None:
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


def _sort_tickets_better(stage: Store, clock: _StoryClock, tickets_id: str) -> None:
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


def _write_replies_better(stage: Store, clock: _StoryClock, tickets_id: str) -> None:
    """Version 2 is better, but answers everybody in English; version 3 may mend that and waits to be tested."""
    prompt, spec = project.REPLY_PROMPT, project.reply_experiment()
    clock.set(day=20, hour=10, minute=2)
    _save(stage, prompt, 2)
    clock.set(day=20, hour=10, minute=24)
    _run(stage, spec, tickets_id)
    clock.set(day=21, hour=9, minute=15)
    _save(stage, prompt, 3)
    reason = "Version 2 answered German customers in English. This one should not; to be tested against 1 next."
    set_label(stage, prompt, label=STAGING, at="3", actor=SAMPLE, reason=reason)


def _save(stage: Store, prompt: str, number: int) -> None:
    version = project.prompt_versions(prompt)[number - 1]
    save_prompt(stage, prompt, version.content, actor=SAMPLE, note=version.note)


def _run(stage: Store, spec: ExperimentSpec, tickets_id: str) -> None:
    create_experiment(stage, spec, dataset_version_id=tickets_id, actor=SAMPLE, sample=True)
    run = start_run(stage, spec.name, actor=SAMPLE)
    asyncio.run(_work(stage, run))
    fresh_analysis(stage, spec.name)


async def _work(stage: Store, run: RunRecord) -> None:
    """Work through a run with models that need no key and, their times being drawn, need not be waited for."""
    completions = open_completions(CompletionSettings(demo_time_scale=0), environ={})
    worker = Worker(stage, completions)
    worker.id = SAMPLE.name  # stands on every attempt and in the audit log; not the name of this machine
    try:
        claimed = worker.claim(run.id)
        assert claimed is not None, "nobody else knows this database"
        await worker.work_on(claimed)
    finally:
        await completions.aclose()
