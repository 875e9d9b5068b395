"""Start a live test: the plan is locked, a seed is drawn, buckets of the layer are taken, the assigner is checked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import ExperimentSpec, LiveSpec
from experiments.live.assignment import BUCKETS, LiveState, LiveTest, assign, drawn
from experiments.live.layers import free, resized, size
from experiments.loading.find import find_experiment
from experiments.loading.live.measures import refuse_unanswered
from experiments.loading.live.phases import assigner, settings_of
from experiments.loading.registry.cautions import live_cautions
from experiments.loading.runs.blueprint import load_blueprint
from experiments.permissions import Operation
from experiments.prompts import labels
from experiments.vocabulary import Actor, ExperimentState
from storage.records import ExperimentRecord, LivePhaseRecord
from storage.store import Store, Transaction

SELF_CHECK_UNITS = 4_000
SELF_CHECK_SIGMAS = 6


def start_live(
    store: Store, experiment_name: str, *, actor: Actor, seed: str | None = None, reason: str = ""
) -> LivePhaseRecord:
    """The running phase of the live test; one that runs, is paused or frozen already is returned as it is.

    ``seed`` (32 hex digits) repeats a draw; without it a new one is made. ``reason`` answers what speaks against the
    start: a variant with other variables than the control, or a model that its provider withdraws.

    Raises:
        BakeoffError: ``not_live`` without a ``live:`` section, ``no_prompt`` for imported variants,
            ``not_measured_live``, ``judge_not_ready``; Conflict ``key_taken``, ``prompt_in_test``, ``layer_full``,
            ``was_stopped``, ``reason_needed``; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.RUN_LIVE, f"experiment:{experiment_name}")
    with store.begin() as tx:
        experiment = find_experiment(tx, experiment_name)
        spec = ExperimentSpec.model_validate(experiment.spec)
        live = _live_section(tx, experiment, spec)
        known = tx.live.phases(experiment.id)
        if known and known[0].state != LiveState.STOPPED:
            return known[0]
        if known:
            raise Conflict(
                "was_stopped",
                f"'{experiment.name}' was stopped; what it found stands.",
                "Begin a new phase of it, or make a new experiment.",
            )
        _refuse_taken(tx, experiment, live)
        refuse_unanswered(tx, load_blueprint(tx, experiment))
        labels.check_doubts(live_cautions(tx, experiment), reason=reason, what="Starting this live test")
        drawn_by = seed or secrets.token_hex(16)
        settings = settings_of(spec, live)
        phase = add_phase(tx, experiment, live, settings=settings, seed=drawn_by, actor=actor, reason=reason)
        self_check(assigner(phase))
        if experiment.locked_at is None:
            tx.experiments.change(experiment.id, locked_at=tx.clock())
            details = {"plan_hash": experiment.plan_hash, "design_hash": experiment.design_hash}
            tx.audit.append(actor.name, "plan_locked", f"experiment:{experiment.name}", details)
        tx.experiments.change(experiment.id, state=ExperimentState.RUNNING)
        return phase


def add_phase(
    tx: Transaction,
    experiment: ExperimentRecord,
    live: LiveSpec,
    *,
    settings: Mapping[str, object],
    seed: str,
    actor: Actor,
    reason: str = "",
) -> LivePhaseRecord:
    """A new running phase with its buckets of the layer, on the books."""
    wanted = round(live.enrol / 100 * BUCKETS)
    enrolled = resized((), wanted, taken=taken_in(tx, live.layer, besides=experiment.id), start=_start(live, seed))
    if enrolled is None:
        raise layer_full(tx, live.layer, besides=experiment.id)
    values = {
        "experiment_id": experiment.id,
        "seed": seed,
        "state": LiveState.RUNNING,
        "everyone": settings["control"],
        "layer": live.layer,
        "enrolled": [list(ends) for ends in enrolled],
        "settings": dict(settings),
        "pauses": [],
        "created_by": actor.name,
        "started_at": tx.clock(),
    }
    phase = tx.live.add_phase(live.key, values)
    details = {"key": live.key, "phase": phase.number, "seed": seed, "enrol": live.enrol, "settings": dict(settings)}
    details |= {"reason": reason.strip()} if reason.strip() else {}
    tx.audit.append(actor.name, "live_started", f"experiment:{experiment.name}", details)
    return phase


def taken_in(tx: Transaction, layer: str, *, besides: str) -> list[tuple[int, int]]:
    """Bucket ranges of a layer that other experiments hold; a test without a layer meets nobody."""
    if not layer:
        return []
    return [
        (first, end)
        for phase in tx.live.newest()
        if phase.layer == layer and phase.experiment_id != besides and phase.state != LiveState.STOPPED
        for first, end in phase.enrolled
    ]


def layer_full(tx: Transaction, layer: str, *, besides: str) -> Conflict:
    """The refusal of a share that the layer has not got."""
    left = 100 * size(free(taken_in(tx, layer, besides=besides))) / BUCKETS
    return Conflict(
        "layer_full",
        f"The layer '{layer}' has {left:.3g} % of its units left; other live tests hold the rest.",
        "Ask for less, stop another test, or use another layer.",
    )


def self_check(live: LiveTest) -> None:
    """Nothing when the assigner splits units that do not exist as it should, twice the same.

    Raises:
        BakeoffError: ``assigner_off``; never seen, and never to be served from.
    """
    units = [f"self-check-{number}" for number in range(SELF_CHECK_UNITS)]
    first = [drawn(live, unit) for unit in units]
    shares = live.shares()
    off = [
        name
        for name, share in shares.items()
        if abs(first.count(name) - share * SELF_CHECK_UNITS)
        > SELF_CHECK_SIGMAS * (SELF_CHECK_UNITS * max(share * (1 - share), 1e-4)) ** 0.5
    ]
    again = [drawn(live, unit) for unit in units]
    met = [assign(live, unit).variant for unit in units if assign(live, unit).counted]
    drew = [drawn(live, unit) for unit in units if assign(live, unit).counted]
    if off or first != again or met != drew:
        raise BakeoffError(
            "assigner_off", "The assigner does not split as planned.", "Report this; nothing was started."
        )


def _start(live: LiveSpec, seed: str) -> int:
    """Where the test's buckets begin: anywhere in a shared layer, lest the same units be first in every test."""
    return int(seed[:8], 16) if live.layer else 0


def _live_section(tx: Transaction, experiment: ExperimentRecord, spec: ExperimentSpec) -> LiveSpec:
    if spec.live is None:
        raise BakeoffError("not_live", f"'{experiment.name}' has no live section.", "Add 'live:' to its file.")
    for variant in tx.experiments.variants(experiment.id):
        if variant.prompt_version_id is None:
            raise BakeoffError("no_prompt", f"{variant.name} has no prompt to serve.", "Give it a prompt.")
    return spec.live


def _refuse_taken(tx: Transaction, experiment: ExperimentRecord, live: LiveSpec) -> None:
    for phase in tx.live.newest():
        if phase.state == LiveState.STOPPED or phase.experiment_id == experiment.id:
            continue
        other = tx.experiments.get(phase.experiment_id)
        if phase.key == live.key:
            raise Conflict(
                "key_taken", f"'{live.key}' is the key of '{other.name}', which is live.", "Stop it, or take another."
            )
        if other.prompt_id == experiment.prompt_id and not (live.layer and phase.layer):
            raise Conflict(
                "prompt_in_test",
                f"'{other.name}' tests the same prompt on the same units.",
                "Stop it, or name a layer in both: the same one to share the units out, two to test on all.",
            )
