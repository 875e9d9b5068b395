"""Store what live traffic told: each event once, however often and in whatever order it is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypeVar

from experiments.assignment import Reason, drawn
from experiments.errors import BakeoffError, NotFound, nearest
from experiments.experiment_file import LiveSpec
from experiments.live_events import Event, Exposure, GatewayCall, Outcome, ShadowAsk, is_counted
from experiments.lookup.live import assigner
from storage.records import LivePhaseRecord
from storage.store import Store, Transaction

Kind = TypeVar("Kind", Exposure, Outcome, GatewayCall, ShadowAsk)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one event: kept (now or earlier), or refused with a code and a sentence."""

    id: str
    code: str | None = None
    message: str = ""

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

    @cached_property
    def _kinds(self) -> dict[str, dict[str, str]]:
        """Read only for outcomes: most deliveries hold none."""
        return _declared_metrics(self._tx, self._phases)

    def results(self) -> list[Recorded]:
        """Keep what can be kept, and tell of each event."""
        self._tx.exposures.add_exposures(self._rows(Exposure, self._exposure))
        outcomes = self._rows(Outcome, self._outcome)
        standing = self._tx.exposures.add_outcomes(outcomes)
        self._tx.exposures.add_calls(self._rows(GatewayCall, self._call))
        self._tx.exposures.add_shadow_asks(self._rows(ShadowAsk, self._shadow))
        return [self._refused.get(place) or self._told(event, standing) for place, event in enumerate(self._events)]

    def _told(self, event: Event, standing: Mapping[str, str]) -> Recorded:
        if isinstance(event, Outcome) and standing[event.id] != self._hashes[id(event)]:
            return Recorded(event.id, "key_reused", "This idempotency key stands for another outcome already.")
        return Recorded(event.id)

    def _rows(self, kind: type[Kind], row_of: Callable[[Kind], dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of the events of one kind; those that cannot be kept are noted as refused."""
        rows = []
        for place, event in enumerate(self._events):
            if not isinstance(event, kind):
                continue
            try:
                rows.append(row_of(event))
            except BakeoffError as error:
                self._refused[place] = Recorded(event.id, error.code, str(error))
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
        kinds = self._kinds[event.experiment]
        kind = kinds.get(event.metric)
        if kind is None:
            raise BakeoffError(
                "unknown_metric",
                f"The live test '{event.experiment}' reports no '{event.metric}'.",
                nearest(event.metric, sorted(kinds)),
            )
        if kind == "binary" and event.value not in (0.0, 1.0):
            raise BakeoffError("not_yes_or_no", f"'{event.metric}' is yes or no: send 1 or 0.")
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


def _declared_metrics(tx: Transaction, phases: Mapping[tuple[str, int], LivePhaseRecord]) -> dict[str, dict[str, str]]:
    """Key → metric → kind of the outcomes that its newest phase's experiment reports."""
    newest: dict[str, LivePhaseRecord] = {}
    for (key, number), phase in phases.items():
        if key not in newest or number > newest[key].number:
            newest[key] = phase
    found: dict[str, dict[str, str]] = {}
    for key, phase in newest.items():
        live = LiveSpec.model_validate(tx.experiments.get(phase.experiment_id).spec["live"])
        found[key] = {outcome.metric: outcome.kind for outcome in live.outcomes}
    return found
