"""Votes of rating sessions → rows for the analysis table, and what an analysis must know of how they came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.loading.rating.sessions import rater_name, session_is_over, spec_of
from experiments.ratings.drawing import is_uneven
from experiments.ratings.quality import RaterJudgement, RaterQuality, excluded_raters, rater_qualities
from experiments.ratings.questions import LEFT, RIGHT
from experiments.ratings.session_file import SessionSpec
from experiments.ratings.vetoes import SideVote, gold_problem, side_problem
from experiments.vocabulary import QuestionKind, TaskState
from experiments.wording import count, metric_name
from storage.records import RatingSessionRecord
from storage.store import Transaction

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("output_id", "metric", "rater_id", "value", "opponent")


@dataclass(frozen=True)
class SessionVotes:
    """One session with all its decisions (rows of ``RatingTasks.decided``) and its raters in numbers."""

    session: RatingSessionRecord
    spec: SessionSpec
    over: bool
    decisions: tuple[dict[str, Any], ...]
    qualities: Mapping[int, RaterQuality]

    @property
    def excluded(self) -> frozenset[int]:
        """Numbers of the raters left out by the rule."""
        return excluded_raters(self.qualities)

    def evidence(self, *, with_excluded: bool = False) -> list[dict[str, Any]]:
        """The decisions that count: ratings, without checks and without raters left out."""
        return [
            d
            for d in self.decisions
            if d["state"] == TaskState.RATED
            and not d["gold"]
            and not d["repeat"]
            and (with_excluded or d["number"] not in self.excluded)
        ]


@dataclass(frozen=True)
class RatingEvidence:
    """What sessions add to an experiment's evidence.

    ``rows`` holds ``COLUMNS``; ``facts`` are (check, status, message) for the health of an analysis; ``planned_rows``
    says for each rated metric how many rows of the test set will have ratings.
    """

    rows: pd.DataFrame
    facts: tuple[tuple[str, str, str], ...]
    planned_rows: Mapping[str, int]


def session_votes(tx: Transaction, session: RatingSessionRecord) -> SessionVotes:
    """A session with its decisions."""
    spec = spec_of(session)
    decisions = tuple(tx.rating_tasks.decided(session.id))
    qualities = rater_qualities(map(judgement_of, decisions), spec.kind, spec.exclusion)
    return SessionVotes(session, spec, session_is_over(tx, session, tx.clock()), decisions, qualities)


def raters_left_out(tx: Transaction, experiment_id: str, metric: str) -> frozenset[str]:
    """Ids of the raters who rated this metric and whom their session's rule leaves out."""
    mine = [session_votes(tx, session) for session in tx.ratings.all(experiment_id) if session.metric == metric]
    return frozenset(d["rater_id"] for votes in mine for d in votes.decisions if d["number"] in votes.excluded)


def judgement_of(decision: Mapping[str, Any]) -> RaterJudgement:
    """A decision as the quality of raters sees it."""
    return RaterJudgement(
        rater=decision["number"],
        item_id=decision["item_id"],
        state=decision["state"],
        choice=decision["choice"],
        value=decision["value"],
        swapped=decision["swapped"],
        repeat=decision["repeat"],
        gold=decision["gold"],
        expected=decision["expected"],
        milliseconds=decision["milliseconds"],
        at=decision["decided_at"],
    )


def rating_evidence(tx: Transaction, experiment_id: str, run_id: str, deciding: Iterable[str]) -> RatingEvidence:
    """The votes of all sessions over one run.

    A metric that is ``deciding`` (primary or guardrail of the plan) counts an item only once all its raters were heard,
    or the session is over: what the plan reads once must not be read while half of it is there.
    """
    import pandas as pd

    deciding = frozenset(deciding)
    rows: list[tuple[Any, ...]] = []
    facts: list[tuple[str, str, str]] = []
    planned: Counter[str] = Counter()
    waiting: dict[str, str] = {}
    for session in reversed(tx.ratings.all(experiment_id)):
        if session.run_id != run_id:
            continue
        votes = session_votes(tx, session)
        counted = votes.evidence()
        wanted = {item.id: item.wanted for item in tx.rating_tasks.items(session.id) if not item.gold}
        if session.metric in deciding and not votes.over:
            heard = Counter(d["item_id"] for d in votes.evidence(with_excluded=True))
            counted = [d for d in counted if heard[d["item_id"]] >= wanted[d["item_id"]]]
        rows += _rows(tx, votes, counted)
        facts += _vetoes(tx, votes, deciding=session.metric in deciding)
        facts += _facts(votes, wanted)
        if session.metric in deciding and not counted:
            waiting[session.metric] = _none_counts(votes)
        rated_rows = {d["example_id"] for d in counted}
        planned[session.metric] += len(rated_rows) if votes.over else _examples(tx, session)
    told = {row[1] for row in rows}
    facts += [("ratings", "fail", message) for metric, message in waiting.items() if metric not in told]
    return RatingEvidence(pd.DataFrame(rows, columns=list(COLUMNS)), tuple(facts), dict(planned))


