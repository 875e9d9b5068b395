"""Change a live test while it runs: ramp, pause, resume, freeze, a new phase, testers. Each is one event."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from experiments.actions.authorise import authorise
from experiments.actions.live.start_live import add_phase, layer_full, self_check, taken_in
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import ExperimentSpec
from experiments.live.assignment import BUCKETS, LiveState, cumulative_limits
from experiments.live.layers import resized, size
from experiments.loading.live.phases import assigner, find_phase
from experiments.permissions import Operation
from experiments.vocabulary import Actor, ExperimentState
from storage.records import LivePhaseRecord
from storage.store import Store, Transaction

GUARD = "guard"
"""The actor of what the system does by itself."""
OPEN = {LiveState.RUNNING, LiveState.FROZEN, LiveState.PAUSED}


def ramp_live(store: Store, name: str, per_cent: float, *, actor: Actor) -> LivePhaseRecord:
    """Let this share of all units take part; units that take part already stay, and meet the same variant.

    Raises:
        BakeoffError: ``bad_share``; Conflict ``layer_full``, ``not_running`` or ``changed_meanwhile``; NotFound;
            Forbidden.
    """
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    if not 0 <= per_cent <= 100:
        raise BakeoffError("bad_share", f"{per_cent} is no share.", "Give a number from 0 to 100.")
    with store.begin() as tx:
        phase = open_phase(tx, name, {LiveState.RUNNING, LiveState.PAUSED})
        own = tuple((first, end) for first, end in phase.enrolled)
        taken = taken_in(tx, phase.layer, besides=phase.experiment_id)
        enrolled = resized(own, round(per_cent / 100 * BUCKETS), taken=taken)
        if enrolled is None:
            raise layer_full(tx, phase.layer, besides=phase.experiment_id)
        details = {"from": round(100 * size(own) / BUCKETS, 6), "to": per_cent}
        return _changed(tx, phase, "live_ramped", details, actor, enrolled=[list(ends) for ends in enrolled])


def pause_live(store: Store, name: str, *, actor: Actor, reason: str = "") -> LivePhaseRecord:
    """Everybody meets the control until it is resumed; nobody new is counted. Raises as ``ramp_live``."""
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    with store.begin() as tx:
        return paused(tx, open_phase(tx, name, {LiveState.RUNNING, LiveState.FROZEN}), actor=actor, reason=reason)


def resume_live(store: Store, name: str, *, actor: Actor) -> LivePhaseRecord:
    """Everybody meets the variant they met before. Raises as ``ramp_live``."""
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    with store.begin() as tx:
        phase = open_phase(tx, name, {LiveState.PAUSED, LiveState.FROZEN})
        pauses = _closed(phase.pauses, tx.clock())
        changes = {"state": LiveState.RUNNING, "state_reason": "", "pauses": pauses, "frozen_at": None}
        tx.experiments.move(phase.experiment_id, to=ExperimentState.RUNNING, expected={ExperimentState.PAUSED})
        return _changed(tx, phase, "live_resumed", {}, actor, **changes)


def freeze_live(store: Store, name: str, *, actor: Actor) -> LivePhaseRecord:
    """Nobody new is counted; those who are go on being measured, for outcomes that come late. Raises as above."""
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    with store.begin() as tx:
        phase = open_phase(tx, name, {LiveState.RUNNING})
        return _changed(tx, phase, "live_frozen", {}, actor, state=LiveState.FROZEN, frozen_at=tx.clock())


def new_phase(
    store: Store, name: str, *, actor: Actor, reason: str, split: Mapping[str, float] | None = None
) -> LivePhaseRecord:
    """Draw everybody anew, with another split if given; what was collected before is left out from now on.

    Raises:
        BakeoffError: ``reason_needed``, or ``bad_split`` when the split does not name each variant; Conflict; NotFound;
            Forbidden.
    """
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    if len(reason.strip()) < 3:
        raise BakeoffError("reason_needed", "A new phase throws the present data out of the analysis.", "Say why.")
    with store.begin() as tx:
        phase = find_phase(tx, name)
        experiment = tx.experiments.get(phase.experiment_id)
        live = ExperimentSpec.model_validate(experiment.spec).live
        assert live is not None
        settings = {**phase.settings, **_new_split(phase, split)}
        if phase.state != LiveState.STOPPED:
            stopped(tx, phase, actor=actor, everyone=phase.settings["control"], reason=reason)
        enrol = 100 * size((first, end) for first, end in phase.enrolled) / BUCKETS
        section = live.model_copy(update={"enrol": enrol})
        begun = add_phase(tx, experiment, section, settings=settings, seed=secrets.token_hex(16), actor=actor)
        self_check(assigner(begun))
        tx.experiments.change(experiment.id, state=ExperimentState.RUNNING)
        return begun


def force_unit(store: Store, name: str, unit: str, variant: str | None, *, actor: Actor) -> LivePhaseRecord:
    """A tester meets this variant, uncounted; None lets them go. Raises as ``ramp_live``."""
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    with store.begin() as tx:
        phase = open_phase(tx, name, OPEN)
        if variant is not None and variant not in phase.settings["variants"]:
            raise BakeoffError("no_such_variant", f"There is no variant '{variant}'.")
        forced = {u: v for u, v in phase.settings["forced"].items() if u != unit}
        if variant is not None:
            forced[unit] = variant
        settings = {**phase.settings, "forced": forced}
        return _changed(tx, phase, "live_forced", {"unit": unit, "variant": variant}, actor, settings=settings)


# --- inside a transaction, for the guard too ---------------------------------------------------------------------


def paused(tx: Transaction, phase: LivePhaseRecord, *, actor: Actor, reason: str) -> LivePhaseRecord:
    """The phase, paused; the window is marked."""
    pauses = [*phase.pauses, [tx.clock().isoformat(), ""]]
    changes = {"state": LiveState.PAUSED, "state_reason": reason, "pauses": pauses}
    tx.experiments.move(phase.experiment_id, to=ExperimentState.PAUSED, expected={ExperimentState.RUNNING})
    return _changed(tx, phase, "live_paused", {"reason": reason}, actor, **changes)


def stopped(
    tx: Transaction,
    phase: LivePhaseRecord,
    *,
    actor: Actor,
    everyone: str,
    reason: str,
    action: str = "live_stopped",
    decided: Mapping[str, str] | None = None,
) -> LivePhaseRecord:
    """The phase, ended: everybody meets one variant. ``decided`` goes into the event."""
    now = tx.clock()
    changes = {
        "state": LiveState.STOPPED,
        "state_reason": reason,
        "everyone": everyone,
        "ended_at": now,
        "pauses": _closed(phase.pauses, now),
    }
    tx.experiments.move(
        phase.experiment_id,
        to=ExperimentState.ANALYSED,
        expected={ExperimentState.RUNNING, ExperimentState.PAUSED},
    )
    details = {"everyone": everyone, "reason": reason, **(decided or {})}
    return _changed(tx, phase, action, details, actor, **changes)


def _changed(
    tx: Transaction,
    phase: LivePhaseRecord,
    action: str,
    details: Mapping[str, Any],
    actor: Actor,
    **values: Any,  # noqa: ANN401
) -> LivePhaseRecord:
    changed = tx.live.change(phase, **values)
    if changed is None:
        raise Conflict("changed_meanwhile", "Somebody else changed this live test at this moment.", "Look again.")
    experiment = tx.experiments.get(phase.experiment_id)
    told = {"key": phase.key, "phase": phase.number, **details}
    tx.audit.append(actor.name, action, f"experiment:{experiment.name}", told)
    return changed


def open_phase(tx: Transaction, name: str, states: set[LiveState]) -> LivePhaseRecord:
    """The newest phase, in one of the states. Raises Conflict ``not_running``; NotFound."""
    phase = find_phase(tx, name)
    if LiveState(phase.state) not in states:
        raise Conflict("not_running", f"The live test '{phase.key}' is {phase.state}.", "See: bakeoff live status")
    return phase


def _closed(pauses: list[list[str]], now: datetime) -> list[list[str]]:
    return [[begin, end or now.isoformat()] for begin, end in pauses]


def _new_split(phase: LivePhaseRecord, split: Mapping[str, float] | None) -> dict[str, Any]:
    if split is None:
        return {}
    names = phase.settings["variants"]
    if set(split) != set(names):
        raise BakeoffError("bad_split", "The split must name each variant once.", f"Variants: {', '.join(names)}.")
    try:
        return {"limits": list(cumulative_limits([split[name] for name in names]))}
    except ValueError as error:
        raise BakeoffError("bad_split", f"The split does not work: {error}.", "Give shares above 0.") from None
