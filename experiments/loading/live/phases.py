"""Stored phases → live tests as the assigner and the gateway need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from experiments.errors import NotFound, nearest
from experiments.experiment_file import ExperimentSpec, LiveSpec, PriceSpec
from experiments.live.assignment import BUCKETS, LiveState, LiveTest, Served, Shadow, cumulative_limits, plain_value
from experiments.loading.runs.prices import file_prices
from storage.records import LivePhaseRecord, VersionRecord
from storage.store import Transaction


def settings_of(spec: ExperimentSpec, live: LiveSpec) -> dict[str, Any]:
    """What a phase keeps of the experiment's file, as plain JSON values."""
    names = [variant.name for variant in spec.ordered_variants()]
    shadow = live.shadow
    challengers = [name for name in names if name != spec.control_name()]
    return {
        "control": spec.control_name(),
        "variants": names,
        "limits": list(cumulative_limits([live.split[name] for name in names])),
        "holdout": round(live.holdout / 100 * BUCKETS),
        "targeting": {name: sorted(map(plain_value, values)) for name, values in live.targeting.items()},
        "forced": dict(live.forced),
        "slices": list(spec.slices),
        "score_share": live.score_share / 100 if spec.scorers else 0.0,
        "shadow": {"variants": list(shadow.variants or challengers), "share": shadow.share / 100} if shadow else None,
        "falls_back": live.on_error == "control",
    }


def live_test(tx: Transaction, phase: LivePhaseRecord) -> LiveTest:
    """The live test of a phase, with what each variant serves."""
    variants = tx.experiments.variants(phase.experiment_id)
    versions = tx.prompts.versions_by_id(v.prompt_version_id for v in variants if v.prompt_version_id)
    names = {p: tx.prompts.get(p).name for p in {v.prompt_id for v in versions.values()}}
    served = {
        v.name: served_version(names[versions[v.prompt_version_id].prompt_id], versions[v.prompt_version_id])
        for v in variants
        if v.prompt_version_id
    }
    experiment = tx.experiments.get(phase.experiment_id)
    written = {model: PriceSpec.model_validate(price) for model, price in experiment.spec.get("prices", {}).items()}
    return replace(assigner(phase, served=served, experiment=experiment.name), prices=file_prices(written))


def assigner(phase: LivePhaseRecord, *, served: Mapping[str, Served] | None = None, experiment: str = "") -> LiveTest:
    """The live test of a phase; without ``served`` it can assign and no more."""
    settings = phase.settings
    shadow = settings["shadow"]
    return LiveTest(
        key=phase.key,
        experiment=experiment,
        phase=phase.number,
        seed=phase.seed,
        control=settings["control"],
        variants=tuple(settings["variants"]),
        limits=tuple(settings["limits"]),
        served=served or {},
        state=LiveState(phase.state),
        everyone=phase.everyone,
        layer=phase.layer,
        enrolled=tuple((first, end) for first, end in phase.enrolled),
        holdout=settings["holdout"],
        targeting={name: frozenset(values) for name, values in settings["targeting"].items()},
        forced=settings["forced"],
        slices=tuple(settings["slices"]),
        score_share=settings["score_share"],
        shadow=Shadow(tuple(shadow["variants"]), shadow["share"]) if shadow else None,
        falls_back=settings["falls_back"],
    )


def served_version(prompt: str, version: VersionRecord) -> Served:
    """A stored version as it is served."""
    return Served(
        prompt=prompt,
        version=version.number,
        content_hash=version.content_hash,
        messages=tuple(version.messages),
        model=version.model,
        parameters=version.parameters,
    )


def find_phase(tx: Transaction, name: str) -> LivePhaseRecord:
    """The newest phase of the live test with that key, or of the experiment with that name. Raises NotFound."""
    phases = tx.live.newest()
    found = next((phase for phase in phases if phase.key == name), None)
    if found is not None:
        return found
    experiment = tx.experiments.by_name(name)
    of_it = tx.live.phases(experiment.id) if experiment is not None else []
    if not of_it:
        raise NotFound("no_such_live_test", f"There is no live test '{name[:120]}'.", nearest(name, _keys(phases)))
    return of_it[0]


def _keys(phases: Iterable[LivePhaseRecord]) -> list[str]:
    return [phase.key for phase in phases]
