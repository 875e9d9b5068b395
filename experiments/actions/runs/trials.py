"""Which trials of a run are still to be done, row by row, the variants of one row back to back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from experiments.errors import BakeoffError
from experiments.loading.runs.blueprint import Arm, Blueprint
from experiments.vocabulary import Request
from storage.records import ExampleRecord, RunRecord
from storage.store import Store

CHUNK_ROWS = 100

RequestHash = Callable[[Request, int], str]
"""(request, repetition) → cache key."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant × row × repetition that has no final result yet.

    Exactly one of ``request`` and ``problem`` is there: a row that cannot be rendered is a failed trial, not a failed
    run. ``cached`` holds the columns of an earlier output to the very same request.
    """

    arm: Arm
    example: ExampleRecord
    repetition: int
    first_attempt: int
    request: Request | None
    request_hash: str
    problem: BakeoffError | None = None
    cached: dict[str, Any] | None = None


def pending_trials(
    store: Store, blueprint: Blueprint, run: RunRecord, *, request_hash: RequestHash, use_cache: bool
) -> Iterator[list[Trial]]:
    """The unfinished trials in the order they should be sent, in lists of one chunk of rows each.

    Reads the database as it goes, so that memory does not grow with the test set.
    """
    assert blueprint.dataset is not None
    after, left = -1, run.row_limit
    while left is None or left > 0:
        size = CHUNK_ROWS if left is None else min(CHUNK_ROWS, left)
        with store.read() as tx:
            examples = tx.datasets.examples(blueprint.dataset.id, after_position=after, limit=size)
            if not examples:
                return
            ids = [e.id for e in examples]
            finished = tx.runs.finished_keys(run.id, ids)
            tried = tx.runs.attempt_numbers(run.id, ids)
        wanted = [
            (arm, example, repetition)
            for example in examples
            for repetition in range(run.repeats)
            for arm in _in_fair_order(blueprint.arms, run.seed, example.id, repetition)
            if (example.id, arm.id, repetition) not in finished
        ]
        trials = [
            _trial(
                blueprint,
                arm,
                example,
                repetition=repetition,
                number=tried.get((example.id, arm.id, repetition), 0) + 1,
                request_hash=request_hash,
            )
            for arm, example, repetition in wanted
        ]
        if use_cache and trials:
            trials = _with_cached(store, trials)
        if trials:
            yield trials
        after = examples[-1].position
        left = None if left is None else left - len(examples)
        if len(examples) < size:
            return


def _in_fair_order(arms: tuple[Arm, ...], seed: int, example_id: str, repetition: int) -> list[Arm]:
    """The arms, begun with another one from row to row, so that no variant is always the first to be asked."""
    draw = hashlib.blake2b(f"{seed}:{example_id}:{repetition}".encode(), digest_size=8).digest()
    start = int.from_bytes(draw, "big") % len(arms)
    return [*arms[start:], *arms[:start]]


def _trial(
    blueprint: Blueprint,
    arm: Arm,
    example: ExampleRecord,
    *,
    repetition: int,
    number: int,
    request_hash: RequestHash,
) -> Trial:
    try:
        request = blueprint.request(arm, example)
    except BakeoffError as problem:
        return Trial(arm, example, repetition, number, None, "", problem=problem)
    return Trial(arm, example, repetition, number, request, request_hash(request, repetition))


def _with_cached(store: Store, trials: list[Trial]) -> list[Trial]:
    hashes = [t.request_hash for t in trials if t.request is not None]
    with store.read() as tx:
        found = tx.runs.cached_outputs(hashes)
    if not found:
        return trials
    return [replace(trial, cached=found.get(trial.request_hash)) for trial in trials]
