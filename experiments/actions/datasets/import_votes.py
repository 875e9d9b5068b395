"""Recorded votes → a closed rating session of the experiment that the same file made: they count like our own."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from experiments.datasets.recorded_votes import RecordedVote
from experiments.loading.rating.sessions import hash_of
from experiments.ratings.questions import PAIR_CHOICES, counted
from experiments.ratings.session_file import Exclusion, SessionSpec
from experiments.vocabulary import Actor, QuestionKind, TaskState, new_id
from storage import imports
from storage.records import RunRecord
from storage.store import Transaction

Pair = tuple[str, str, str]
"""(question, variant whose side counts, the other): the earlier variant of the experiment comes first."""


def insert_votes(
    tx: Transaction,
    run: RunRecord,
    votes: Sequence[RecordedVote],
    outputs: Mapping[tuple[str, str], tuple[str, str]],
    variants: Sequence[str],
    *,
    actor: Actor,
) -> None:
    """Store the votes as a session that nobody can join.

    ``outputs``: (question, variant) → (example id, output id). Raters keep their names, in their order in the file.
    """
    now = tx.clock()
    raters = list(dict.fromkeys(vote.rater for vote in votes))
    pairs = [_pair(vote, variants) for vote in votes]
    wanted = Counter(pairs)
    spec = SessionSpec(leaks="keep", repeats=0, exclusion=Exclusion(gold_below=None), raters=min(len(raters), 500))
    session = tx.ratings.add(
        {
            "experiment_id": run.experiment_id,
            "run_id": run.id,
            "metric": spec.metric_name(),
            "kind": QuestionKind.PAIRWISE.value,
            "spec": spec.model_dump(mode="json"),
            "seed": 0,
            "items": len(wanted),
            "seconds_per_item": 0.0,
            "left_out": {},
            "opened_by": actor.name,
            "opened_at": now,
            "last_vote_at": now,
            "closed_by": actor.name,
            "closed_at": now,
        },
        [_item(pair, outputs, number) for pair, number in wanted.items()],
    )
    item_ids = dict(zip(wanted, (item.id for item in tx.rating_tasks.items(session.id)), strict=True))
    link = tx.ratings.add_link(
        session.id,
        token_hash=hash_of(secrets.token_urlsafe(32)),
        most_raters=len(raters),
        actor=actor.name,
        at=now,
        expires_at=now,
    )
    tx.ratings.revoke_links(session.id, now)
    people = {name: _rater(name, number, session.id, link.id, now) for number, name in enumerate(raters, start=1)}
    tasks = [
        _task(vote, pair, session.id, item_ids[pair], people[vote.rater]["id"], sequence, now)
        for sequence, (vote, pair) in enumerate(zip(votes, pairs, strict=True), start=1)
    ]
    imports.insert_votes(tx, list(people.values()), tasks)


def _pair(vote: RecordedVote, variants: Sequence[str]) -> Pair:
    first, second = sorted((vote.left, vote.right), key=variants.index)
    return (vote.question, first, second)


def _item(pair: Pair, outputs: Mapping[tuple[str, str], tuple[str, str]], wanted: int) -> dict[str, Any]:
    question, first, second = pair
    example_id, first_output_id = outputs[question, first]
    return {
        "example_id": example_id,
        "first_output_id": first_output_id,
        "second_output_id": outputs[question, second][1],
        "wanted": wanted,
        "probability": 1.0,
        "stratum": "",
        "gold": False,
        "texts": None,
        "expected": None,
    }


def _rater(name: str, number: int, session_id: str, link_id: str, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "session_id": session_id,
        "link_id": link_id,
        "secret_hash": hash_of(secrets.token_urlsafe(32)),
        "key": new_id(),
        "number": number,
        "name": name,
        "opened_at": at,
        "joined_at": at,
        "seen_at": at,
    }


def _task(  # noqa: PLR0917
    vote: RecordedVote, pair: Pair, session_id: str, item_id: str, rater_id: str, sequence: int, at: datetime
) -> dict[str, Any]:
    swapped = vote.left != pair[1]
    return {
        "id": new_id(),
        "session_id": session_id,
        "item_id": item_id,
        "rater_id": rater_id,
        "repeat": False,
        "sequence": sequence,
        "swapped": swapped,
        "state": TaskState.RATED.value,
        "leased_at": at,
        "lease_until": at,
        "decided_at": at,
        "decision": sequence,
        "choice": vote.choice,
        "value": counted(PAIR_CHOICES, vote.choice, swapped=swapped),
        "reasons": None,
        "comment": "",
        "milliseconds": None,
        "undone": 0,
    }
