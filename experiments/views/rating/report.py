"""One rating session for its owner: raters, items, agreement, sides, and the result with and without those left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from experiments.loading.rating.evidence import SessionVotes, session_votes
from experiments.loading.rating.sessions import find_session
from experiments.loading.results.evidence_table import session_table, units_frame
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.ratings.quality import RaterQuality, rule_in_words
from experiments.ratings.questions import FIRST, SECOND, seen_from_first
from experiments.ratings.showing import visible_input
from experiments.ratings.words import agreement_sentence, position_sentence
from experiments.views.rating.results import SessionResult, rated_analysis, session_result
from experiments.views.rating.sessions import SessionSummary, summary_of
from experiments.vocabulary import TaskState
from storage.records import RaterRecord, RatingItemRecord
from storage.store import Store, Transaction

if TYPE_CHECKING:
    import pandas as pd

    from experiments.results.analysis import Analysis

ITEMS_PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class RaterLine:
    """One rater. Shares are None where there is nothing to count; ``excluded_why`` is empty for those who count."""

    label: str
    done: int
    skipped: int
    reported: int
    median_s: float | None
    left_share: float | None
    side_votes: int
    gold_right: int
    gold_seen: int
    repeats_same: int
    repeats_seen: int
    longest_same_run: int
    last_at: datetime | None
    flags: tuple[str, ...]
    excluded: bool
    excluded_why: str


@dataclass(frozen=True, slots=True)
class GwetView:
    """Gwet's AC1 or AC2 with its limits."""

    name: str
    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class AgreementView:
    """How far raters agree; numbers are None where ``sentence`` says why."""

    alpha: float | None
    lower: float | None
    upper: float | None
    raw: float | None
    level: str
    raters: int
    items: int
    sentence: str
    gwet: GwetView | None = None


@dataclass(frozen=True, slots=True)
class PositionView:
    """Votes for the left side among the votes for a side, of all raters."""

    left: int
    votes: int
    share: float | None
    lower: float | None
    upper: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class SessionReport:
    """Everything the owner reads of a session. ``items_by_ratings`` maps ratings so far to items.

    ``result`` leaves out raters by the rule, ``result_with_all`` does not; they are None as long as ``result_hidden``
    says why. ``skipped`` counts skips and reports by variant shown.
    """

    summary: SessionSummary
    raters: tuple[RaterLine, ...]
    items_by_ratings: Mapping[int, int]
    agreement: AgreementView
    agreement_with_all: AgreementView
    position: PositionView | None
    result: SessionResult | None
    result_with_all: SessionResult | None
    result_hidden: str
    rule: str
    skipped: Mapping[str, int]
    left_out: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = asdict(self)
        plain["summary"] = self.summary.to_json()
        for line in plain["raters"]:
            line["last_at"] = line["last_at"].isoformat() if line["last_at"] else None
        return plain


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item: its row, what stands above the answers, the answers by variant, and what was said of it by whom.

    ``said`` is told by variant: the name of the better one, ``both_good``, ``both_bad``, or the grade.
    """

    unit_id: str
    prompt_text: str
    ratings: int
    wanted: int
    gold: bool
    answers: tuple[tuple[str, str], ...]
    said: tuple[tuple[str, str], ...]
    comments: tuple[str, ...]


def session_report(store: Store, session_id: str) -> SessionReport:
    """The report of a session as it stands. Raises NotFound."""
    with store.read() as tx:
        session = find_session(tx, session_id)
        votes = session_votes(tx, session)
        summary = summary_of(tx, session, store.clock())
        blueprint = load_blueprint(tx, tx.experiments.get(session.experiment_id))
        found = [_result(session_table(tx, blueprint, votes, with_excluded=w), votes, blueprint) for w in (False, True)]
        raters = tx.ratings.raters(session.id)
        by_ratings = _items_by_ratings(tx, votes)
        skipped = _skipped(tx, votes)
    hidden = _hidden(votes, summary, blueprint.spec.plan.metric_names())
    return SessionReport(
        summary=summary,
        raters=_rater_lines(raters, votes),
        items_by_ratings=by_ratings,
        agreement=_agreement(found[0][0]),
        agreement_with_all=_agreement(found[1][0]),
        position=_position(votes.qualities.values()) if votes.spec.pairwise else None,
        result=None if hidden else found[0][1],
        result_with_all=None if hidden else found[1][1],
        result_hidden=hidden,
        rule=rule_in_words(votes.spec.exclusion),
        skipped=skipped,
        left_out=session.left_out,
    )


def session_items(store: Store, session_id: str, *, offset: int = 0) -> tuple[ItemLine, ...]:
    """A page of the session's items (25 of them), those with most ratings first. Raises NotFound."""
    with store.read() as tx:
        session = find_session(tx, session_id)
        votes = session_votes(tx, session)
        blueprint = load_blueprint(tx, tx.experiments.get(session.experiment_id))
        units = units_frame(tx, blueprint)
        names = dict(zip(units["example_id"], units["unit_id"], strict=True))
        said: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for decision in votes.decisions:
            if decision["state"] == TaskState.RATED and not decision["repeat"]:
                said[decision["item_id"]].append(decision)
        items = sorted(tx.rating_tasks.items(session.id), key=lambda item: (-len(said[item.id]), item.position))
        page = items[offset : offset + ITEMS_PER_PAGE]
        sides = [tx.rating_tasks.variants_of_items(session.id, second=second) for second in (False, True)]
        texts = tx.rating_tasks.texts_of_items([item.id for item in page])
        return tuple(_item_line(item, votes, said[item.id], names=names, sides=sides, texts=texts) for item in page)


