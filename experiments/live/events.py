"""What live traffic tells: exposures, outcomes and model calls, each known by an id so that telling twice counts once.

They are made where the request is answered, wait on disk, and are stored by ``actions.record_events``. Times are
aware and in UTC. ``experiment`` is the **key** of the live test, what clients ask for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

from experiments.errors import BakeoffError
from experiments.live.assignment import Assignment, Context, LiveTest, Reason, slices_of
from experiments.live.units import is_blank
from experiments.plain_text import is_storable
from experiments.storable import sanitised_text
from experiments.value_ranges import ANY, DENOMINATORS, ValueRange
from experiments.vocabulary import content_hash, new_id

LONGEST_UNIT = 512
LONGEST_METRIC = 120
LONGEST_KEY = 120
LONGEST_TEXT = 20_000
ABANDONED = "abandoned"
"""The status of a call whose caller left before the answer was complete."""


class Exposure(NamedTuple):
    """A unit met a variant; a tuple for its price, see ``Assignment``.

    ``unit`` is empty when the application named none. ``reason`` other than ``split`` is never analysed. ``source`` is
    the door: ``chat``, ``ofrep``, ``assignments``, ``import``.
    """

    id: str
    experiment: str
    phase: int
    unit: str
    variant: str
    reason: str
    at: datetime
    slices: Mapping[str, str]
    source: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; ``event_from_json`` reads it."""
        return {"event": "exposure", **self._asdict(), "slices": dict(self.slices), "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit later: a finite ``value`` of a metric.

    ``denominator`` belongs to metrics of kind ratio, else 1. ``sent_at`` is the time that the application gave, None
    when it gave none: then ``received_at`` counts. ``exposure`` is the exposure's id when the application kept it.
    """

    id: str
    experiment: str
    unit: str
    metric: str
    value: float
    received_at: datetime
    sent_at: datetime | None = None
    denominator: float = 1.0
    exposure: str | None = None

    @property
    def at(self) -> datetime:
        """When it happened, as far as anybody knows."""
        return self.sent_at or self.received_at

    def body_hash(self) -> str:
        """SHA-256 of what the application said, without when it arrived: a repetition has the same."""
        return content_hash(
            [
                *(self.experiment, self.unit, self.metric, self.value, self.denominator),
                *(_iso(self.sent_at), self.exposure),
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; ``event_from_json`` reads it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        times = {"received_at": _iso(self.received_at), "sent_at": _iso(self.sent_at)}
        return {"event": "outcome", **values, **times}


@dataclass(frozen=True, slots=True)
class AnswerSample:
    """A sampled answer as scorers need it: what was sent, with which variables, and what came back."""

    text: str
    messages: tuple[Mapping[str, Any], ...] = ()
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class GatewayCall:
    """One model call that the gateway made for an application, or a challenger's silent answer (``shadow``).

    ``exposure`` is the exposure's id, None outside a live test or without a unit. ``status`` is ``ok``, ``failed`` or
    ``abandoned`` (the caller left before the end: neither failed nor free, its cost is estimated from what had come);
    ``fell_back`` says that the variant failed and the control's answer was served (then this call is the variant's).
    ``answer_chars`` is the length of the answer. ``sample`` is kept for a sampled share only.
    """

    id: str
    at: datetime
    prompt: str
    version: int | None
    model: str
    status: str
    latency_ms: float
    experiment: str | None = None
    phase: int | None = None
    variant: str | None = None
    exposure: str | None = None
    first_token_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    cost_status: str = "unknown"
    error_kind: str | None = None
    response_class: str | None = None
    answer_chars: int | None = None
    fell_back: bool = False
    streamed: bool = False
    shadow: bool = False
    sample: AnswerSample | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without those that are None; ``event_from_json`` reads it."""
        values = {name: value for name in _CALL_FIELDS if (value := getattr(self, name)) is not None}
        sample = {} if self.sample is None else {"sample": asdict(self.sample)}
        return {"event": "call", "version": None, **values, "at": _iso(self.at), **sample}


_CALL_FIELDS = tuple(field.name for field in fields(GatewayCall))


@dataclass(frozen=True, slots=True)
class ShadowAsk:
    """A request whose challenger shall answer in the background; users saw the control (``control_call``)."""

    id: str
    at: datetime
    experiment: str
    phase: int
    variant: str
    unit: str
    control_call: str
    messages: tuple[Mapping[str, Any], ...]
    variables: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; ``event_from_json`` reads it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"event": "shadow", **values, "at": _iso(self.at), "messages": [dict(m) for m in self.messages]}


Event = Exposure | Outcome | GatewayCall | ShadowAsk


