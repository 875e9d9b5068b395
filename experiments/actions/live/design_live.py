"""A live test from a few choices: two versions of a prompt, what shows that one is better, and a first share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import ValidationError

from experiments.actions.live.start_live import start_live
from experiments.actions.runs.create_experiment import create_experiment, discard_draft
from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec
from experiments.vocabulary import Actor
from experiments.wording import metric_name
from storage.records import LivePhaseRecord
from storage.store import Store

COST_LIMIT = 0.2
"""The challenger may cost a fifth more per answer unless a file says otherwise."""
BEFORE_DAYS = 14
"""How far back a user's own scores from before are looked for: two weeks hold every weekday twice."""


def start_designed_live(store: Store, design: ExperimentSpec, *, actor: Actor, reason: str = "") -> LivePhaseRecord:
    """The live test of a design, stored and begun. Raises whatever ``create_experiment`` and ``start_live`` refuse."""
    experiment, created = create_experiment(store, design, dataset_version_id=None, actor=actor, origin="page")
    with no_draft_left(store, experiment.name if created else None, actor=actor):
        return start_live(store, experiment.name, actor=actor, reason=reason)


@contextmanager
def no_draft_left(store: Store, created: str | None, *, actor: Actor) -> Iterator[None]:
    """A start that is refused takes back the experiment that was created for it (None: it was there before).

    A draft that nobody asked for would hold its name and wait on the first page.
    """
    try:
        yield
    except BakeoffError:
        if created is not None:
            discard_draft(store, created, actor=actor)
        raise


def live_design(
    *,
    name: str,
    prompt: str,
    control: int,
    challenger: int,
    metric: str,
    kind: Literal["binary", "score"],
    smallest_effect: float,
    enrol: float,
) -> ExperimentSpec:
    """The live test of two versions of a prompt, split half and half, watched, with a limit on cost and failures.

    Raises:
        BakeoffError: ``bad_live_test``.
    """
    design: dict[str, Any] = {
        "name": name.strip(),
        "hypothesis": f"Version {challenger} of {prompt} is better than version {control} on {metric_name(metric)}.",
        "variants": [
            {"name": f"v{control}", "prompt": f"{prompt}@{control}"},
            {"name": f"v{challenger}", "prompt": f"{prompt}@{challenger}"},
        ],
        "plan": {
            "primary": {"metric": metric, "smallest_effect": smallest_effect},
            "guardrails": [
                {"metric": "cost_usd", "margin": COST_LIMIT, "relative": True},
                {"metric": "failed", "margin": 0.02},
            ],
            "stopping": "sequential",
        },
        "live": {
            "key": key_from(name),
            "split": {f"v{control}": 50, f"v{challenger}": 50},
            "enrol": enrol,
            "outcomes": [{"metric": metric, "kind": kind, **({"before_days": BEFORE_DAYS} if kind == "score" else {})}],
        },
    }
    try:
        return ExperimentSpec.model_validate(design)
    except ValidationError as error:
        why = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise BakeoffError("bad_live_test", f"This does not fit: {why}.", "Change it and try again.") from None


def key_from(name: str) -> str:
    """A key that clients can ask for, made of any name."""
    return re.sub(r"[^a-z0-9]+", "-", name.strip().lower()).strip("-")[:80] or "live-test"
