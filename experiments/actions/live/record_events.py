"""Store what live traffic told: each event once, however often and in whatever order it is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from experiments.errors import BakeoffError, NotFound, nearest
from experiments.experiment_file import LiveSpec, OutcomeSpec
from experiments.live.assignment import Reason, drawn
from experiments.live.events import Event, Exposure, GatewayCall, Outcome, ShadowAsk, is_counted, out_of_range
from experiments.loading.live.phases import assigner
from experiments.value_ranges import range_of
from experiments.vocabulary import MetricKind
from storage.records import LivePhaseRecord
from storage.store import Store, Transaction

CLOCKS_APART = timedelta(hours=1)
"""A time that an application gives may be so far ahead of ours."""
BEFORE_THE_START = timedelta(days=366)
"""Outcomes may be so much older than the test: ``before_days`` looks back for a year at most."""
Kind = TypeVar("Kind", Exposure, Outcome, GatewayCall, ShadowAsk)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one event: kept (now or earlier), or refused with a code, a sentence and what to do.

    ``matched`` is False for an outcome whose unit the database knows no exposure of: it counts once there is one.
    """

    id: str
    code: str | None = None
    message: str = ""
    hint: str = ""
    matched: bool = True

    @property
    def ok(self) -> bool:
        """Whether it is in the database."""
        return self.code is None


def record_events(store: Store, events: Sequence[Event]) -> list[Recorded]:
    """One result per event, in order. All that is not refused is kept in one transaction.

    No actor is asked for: who may send is settled where the request came in, and delivery happens later.

    Raises:
        BakeoffError: the database takes nothing at present; nothing is kept then.
    """
    with store.begin() as tx:
        recording = _Recording(tx, events)
        return recording.results()


