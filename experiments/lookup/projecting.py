"""What a run of a stored experiment will probably cost and take."""

from __future__ import annotations

import statistics
from collections import defaultdict

from experiments.errors import BakeoffError
from experiments.lookup.blueprint import Blueprint
from experiments.lookup.prices import price_book
from experiments.projection import PilotFacts, Projection, project
from experiments.vocabulary import Request
from storage import frames
from storage.store import Transaction

SAMPLE_ROWS = 40


def live_only(blueprint: Blueprint) -> BakeoffError:
    """Why an experiment without a test set cannot run over one."""
    return BakeoffError(
        "live_only",
        f"'{blueprint.experiment.name}' has no test set: it runs on live traffic.",
        "Start it with: bakeoff live start FILE",
    )


def projection_for(
    tx: Transaction, blueprint: Blueprint, *, rows: int | None = None, concurrency: int | None = None
) -> Projection:
    """The projection of the experiment's run over ``rows`` rows (all by default), from a pilot where there was one.

    Raises:
        BakeoffError: ``nothing_to_run`` for imported answers.
    """
    if blueprint.dataset is None and blueprint.spec.live is not None:
        raise live_only(blueprint)
    if blueprint.dataset is None or any(arm.content is None for arm in blueprint.arms):
        raise BakeoffError("nothing_to_run", "This experiment's answers were imported; there is nothing to run.")
    count = blueprint.dataset.row_count if rows is None else min(rows, blueprint.dataset.row_count)
    return project(
        _sampled_requests(tx, blueprint, count),
        rows=count,
        repeats=blueprint.spec.repeats,
        concurrency=concurrency or blueprint.spec.limits.concurrency,
        prices=price_book(tx, blueprint),
        pilots=pilot_facts(tx, blueprint),
    )


def _sampled_requests(tx: Transaction, blueprint: Blueprint, rows: int) -> dict[str, list[Request]]:
    """Requests of rows spread over the test set, by variant; rows that cannot be rendered are left out."""
    assert blueprint.dataset is not None
    step = max(1, rows // SAMPLE_ROWS)
    samples: dict[str, list[Request]] = {arm.name: [] for arm in blueprint.arms}
    problem: BakeoffError | None = None
    for position in range(0, rows, step):
        example = tx.datasets.example_at(blueprint.dataset.id, position)
        if example is None:
            continue
        for arm in blueprint.arms:
            try:
                samples[arm.name].append(blueprint.request(arm, example))
            except BakeoffError as error:
                problem = error
    if problem is not None and not all(samples.values()):
        raise problem
    return samples


def pilot_facts(tx: Transaction, blueprint: Blueprint) -> dict[str, PilotFacts]:
    """Lengths and times of answers that this experiment has got already, in a pilot or a run, by variant."""
    names = {arm.id: arm.name for arm in blueprint.arms}
    tokens: dict[str, list[float]] = defaultdict(list)
    latencies: dict[str, list[float]] = defaultdict(list)
    for run in tx.runs.of_experiment(blueprint.experiment.id):
        for variant_id, completion_tokens, latency_ms in frames.answer_sizes(tx, run.id, limit=2000):
            tokens[names[variant_id]].append(completion_tokens)
            latencies[names[variant_id]].append(latency_ms)
    if set(tokens) != set(names.values()):
        return {}
    return {
        name: PilotFacts(
            answers=len(values),
            mean_completion_tokens=statistics.fmean(values),
            sd_completion_tokens=statistics.stdev(values) if len(values) > 1 else statistics.fmean(values),
            mean_latency_ms=statistics.fmean(latencies[name]),
        )
        for name, values in tokens.items()
    }
