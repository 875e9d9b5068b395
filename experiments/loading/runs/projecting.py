"""What a run of a stored experiment will probably cost and take."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from experiments.errors import BakeoffError
from experiments.loading.judging.cases import case_of
from experiments.loading.runs.blueprint import Blueprint
from experiments.loading.runs.prices import price_book
from experiments.plans.pricing import PriceBook
from experiments.plans.projection import JudgeProjection, PilotFacts, Projection, answer_span, project, project_judge
from experiments.plans.token_estimates import BYTES_PER_TOKEN
from experiments.vocabulary import Request
from storage import frames
from storage.store import Transaction

SAMPLE_ROWS = 40
JUDGED_ROWS = 10


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
    samples, pilots, prices = (
        _sampled_requests(tx, blueprint, count),
        pilot_facts(tx, blueprint),
        price_book(tx, blueprint),
    )
    answers = project(
        samples,
        rows=count,
        repeats=blueprint.spec.repeats,
        concurrency=concurrency or blueprint.spec.limits.concurrency,
        prices=prices,
        pilots=pilots,
    )
    spans = [answer_span(requests[0], pilots.get(name)) for name, requests in samples.items()]
    lengths = min(short for short, _ in spans), max(long for _, long in spans)
    return replace(answers, judges=tuple(_projected_judges(tx, blueprint, count, lengths, prices)))


def _projected_judges(
    tx: Transaction, blueprint: Blueprint, rows: int, lengths: tuple[float, float], prices: PriceBook
) -> Iterator[JudgeProjection]:
    """Every model of every judge, on a few rows with made-up answers of the shortest and the longest length."""
    assert blueprint.dataset is not None
    examples = tx.datasets.examples(blueprint.dataset.id, limit=JUDGED_ROWS) if blueprint.judges else []
    for judge in blueprint.judges:
        spec = judge.spec
        answers = rows * blueprint.spec.repeats * (len(blueprint.arms) - spec.pairwise)
        for model in spec.jury:
            short, long = (
                [
                    call.request
                    for output in [{"text": "word " * round(length * BYTES_PER_TOKEN / 5), "tool_calls": None}]
                    for example in examples
                    for call in judge.calls(case_of(blueprint, spec, example, output, output))
                    if call.model == model
                ]
                for length in lengths
            )
            if short:
                calls = answers * judge.calls_per_case() // len(spec.jury)
                yield project_judge(judge.metric, short, long, calls=calls, prices=prices)


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