class _Recording:
    """The events of one transaction."""

    def __init__(self, tx: Transaction, events: Sequence[Event]) -> None:
        self._tx = tx
        self._events = events
        self._now = tx.clock()
        keys = {event.experiment for event in events if event.experiment is not None}
        self._phases = tx.live.numbered(keys)
        self._keys = {key for key, _ in self._phases}
        self._assigners = {place: assigner(phase) for place, phase in self._phases.items()}
        self._refused: dict[int, Recorded] = {}
        self._hashes: dict[int, str] = {}
        self._exposed: set[tuple[str, str]] = set()

    @cached_property
    def _expected(self) -> dict[str, _Expected]:
        """Read only for outcomes: most deliveries hold none."""
        return _expected_outcomes(self._tx, self._phases)

    def results(self) -> list[Recorded]:
        """Keep what can be kept, and tell of each event."""
        self._tx.exposures.add_exposures(self._rows(Exposure, self._exposure))
        outcomes = self._rows(Outcome, self._outcome)
        standing = self._tx.exposures.add_outcomes(outcomes)
        self._exposed = self._units_exposed(outcomes)
        self._tx.exposures.add_calls(self._rows(GatewayCall, self._call))
        self._tx.exposures.add_shadow_asks(self._rows(ShadowAsk, self._shadow))
        return [self._refused.get(place) or self._told(event, standing) for place, event in enumerate(self._events)]

    def _told(self, event: Event, standing: Mapping[str, str]) -> Recorded:
        if not isinstance(event, Outcome):
            return Recorded(event.id)
        if standing[event.id] != self._hashes[id(event)]:
            return Recorded(event.id, "key_reused", "This idempotency key stands for another outcome already.")
        return Recorded(event.id, matched=(event.experiment, event.unit) in self._exposed)

    def _units_exposed(self, outcomes: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
        """(key, unit) of those outcomes whose unit met the test in any of its phases."""
        keys = {phase.id: phase.key for phase in self._phases.values()}
        met = self._tx.exposures.units_met({row["unit"] for row in outcomes}, keys) if outcomes else ()
        return {(keys[phase_id], unit) for phase_id, unit in met}

    def _rows(self, kind: type[Kind], row_of: Callable[[Kind], dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of the events of one kind; those that cannot be kept are noted as refused."""
        rows = []
        for place, event in enumerate(self._events):
            if not isinstance(event, kind):
                continue
            try:
                rows.append(row_of(event))
            except BakeoffError as error:
                self._refused[place] = Recorded(event.id, error.code, error.message, error.hint)
        return rows

    def _phase(self, key: str, number: int) -> LivePhaseRecord:
        phase = self._phases.get((key, number))
        if phase is None:
            raise NotFound("no_such_live_test", f"There is no live test '{key[:120]}' with a phase {number}.")
        return phase

    def _exposure(self, event: Exposure) -> dict[str, Any]:
        phase = self._phase(event.experiment, event.phase)
        live = self._assigners[(event.experiment, event.phase)]
        if event.variant not in live.variants:
            raise BakeoffError("no_such_variant", f"'{event.variant[:80]}' is no variant of '{event.experiment}'.")
        draws = event.reason in (Reason.SPLIT, Reason.FROZEN)
        return {
            "id": event.id,
            "phase_id": phase.id,
            "unit": event.unit or None,
            "variant": event.variant,
            "reason": str(event.reason),
            "counted": is_counted(event),
            "replayed": not draws or drawn(live, event.unit) == event.variant,
            "crossed": False,
            "first_at": event.at,
            "slices": dict(event.slices),
            "source": event.source,
            "received_at": self._now,
        }

    def _outcome(self, event: Outcome) -> dict[str, Any]:
        self._hashes[id(event)] = event.body_hash()
        if event.experiment not in self._keys:
            raise NotFound("no_such_live_test", f"There is no live test '{event.experiment[:120]}'.")
        self._expected[event.experiment].check(event)
        return {
            "id": event.id,
            "key": event.experiment,
            "unit": event.unit,
            "metric": event.metric,
            "value": event.value,
            "denominator": event.denominator,
            "at": event.at,
            "exposure_id": event.exposure,
            "body_hash": self._hashes[id(event)],
            "received_at": event.received_at,
        }

    def _call(self, event: GatewayCall) -> dict[str, Any]:
        phase = None
        if event.experiment is not None and event.phase is not None:
            phase = self._phase(event.experiment, event.phase)
        values = {
            name: getattr(event, name)
            for name in (
                *("id", "at", "variant", "prompt", "version", "model", "status", "response_class", "error_kind"),
                *("latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens", "answer_chars"),
                *("cost_usd", "cost_status", "fell_back", "streamed", "shadow"),
            )
        }
        return values | {
            "phase_id": phase.id if phase else None,
            "exposure_id": event.exposure,
            "sample": asdict(event.sample) if event.sample else None,
            "score_state": "waiting" if event.sample and phase else None,
        }

    def _shadow(self, event: ShadowAsk) -> dict[str, Any]:
        phase = self._phase(event.experiment, event.phase)
        return {
            "id": event.id,
            "phase_id": phase.id,
            "variant": event.variant,
            "unit": event.unit,
            "control_call": event.control_call,
            "messages": [dict(m) for m in event.messages],
            "variables": dict(event.variables),
            "state": "waiting",
            "reason": "",
            "at": event.at,
        }


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a live test takes: outcomes by metric, that happened after ``earliest``."""

    key: str
    outcomes: Mapping[str, OutcomeSpec]
    earliest: datetime

    def check(self, event: Outcome) -> None:
        """Nothing for an outcome that the test takes. Raises BakeoffError naming what does not fit."""
        declared = self.outcomes.get(event.metric)
        if declared is None:
            raise BakeoffError(
                "unknown_metric",
                f"The live test '{self.key}' reports no '{event.metric}'.",
                nearest(event.metric, sorted(self.outcomes)),
            )
        if declared.kind == "binary" and event.value not in (0.0, 1.0):
            raise BakeoffError("not_yes_or_no", f"'{event.metric}' is yes or no: send 1 or 0.")
        allowed = range_of(MetricKind(declared.kind), declared.range)
        if not allowed.holds(event.value):
            raise out_of_range(event.metric, event.value, allowed)
        if event.at > event.received_at + CLOCKS_APART:
            hint = "Correct the clock of the application, or leave 'at' out."
            raise BakeoffError("bad_time", "'at' is in the future by more than an hour.", hint)
        if event.at < self.earliest:
            raise BakeoffError(
                "bad_time",
                "'at' is more than a year before the test began.",
                f"Outcomes from {self.earliest:%Y-%m-%d} on are taken; leave 'at' out for one that happens now.",
            )


def _expected_outcomes(tx: Transaction, phases: Mapping[tuple[str, int], LivePhaseRecord]) -> dict[str, _Expected]:
    """Key → what its newest phase's experiment takes, from a year before its first phase on."""
    by_key: dict[str, list[LivePhaseRecord]] = {}
    for (key, _), phase in sorted(phases.items(), key=lambda item: item[1].number):
        by_key.setdefault(key, []).append(phase)
    found: dict[str, _Expected] = {}
    for key, own in by_key.items():
        live = LiveSpec.model_validate(tx.experiments.get(own[-1].experiment_id).spec["live"])
        declared = {outcome.metric: outcome for outcome in live.outcomes}
        found[key] = _Expected(key, declared, own[0].started_at - BEFORE_THE_START)
    return found
