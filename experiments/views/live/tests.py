"""Live tests as people watch them: how much traffic, how it is split, what it costs. No effect is shown here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from experiments.live.assignment import BUCKETS
from experiments.live.layers import size
from experiments.loading.find import find_experiment
from experiments.loading.live.phases import assigner, find_phase
from storage.live_sums import LiveSumsQueries, Traffic, traffic_of
from storage.records import ExposureRecord, LivePhaseRecord
from storage.store import Store, Transaction

MOST_POINTS = 120
"""Looks that the picture over time shows."""


@dataclass(frozen=True, slots=True)
class LiveTestView:
    """One live test, its newest phase. Shares are per cent; ``exposed`` are users who count.

    ``traffic`` tells crossings, uncounted exposures and model calls. ``everyone`` is what all meet while it is paused
    or stopped. ``running_days`` counts from the start of the phase.
    """

    key: str
    experiment: str
    prompt: str
    phase: int
    state: str
    reason: str
    control: str
    everyone: str
    split: Mapping[str, float]
    enrolled: float
    layer: str
    exposed: Mapping[str, int]
    traffic: Traffic
    started_at: datetime
    ended_at: datetime | None
    pauses: tuple[tuple[str, str], ...]
    shadow_spent_usd: float
    simulated: bool

    @property
    def users(self) -> int:
        """Users who count."""
        return sum(self.exposed.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``bakeoff live status --json``."""
        told = {name: value for name, value in asdict(self).items() if name not in {"traffic", "exposed"}}
        traffic = asdict(self.traffic)
        first, last = traffic.pop("first"), traffic.pop("last")
        return {
            **told,
            "exposed": dict(self.exposed),
            "users": self.users,
            **traffic,
            "first_exposure_at": first.isoformat() if first else None,
            "last_exposure_at": last.isoformat() if last else None,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


def list_live_tests(store: Store) -> list[LiveTestView]:
    """The newest phase of every live test: those that run first, then by key."""
    with store.read() as tx:
        views = [_view(tx, phase) for phase in tx.live.newest()]
    return sorted(views, key=lambda v: (v.state == "stopped", v.key))


def has_live_test(store: Store, experiment_name: str) -> bool:
    """Whether the experiment ever met traffic. Raises NotFound."""
    with store.read() as tx:
        return bool(tx.live.phases(find_experiment(tx, experiment_name).id))


def live_test_view(store: Store, name: str) -> LiveTestView:
    """The live test with that key, or of the experiment with that name. Raises NotFound."""
    with store.read() as tx:
        return _view(tx, find_phase(tx, name))


def live_test_or_draft(store: Store, name: str) -> LiveTestView | None:
    """The live test as ``live_test_view``; None for an experiment that was only written down. Raises NotFound."""
    with store.read() as tx:
        experiment = tx.experiments.by_name(name)
        if experiment is not None and experiment.spec.get("live") and not tx.live.phases(experiment.id):
            return None
        return _view(tx, find_phase(tx, name))


@dataclass(frozen=True, slots=True)
class BandPoint:
    """The primary measure at one look: the difference, its interval, and the users that were in."""

    at: datetime
    users: int
    estimate: float
    lower: float
    upper: float


def band_over_time(store: Store, name: str, treatment: str) -> list[BandPoint]:
    """How the always-valid interval of the primary measure moved in the newest phase; empty before there is one.

    Raises:
        NotFound.
    """
    with store.read() as tx:
        phase = find_phase(tx, name)
        records = tx.evidence.analyses_over_time(phase.experiment_id, most=MOST_POINTS)
    points = []
    for record in records:
        if record.result.get("live", {}).get("phase") != phase.number:
            continue
        for comparison in record.result["comparisons"]:
            mine = comparison["role"] == "primary" and comparison["treatment"] == treatment
            if mine and comparison["slice"] is None and comparison["status"] == "ok":
                users = sum(record.result["live"]["exposed"].values())
                limits = (comparison["estimate"], comparison["lower"], comparison["upper"])
                points.append(BandPoint(record.created_at, users, *limits))
    return points


def exposures_of(store: Store, name: str, *, unit: str | None = None, limit: int = 100) -> list[ExposureRecord]:
    """Exposures of the newest phase, newest first; that of one unit when it is given. Raises NotFound."""
    with store.read() as tx:
        return tx.exposures.of_phase(find_phase(tx, name).id, unit=unit, limit=limit)


def _view(tx: Transaction, phase: LivePhaseRecord) -> LiveTestView:
    experiment = tx.experiments.get(phase.experiment_id)
    live = assigner(phase)
    return LiveTestView(
        key=phase.key,
        experiment=experiment.name,
        prompt=tx.prompts.get(experiment.prompt_id).name if experiment.prompt_id else "",
        phase=phase.number,
        state=phase.state,
        reason=phase.state_reason,
        control=live.control,
        everyone=phase.everyone,
        split={name: round(100 * share, 6) for name, share in live.shares().items()},
        enrolled=round(100 * size((first, end) for first, end in phase.enrolled) / BUCKETS, 6),
        layer=phase.layer,
        exposed=LiveSumsQueries(tx.session, phase).exposed(),
        traffic=traffic_of(tx.session, phase),
        started_at=phase.started_at,
        ended_at=phase.ended_at,
        pauses=tuple((begin, end) for begin, end in phase.pauses),
        shadow_spent_usd=phase.shadow_spent_usd,
        simulated=experiment.simulated,
    )
