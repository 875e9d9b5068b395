"""Which variant a unit meets in a live test: a pure function of both, the same in every process for ever.

Two hashes, both BLAKE2b over 2³² buckets. The first, salted by the **layer**, says whether a unit takes part: a test
owns ranges of its layer's buckets, so tests of one layer never share a unit, and a ramp only adds buckets. The second,
salted by the **seed of the phase**, says which variant: it knows nothing of the first, so a ramp moves nobody who was
assigned, and a new phase draws anew. ``HASH_VERSION`` is part of both salts; vectors of it stand in ``tests/golden``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

from experiments.plans.pricing import Price

HASH_VERSION = 1
BUCKETS = 1 << 32
EVERYBODY = ((0, BUCKETS),)

Value = str | int | float | bool
Context = Mapping[str, Value]
"""What an application tells of a request: plan, language, country …"""
Ranges = tuple[tuple[int, int], ...]
"""Bucket ranges of a layer, each ``[first, end)``."""


class LiveState(StrEnum):
    """``frozen``: who comes new is not counted, the others are still measured. Only ``running`` counts new units."""

    RUNNING = "running"
    FROZEN = "frozen"
    PAUSED = "paused"
    STOPPED = "stopped"


class Reason(StrEnum):
    """Why a unit met this variant. Only ``split`` is analysed."""

    SPLIT = "split"
    FORCED = "forced"
    FROZEN = "frozen"
    NO_UNIT = "no_unit"
    NOT_TARGETED = "not_targeted"
    NOT_ENROLLED = "not_enrolled"
    HOLDOUT = "holdout"
    PAUSED = "paused"
    STOPPED = "stopped"


KEPT = frozenset({Reason.SPLIT, Reason.FORCED, Reason.FROZEN, Reason.NO_UNIT})
"""Assignments whose exposure is recorded; the others met what they would have met without a test."""


@dataclass(frozen=True, slots=True)
class Served:
    """The prompt version that a variant or a label serves, whole: all that a call needs."""

    prompt: str
    version: int
    content_hash: str
    messages: tuple[Mapping[str, str], ...]
    model: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shadow:
    """Challengers that answer in the background on a share of requests while users see the control only."""

    variants: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class LiveTest:
    """One phase of a live test as the assigner needs it.

    ``limits`` are cumulative: the variant at i holds the split buckets below ``limits[i]`` that no earlier one holds.
    ``enrolled`` are the layer's buckets that take part, ``holdout`` the number of buckets (of a draw of their own)
    whose units no test of the layer enrols. ``targeting`` maps attributes to the values that take part. ``everyone`` is
    what all meet while the test is paused or stopped. ``slices`` names the attributes that an exposure keeps.
    ``score_share`` is the share of answers (0 to 1) that automatic scorers judge. With ``falls_back`` a challenger
    whose provider fails is answered by the control. ``prices`` are those of its file, by model.
    """

    key: str
    experiment: str
    phase: int
    seed: str
    control: str
    variants: tuple[str, ...]
    limits: tuple[int, ...]
    served: Mapping[str, Served]
    state: LiveState = LiveState.RUNNING
    everyone: str = ""
    layer: str = ""
    enrolled: Ranges = EVERYBODY
    holdout: int = 0
    targeting: Mapping[str, frozenset[str]] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    score_share: float = 0.0
    shadow: Shadow | None = None
    falls_back: bool = True
    prices: Mapping[str, Price] = field(default_factory=dict)
    split_hash: blake2b = field(init=False, repr=False, compare=False)
    layer_hash: blake2b = field(init=False, repr=False, compare=False)
    whole_layer: bool = field(init=False, repr=False, compare=False)
    arms: tuple[tuple[bytes, str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "split_hash", _salted("split", self.seed))
        object.__setattr__(self, "layer_hash", _salted("layer", self.layer or self.key))
        object.__setattr__(self, "whole_layer", self.enrolled == EVERYBODY and not self.holdout)
        arms = zip((_below(limit) for limit in self.limits), self.variants, map(_suffix, self.variants), strict=True)
        object.__setattr__(self, "arms", tuple(arms))
        if not self.everyone:
            object.__setattr__(self, "everyone", self.control)

    def shares(self) -> dict[str, float]:
        """Variant → its share of the enrolled units, 0 to 1."""
        return {
            name: (end - start) / BUCKETS
            for name, start, end in zip(self.variants, (0, *self.limits), self.limits, strict=False)
        }

    def enrolled_share(self) -> float:
        """The share of the layer's units that take part, 0 to 1."""
        return sum(end - start for start, end in self.enrolled) / BUCKETS


class Assignment(NamedTuple):
    """What a unit meets; a tuple, because one is made per request and a frozen dataclass costs four times as much.

    ``counted`` says that the unit belongs to the analysis. ``exposure`` is the id of its exposure, the same each time
    the unit meets the variant in this phase; empty when the exposure is not kept, or the unit is unknown.
    """

    variant: str
    reason: Reason
    counted: bool
    phase: int
    exposure: str


