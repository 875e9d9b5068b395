"""Small live tests and their traffic, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from experiments.actions.live.record_events import Recorded, record_events
from experiments.actions.live.start_live import start_live
from experiments.actions.runs.create_experiment import create_experiment
from experiments.experiment_file import ExperimentSpec
from experiments.live.assignment import LiveTest, assign
from experiments.live.events import Event, GatewayCall, checked_outcome, exposure_of
from experiments.views.live.config import load_live
from experiments.vocabulary import Actor, Role, new_id
from storage.records import ExperimentRecord
from storage.store import Store

ADA = Actor("ada", Role.ADMIN)
KEY = "refund-reply"
SEED = "5f0c2b7e9a1d4c3b8e7f6a5d4c3b2a19"


def live_spec(name: str = "refund reply", *, plan: dict[str, Any] | None = None, **live: Any) -> ExperimentSpec:
    """A live test of two demo variants whose users report whether they were helped."""
    section = {
        "key": KEY,
        "split": {"A": 50, "B": 50},
        "outcomes": [{"metric": "resolved", "kind": "binary"}, {"metric": "minutes_saved", "kind": "score"}],
        **live,
    }
    given = {
        "name": name,
        "variants": [
            {"name": "A", "prompt": "Reply to {{ticket}}.", "model": "demo/small"},
            {"name": "B", "prompt": "Reply to {{ticket}}. End with the next step.", "model": "demo/small"},
        ],
        "slices": ["plan"],
        "plan": {
            "primary": {"metric": "resolved", "smallest_effect": 0.03},
            "stopping": "sequential",
            **(plan or {}),
        },
        "live": section,
    }
    return ExperimentSpec.model_validate(given)


def made_live(store: Store, spec: ExperimentSpec | None = None) -> ExperimentRecord:
    """The experiment of a spec, not started."""
    experiment, _ = create_experiment(store, spec or live_spec(), dataset_version_id=None, actor=ADA)
    return experiment


def started(store: Store, spec: ExperimentSpec | None = None) -> LiveTest:
    """The live test of a spec, running."""
    experiment = made_live(store, spec)
    phase = start_live(store, experiment.name, actor=ADA, seed=SEED)
    return load_live(store).tests[phase.key]


def met(live: LiveTest, unit: str | None, at: datetime, **context: Any) -> Event:
    """The exposure of a unit."""
    return exposure_of(live, unit, assign(live, unit, context), context, at=at, source="test")


def outcome(unit: str, value: float, at: datetime, **more: Any) -> Event:
    """An outcome that arrives when it happens."""
    given = {"experiment": KEY, "metric": "resolved", **more}
    return checked_outcome(unit=unit, value=value, received_at=at, **given)


def call(live: LiveTest, unit: str, at: datetime, **more: Any) -> GatewayCall:
    """A model call of a unit."""
    found = assign(live, unit)
    given = {
        "id": new_id(),
        "at": at,
        "prompt": "refund-reply",
        "version": 1,
        "model": "demo/small",
        "status": "ok",
        "response_class": "answer",
        "latency_ms": 100.0,
        "experiment": live.key,
        "phase": found.phase,
        "variant": found.variant,
        "exposure": found.exposure,
        "cost_usd": 0.001,
        "cost_status": "known",
        "answer_chars": 120,
        **more,
    }
    return GatewayCall(**given)


def record(store: Store, events: Iterable[Event]) -> list[Recorded]:
    """The events, recorded; none may be refused."""
    results = record_events(store, list(events))
    assert [r for r in results if not r.ok] == []
    return results


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)