def _item_line(
    item: RatingItemRecord,
    votes: SessionVotes,
    said: Sequence[Mapping[str, Any]],
    *,
    names: Mapping[str, str],
    sides: Sequence[Mapping[str, str]],
    texts: Mapping[str, tuple[Mapping[str, str | None], str | None, str | None]],
) -> ItemLine:
    cells, first, second = texts.get(item.id, ({}, None, None))
    by_hand = item.texts or {}
    variants = [sides[0].get(item.id, FIRST), sides[1].get(item.id, SECOND)]
    shown = [first if first is not None else by_hand.get(FIRST), second if second is not None else by_hand.get(SECOND)]
    told = {FIRST: variants[0], SECOND: variants[1]}
    return ItemLine(
        unit_id=names.get(item.example_id or "", ""),
        prompt_text=by_hand.get("prompt_text") or visible_input(cells, votes.spec.show or ()),
        ratings=len(said),
        wanted=item.wanted,
        gold=item.gold,
        answers=tuple((v, text) for v, text in zip(variants, shown, strict=True) if text is not None)[
            : 2 if votes.spec.pairwise else 1
        ],
        said=tuple((f"Rater {d['number']}", _said(d, votes, told)) for d in said),
        comments=tuple(d["comment"] for d in said if d["comment"]),
    )


def _said(decision: Mapping[str, Any], votes: SessionVotes, told: Mapping[str, str]) -> str:
    choice = decision["choice"] or ""
    if not votes.spec.pairwise:
        return choice
    seen = seen_from_first(choice, swapped=decision["swapped"])
    return told.get(seen, seen)


def _result(table: pd.DataFrame, votes: SessionVotes, blueprint: Blueprint) -> tuple[Analysis | None, SessionResult]:
    definition = votes.spec.definition()
    names = [arm.name for arm in blueprint.arms]
    analysis = rated_analysis(table, definition, control=names[0], variants=names, seed=votes.session.seed % 2**31)
    return analysis, session_result(table, analysis, definition.kind)


def _hidden(votes: SessionVotes, summary: SessionSummary, planned: Sequence[str]) -> str:
    """Why the result is not shown yet; empty when it may be."""
    if votes.session.metric in planned and not votes.over and summary.ratings < summary.ratings_wanted:
        return "The plan reads this once: the result is shown when all ratings are in, or when you close the session."
    return ""


def _rater_lines(raters: Sequence[RaterRecord], votes: SessionVotes) -> tuple[RaterLine, ...]:
    lines = []
    for rater in raters:
        found = votes.qualities.get(rater.number or 0)
        label = f"Rater {rater.number}" + (f" ({rater.name})" if rater.name else "")
        if found is None:
            lines.append(RaterLine(label=label, last_at=rater.seen_at, **_NOTHING))
            continue
        lines.append(
            RaterLine(
                label=label,
                done=found.done,
                skipped=found.skipped,
                reported=found.reported,
                median_s=found.median_s,
                left_share=found.left_share if votes.spec.pairwise else None,
                side_votes=found.side_votes,
                gold_right=found.gold_right,
                gold_seen=found.gold_seen,
                repeats_same=found.repeats_same,
                repeats_seen=found.repeats_seen,
                longest_same_run=found.longest_same_run,
                last_at=found.last_at or rater.seen_at,
                flags=found.flags,
                excluded=bool(found.excluded),
                excluded_why=found.excluded,
            )
        )
    return tuple(lines)


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("done", "skipped", "reported", "side_votes", "gold_right", "gold_seen"), 0),
    **dict.fromkeys(("repeats_same", "repeats_seen", "longest_same_run"), 0),
    **{"median_s": None, "left_share": None, "flags": (), "excluded": False, "excluded_why": ""},
}
"""A rater who has looked and not decided on anything."""


def _items_by_ratings(tx: Transaction, votes: SessionVotes) -> dict[int, int]:
    heard = Counter(d["item_id"] for d in votes.evidence(with_excluded=True))
    items = [item.id for item in tx.rating_tasks.items(votes.session.id) if not item.gold]
    return dict(sorted(Counter(heard[item_id] for item_id in items).items()))


def _skipped(tx: Transaction, votes: SessionVotes) -> dict[str, int]:
    sides = [tx.rating_tasks.variants_of_items(votes.session.id, second=second) for second in (False, True)]
    passed = [d["item_id"] for d in votes.decisions if d["state"] in (TaskState.SKIPPED, TaskState.REPORTED)]
    counted = Counter(side[item_id] for item_id in passed for side in sides if item_id in side)
    return dict(sorted(counted.items()))


def _agreement(analysis: Analysis | None) -> AgreementView:
    found = analysis.agreement[0] if analysis is not None and analysis.agreement else None
    if found is None:
        return AgreementView(None, None, None, None, "", 0, 0, agreement_sentence(None, None, None, None))
    gwet = None
    if found.gwet is not None:
        value = found.gwet.value
        gwet = GwetView(found.gwet.name, value.estimate, value.lower, value.upper)
    numbers = (found.alpha, found.lower, found.upper, found.raw)
    sentence = agreement_sentence(*numbers, found.message, gwet=gwet.estimate if gwet else None)
    return AgreementView(*numbers, found.level, found.raters, found.items, sentence, gwet)


def _position(qualities: Iterable[RaterQuality]) -> PositionView:
    from experiments.stats.proportions import wilson

    counted = list(qualities)
    left, votes = sum(q.left_votes for q in counted), sum(q.side_votes for q in counted)
    if votes == 0:
        return PositionView(0, 0, None, None, None, position_sentence(0, 0, None, None))
    limits = wilson(left, votes)
    sentence = position_sentence(left, votes, limits.lower, limits.upper)
    return PositionView(left, votes, left / votes, limits.lower, limits.upper, sentence)