def assign(live: LiveTest, unit: str | None, context: Context | None = None) -> Assignment:
    """The variant that ``unit`` meets. Without a unit (None or empty) it is the control, never analysed."""
    if live.state is not _RUNNING or not unit or unit in live.forced:
        special = _without_a_draw(live, unit)
        if special is not None:
            return special
    name = unit.encode("utf-8", "surrogatepass")  # type: ignore[union-attr]  # no unit: answered above
    if live.targeting and not _targeted(live.targeting, context or {}):
        return _uncounted(live, live.control, Reason.NOT_TARGETED)
    if not live.whole_layer:
        refusal = _outside(live, name)
        if refusal is not None:
            return _uncounted(live, live.control, refusal)
    digest = _digest(live.split_hash, name)
    for below, variant, suffix in live.arms:  # noqa: B007  # the last one holds all that is left
        if digest < below:
            break
    if live.state is not _RUNNING:
        return Assignment(variant, Reason.FROZEN, False, live.phase, digest.hex() + suffix)
    return Assignment(variant, _SPLIT, True, live.phase, digest.hex() + suffix)


def exposure_id(live: LiveTest, unit: str, variant: str) -> str:
    """The id of the exposure of a unit to a variant in this phase: 36 hex digits."""
    return _digest(live.split_hash, unit.encode("utf-8", "surrogatepass")).hex() + _suffix(variant)


def enrolled(live: LiveTest, unit: str) -> bool:
    """Whether the unit's bucket takes part, whatever state the test is in; targeting is not asked."""
    return live.whole_layer or _outside(live, unit.encode("utf-8", "surrogatepass")) is None


def drawn(live: LiveTest, unit: str) -> str:
    """The variant that the split draws for the unit, enrolled or not: what a replay compares with."""
    digest = _digest(live.split_hash, unit.encode("utf-8", "surrogatepass"))
    return next(variant for below, variant, _ in live.arms if digest < below)


def sampled(share: float, identity: str) -> bool:
    """Whether something falls into a share (0 to 1) of its kind, drawn by its id: the same answer each time."""
    if share >= 1:
        return True
    draw = _digest(_SAMPLE, identity.encode("utf-8", "surrogatepass"))
    return int.from_bytes(draw[:4], "big") < share * BUCKETS


def cumulative_limits(weights: Sequence[float]) -> tuple[int, ...]:
    """Cumulative bucket limits of weights (any positive scale); the last holds all. A weight of 0 gets no bucket.

    Raises:
        ValueError: when no weight is above 0, or one is negative.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative, and one must be above 0")
    passed, limits = 0.0, []
    for weight in weights:
        passed += weight
        limits.append(round(passed / total * BUCKETS))
    last = max(i for i, weight in enumerate(weights) if weight > 0)
    return tuple(BUCKETS if i >= last else limit for i, limit in enumerate(limits))


def plain_value(value: Value) -> str:
    """A context value as the text it is compared by: ``true``, ``3``, ``2.5``, ``pro``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def slices_of(live: LiveTest, context: Context | None) -> dict[str, str]:
    """The attributes of the context that this test looks into, as texts; those that are missing are left out."""
    if not live.slices or not context:
        return {}
    return {name: plain_value(context[name])[:200] for name in live.slices if name in context}


def _without_a_draw(live: LiveTest, unit: str | None) -> Assignment | None:
    """What is met whatever the draw would say, or None when the draw decides."""
    if live.state is LiveState.STOPPED:
        return _uncounted(live, live.everyone, Reason.STOPPED)
    if not unit:
        return _uncounted(live, live.control, Reason.NO_UNIT)
    if unit in live.forced:
        variant = live.forced[unit]
        return Assignment(variant, Reason.FORCED, False, live.phase, exposure_id(live, unit, variant))
    return _uncounted(live, live.everyone, Reason.PAUSED) if live.state is LiveState.PAUSED else None


def _uncounted(live: LiveTest, variant: str, reason: Reason) -> Assignment:
    return Assignment(variant, reason, False, live.phase, "")


def _below(limit: int) -> bytes:
    """What every digest of a bucket below the limit sorts before; comparing bytes saves making a number of them."""
    return limit.to_bytes(4, "big") if limit < BUCKETS else b"\xff" * 17


def _suffix(variant: str) -> str:
    """The part of an exposure's id that tells variants apart; the digest before it tells units and phases apart."""
    return blake2b(variant.encode("utf-8", "surrogatepass"), digest_size=2).hexdigest()


def _targeted(targeting: Mapping[str, frozenset[str]], context: Context) -> bool:
    return all(name in context and plain_value(context[name]) in values for name, values in targeting.items())


def _outside(live: LiveTest, name: bytes) -> Reason | None:
    """Why a unit takes no part, or None."""
    digest = _digest(live.layer_hash, name)
    if int.from_bytes(digest[4:8], "big") < live.holdout:
        return Reason.HOLDOUT
    bucket = int.from_bytes(digest[:4], "big")
    for start, end in live.enrolled:
        if start <= bucket < end:
            return None
    return Reason.NOT_ENROLLED


def _salted(purpose: str, name: str) -> blake2b:
    """A hash that has read its salt; the length of the name keeps two of them from reading alike."""
    return blake2b(f"bakeoff:{HASH_VERSION}:{purpose}:{len(name)}:{name}:".encode(), digest_size=16)


def _digest(salted: blake2b, name: bytes) -> bytes:
    """16 bytes; going on from a copy costs half of hashing salt and name together."""
    going_on = salted.copy()
    going_on.update(name)
    return going_on.digest()


_SAMPLE = _salted("sample", "")
_RUNNING, _SPLIT = LiveState.RUNNING, Reason.SPLIT