def exposure_of(
    live: LiveTest, unit: str | None, assignment: Assignment, context: Context | None, *, at: datetime, source: str
) -> Exposure:
    """The exposure of an assignment that is kept (``assignment.KEPT``); without a unit it gets an id of its own."""
    return Exposure(
        assignment.exposure or new_id(),
        live.key,
        assignment.phase,
        unit or "",
        assignment.variant,
        assignment.reason,
        at,
        {name: sanitised_text(value) for name, value in slices_of(live, context).items()} if live.slices else {},
        source,
    )


def outcome_id(experiment: str, idempotency_key: str) -> str:
    """The id of an outcome whose sender gave a key: one per test and key."""
    return content_hash(["outcome", experiment, idempotency_key])[:40]


def checked_outcome(
    *,
    experiment: str,
    unit: str,
    metric: str,
    value: float,
    received_at: datetime,
    sent_at: datetime | None = None,
    denominator: float = 1.0,
    exposure: str | None = None,
    idempotency_key: str | None = None,
) -> Outcome:
    """An outcome that can be stored. Whether the test exists and knows the metric is checked where it is stored.

    Raises:
        BakeoffError: ``bad_experiment``, ``bad_unit``, ``bad_metric``, ``not_finite``, ``out_of_range``,
            ``bad_denominator``, ``bad_time`` or ``bad_key``.
    """
    _check_text(experiment, "experiment", "bad_experiment", LONGEST_KEY)
    _check_text(unit, "unit", "bad_unit", LONGEST_UNIT)
    if is_blank(unit):
        raise BakeoffError("bad_unit", "'unit' is blank.", "Name the user as the assignment did.")
    _check_text(metric, "metric", "bad_metric", LONGEST_METRIC)
    if not math.isfinite(value) or not math.isfinite(denominator):
        raise BakeoffError("not_finite", f"The value of '{metric}' is not a finite number.", "Send a plain number.")
    if not ANY.holds(value):
        raise out_of_range(metric, value, ANY)
    if not DENOMINATORS.holds(denominator):
        hint = f"It is from {DENOMINATORS}; leave out what has none."
        raise BakeoffError("bad_denominator", "The denominator must be above 0 and of a usual size.", hint)
    sent = None if sent_at is None else _in_utc(sent_at)
    if idempotency_key is not None:
        _check_text(idempotency_key, "idempotency_key", "bad_key", 200)
    if exposure is not None:
        _check_text(exposure, "exposure", "bad_exposure", 64)
    identity = outcome_id(experiment, idempotency_key) if idempotency_key is not None else new_id()
    return Outcome(identity, experiment, unit, metric, value, received_at, sent, denominator, exposure)


def out_of_range(metric: str, value: float, allowed: ValueRange) -> BakeoffError:
    """The refusal of a value that the metric cannot have."""
    message = f"'{metric[:LONGEST_METRIC]}' is {value:g}, outside of its range."
    return BakeoffError("out_of_range", message, f"It may be from {allowed}.")


def event_from_json(values: Mapping[str, Any]) -> Event:
    """The event that its ``to_json`` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    rest = {name: value for name, value in values.items() if name != "event"}
    kind = values["event"]
    if kind == "exposure":
        return Exposure(**rest | {"at": _time(rest["at"])})
    if kind == "outcome":
        return Outcome(**rest | {"received_at": _time(rest["received_at"]), "sent_at": _maybe_time(rest["sent_at"])})
    if kind == "call":
        sample = rest.get("sample")
        if sample is not None:
            sample = AnswerSample(**sample | {"messages": tuple(sample["messages"])})
        return GatewayCall(**rest | {"at": _time(rest["at"]), "sample": sample})
    if kind == "shadow":
        return ShadowAsk(**rest | {"at": _time(rest["at"]), "messages": tuple(rest["messages"])})
    raise ValueError(f"{kind!r} is no event")


def is_counted(exposure: Exposure) -> bool:
    """Whether the exposure's unit belongs to the analysis."""
    return exposure.reason == Reason.SPLIT and exposure.unit != ""


def _in_utc(sent_at: datetime) -> datetime:
    """The time in UTC. Raises BakeoffError: ``bad_time`` without a zone or beyond the calendar."""
    if sent_at.tzinfo is None:
        raise BakeoffError("bad_time", "'at' has no time zone.", "Write it as 2026-01-31T12:00:00Z.")
    try:
        return sent_at.astimezone(UTC)
    except OverflowError:
        raise BakeoffError("bad_time", "'at' is beyond the calendar.", "Write it as 2026-01-31T12:00:00Z.") from None


def _check_text(text: str, name: str, code: str, longest: int) -> None:
    if not text or len(text) > longest or not is_storable(text):
        raise BakeoffError(code, f"'{name}' must be a text of 1 to {longest} characters.", "Shorten or fill it.")


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without zone")
    return time


def _maybe_time(text: str | None) -> datetime | None:
    return None if text is None else _time(text)