def _none_counts(votes: SessionVotes) -> str:
    """Why a session that decides has given nothing to decide on."""
    came, metric = len(votes.evidence(with_excluded=True)), metric_name(votes.session.metric)
    if not votes.over:
        told = (
            "no rating of it is in yet" if not came else f"{count(came, 'rating')} in, no item has all its raters yet"
        )
        return f"People decide on {metric}: {told}. Share the link of the session."
    left_out = f" ({count(len(votes.excluded), 'rater')} left out by the rule)" if votes.excluded else ""
    told = f"{count(came, 'rating')} came, and none counts{left_out}" if came else "nobody rated"
    return f"People decide on {metric}, and their session is over: {told}. Open another session."


def _examples(tx: Transaction, session: RatingSessionRecord) -> int:
    return len({item.example_id for item in tx.rating_tasks.items(session.id) if not item.gold})


def _rows(tx: Transaction, votes: SessionVotes, counted: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    opponents = tx.rating_tasks.variants_of_items(votes.session.id, second=True)
    return [
        (
            d["first_output_id"],
            votes.session.metric,
            rater_name(votes.session, d["number"]),
            d["value"],
            opponents.get(d["item_id"]),
        )
        for d in counted
    ]


def _vetoes(tx: Transaction, votes: SessionVotes, *, deciding: bool) -> list[tuple[str, str, str]]:
    """What makes the votes unfit to decide on: it blocks where they decide, else it is a warning."""
    problems = {
        "known_answers": gold_problem(votes.qualities, votes.spec.exclusion),
        "sides": side_problem(_side_votes(tx, votes)),
    }
    status, metric = "fail" if deciding else "warn", metric_name(votes.session.metric)
    return [(check, status, f"Ratings of {metric}: {told}") for check, told in problems.items() if told is not None]


def _side_votes(tx: Transaction, votes: SessionVotes) -> list[SideVote]:
    if votes.spec.kind is not QuestionKind.PAIRWISE:
        return []
    first, second = (tx.rating_tasks.variants_of_items(votes.session.id, second=side) for side in (False, True))
    found = []
    for d in votes.evidence():
        if d["choice"] in (LEFT, RIGHT):
            shown = first[d["item_id"]], second[d["item_id"]]
            left, right = reversed(shown) if d["swapped"] else shown
            found.append(SideVote(left, right, chose_left=d["choice"] == LEFT))
    return found


def _facts(votes: SessionVotes, wanted: Mapping[str, int]) -> list[tuple[str, str, str]]:
    facts = []
    metric = metric_name(votes.session.metric)
    if votes.excluded:
        told = "; ".join(votes.qualities[number].excluded for number in sorted(votes.excluded))
        who = count(len(votes.excluded), "rater was", "raters were")
        facts.append(("raters_left_out", "warn", f"{who} left out of {metric} by the rule set beforehand ({told})."))
    missing = sum(wanted.values()) - len(votes.evidence(with_excluded=True))
    if missing > 0:
        told = "will not come: the session is over" if votes.over else "are still to come"
        facts.append(("ratings_missing", "warn", f"{count(missing, 'rating')} of {metric} {told}."))
    if is_uneven([d["probability"] for d in votes.evidence()]):
        message = (
            f"The rows rated for {metric} were picked where the variants differ: over all rows the difference is "
            "smaller. The rating report weights it back."
        )
        facts.append(("rated_rows", "warn", message))
    return facts
