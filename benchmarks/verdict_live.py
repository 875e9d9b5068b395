"""Live tests for ``verdicts``: users who are assigned, met and reported through the database, and the answer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from experiments.actions.live.record_events import record_events
from experiments.actions.live.start_live import start_live
from experiments.actions.results.open_results import open_results
from experiments.actions.runs.create_experiment import create_experiment
from experiments.experiment_file import ExperimentSpec
from experiments.live.assignment import assign
from experiments.live.events import Event, checked_outcome, exposure_of
from experiments.views.live.config import load_live
from experiments.vocabulary import Actor, Role, new_id
from storage import schema
from storage.engine import open_engine
from storage.store import Store

Rng = np.random.Generator
Floats = np.ndarray
ADA = Actor("ada", Role.ADMIN)
STARTED = datetime(2026, 3, 2, tzinfo=UTC)
USERS = 600
BATCH = 500


@dataclass(frozen=True)
class Users:
    """Reports per user and their values: ``values[i]`` are the outcomes of the user named ``units[i]``."""

    units: list[str]
    values: list[Floats]
    metric: str = "resolved"


def ordinary(rng: Rng, effect: float, treated: Floats, units: list[str]) -> Users:
    """One to four reports of yes or no per user, each user with a rate of their own."""
    chance = rng.beta(3, 3, len(units)) * (1 - 2 * 0.21) + 0.21 + effect * treated
    count = rng.integers(1, 5, len(units))
    return Users(units, [(rng.random(n) < p).astype(float) for n, p in zip(count, chance, strict=True)])


def heavy(rng: Rng, effect: float, treated: Floats, units: list[str]) -> Users:
    """One user reports 1,500 times, nearly always the same."""
    users = ordinary(rng, effect, treated, units)
    users.values[0] = (rng.random(1500) < rng.choice([0.03, 0.97])).astype(float)
    return users


def placeholder(rng: Rng, effect: float, treated: Floats, units: list[str]) -> Users:
    """An application without a user sends the word ``undefined``: 1,500 reports under one name."""
    users = heavy(rng, effect, treated, units)
    return Users(["undefined", *units[1:]], users.values)


@contextmanager
def installation() -> Iterator[Path]:
    """An empty database at the newest schema, to be copied for each test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{path}")
        schema.upgrade(engine)
        engine.dispose()
        yield path


def results_of(
    draw: Callable[[Rng, float, Floats, list[str]], Users], rng: Rng, effect: float, empty: Path
) -> dict[str, Any]:
    """The results of one live test of 600 users, read once after eight days."""
    path = empty.with_name(f"{new_id()}.db")
    shutil.copy(empty, path)
    clock = [STARTED]
    store = Store(open_engine(f"sqlite:///{path}"), lambda: clock[0])
    try:
        create_experiment(store, _spec(), dataset_version_id=None, actor=ADA)
        start_live(store, "product", actor=ADA, seed=f"{rng.integers(2**32):032x}")
        live = load_live(store).tests["product"]
        units = [f"user-{number}" for number in range(USERS)]
        treated = np.array([assign(live, unit).variant == "B" for unit in units], dtype=float)
        users = draw(rng, effect, treated, units)
        events: list[Event] = []
        for unit, values in zip(users.units, users.values, strict=True):
            events.append(exposure_of(live, unit, assign(live, unit), None, at=clock[0], source="bench"))
            events += [
                checked_outcome(experiment="product", unit=unit, metric=users.metric, value=value, received_at=clock[0])
                for value in values.tolist()
            ]
        for first in range(0, len(events), BATCH):
            record_events(store, events[first : first + BATCH])
        clock[0] += timedelta(days=8)
        return open_results(store, "product", actor=ADA)
    finally:
        store.close()
        path.unlink()


def _spec() -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "name": "product",
            "variants": [
                {"name": "A", "prompt": "Reply to {{ticket}}.", "model": "demo/small"},
                {"name": "B", "prompt": "Reply to {{ticket}}. End with the next step.", "model": "demo/small"},
            ],
            "plan": {"primary": {"metric": "resolved", "smallest_effect": 0.05}, "stopping": "sequential"},
            "live": {"key": "product", "split": {"A": 50, "B": 50}, "outcomes": [{"metric": "resolved"}]},
        }
    )
