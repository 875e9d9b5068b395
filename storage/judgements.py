"""Queries for judges: which outputs they have not judged, which calls were answered before, how far they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, exists, func, select
from sqlmodel import Session

from experiments.vocabulary import AttemptState, OutputStatus, Purpose
from storage.records import ExampleRecord, to_record
from storage.tables import Attempt, ExampleRow, JudgementRow, Output, ScoreRow, table_of

OUTPUT, SCORE, ATTEMPT, JUDGEMENT = (table_of(kind).c for kind in (Output, ScoreRow, Attempt, JudgementRow))
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Unjudged:
    """An answer without a score of some judge: its columns, its row, and the control's answer to the same row."""

    output: dict[str, Any]
    example: ExampleRecord
    control: dict[str, Any] | None


class Judgements:
    """Judgements of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def unjudged(
        self, run_id: str, *, metric: str, fingerprint: str, control_id: str, pairs: bool, after: str, limit: int
    ) -> list[Unjudged]:
        """Answers of a run that this judge has no score for, by id after ``after``; for ``pairs`` no control's own."""
        conditions = [
            OUTPUT.run_id == run_id,
            OUTPUT.status == OutputStatus.OK,
            OUTPUT.id > after,
            ~_scored(metric, fingerprint),
        ]
        if pairs:
            conditions.append(OUTPUT.variant_id != control_id)
        query = select(Output).where(*conditions).order_by(OUTPUT.id).limit(limit)
        found = [row.model_dump() for row in self._session.execute(query).scalars()]
        examples = self._examples({o["example_id"] for o in found})
        controls = self._controls(run_id, control_id, found) if pairs else {}
        return [Unjudged(o, examples[o["example_id"]], controls.get((o["example_id"], o["repetition"]))) for o in found]

    def answer(self, output_id: str, *, control_id: str) -> Unjudged | None:
        """One answer with its row and the control's answer to it, or None when there is no such answer."""
        query = select(Output).where(OUTPUT.id == output_id, OUTPUT.status == OutputStatus.OK)
        row = self._session.execute(query).scalars().first()
        if row is None:
            return None
        output = row.model_dump()
        control = None
        if output["variant_id"] != control_id:
            found = self._controls(output["run_id"], control_id, [output])
            control = found.get((output["example_id"], output["repetition"]))
        return Unjudged(output, self._examples({output["example_id"]})[output["example_id"]], control)

    def spread_answers(self, run_id: str, *, limit: int) -> list[Unjudged]:
        """Answers of a run spread evenly over it."""
        count = select(func.count()).select_from(table_of(Output))
        where = (OUTPUT.run_id == run_id, OUTPUT.status == OutputStatus.OK)
        total = int(self._session.execute(count.where(*where)).scalar_one())
        number = func.row_number().over(order_by=OUTPUT.id) - 1
        numbered = select(OUTPUT.id, number.label("number")).where(*where).subquery()
        step = max(1, total // limit)
        step -= step > 1 and step % 2 == 0  # variants are stored in turn: an even step would meet one of two only
        query = (
            select(Output)
            .join(numbered, numbered.c.id == OUTPUT.id)
            .where(numbered.c.number % step == 0)
            .order_by(OUTPUT.id)
            .limit(limit)
        )
        found = [row.model_dump() for row in self._session.execute(query).scalars()]
        examples = self._examples({o["example_id"] for o in found})
        return [Unjudged(o, examples[o["example_id"]], None) for o in found]

    def progress(
        self, run_id: str, judges: Sequence[tuple[str, str, bool]], control_id: str
    ) -> list[tuple[str, int, int]]:
        """(metric, outputs judged, answers to be judged) for each (metric, fingerprint, whether it judges pairs)."""
        of_variant = (
            select(OUTPUT.variant_id, func.count())
            .where(OUTPUT.run_id == run_id, OUTPUT.status == OutputStatus.OK)
            .group_by(OUTPUT.variant_id)
        )
        answers = {str(variant): int(count) for variant, count in self._session.execute(of_variant)}
        found = []
        for metric, fingerprint, pairs in judges:
            scored = (
                select(func.count())
                .select_from(table_of(ScoreRow))
                .join(table_of(Output), OUTPUT.id == SCORE.output_id)
                .where(OUTPUT.run_id == run_id, SCORE.metric == metric, SCORE.fingerprint == fingerprint)
            )
            wanted = sum(n for variant, n in answers.items() if not pairs or variant != control_id)
            found.append((metric, int(self._session.execute(scored).scalar_one()), wanted))
        return found

    def answered(self, request_hashes: Collection[str], *, run_id: str | None) -> dict[str, str]:
        """Texts of earlier judgements by the hash of their request; only those of ``run_id`` when it is given."""
        found: dict[str, str] = {}
        wanted = list(request_hashes)
        for start in range(0, len(wanted), _BATCH):
            query = select(JUDGEMENT.request_hash, JUDGEMENT.text).where(
                JUDGEMENT.request_hash.in_(wanted[start : start + _BATCH])
            )
            if run_id is not None:
                query = query.where(JUDGEMENT.run_id == run_id)
            found |= {str(request_hash): str(text) for request_hash, text in self._session.execute(query)}
        return found

    def spent(self, run_id: str) -> float:
        """US dollars that the judges of a run have cost, calls that are out included with their estimate."""
        settled, estimated = (func.coalesce(c, 0.0) for c in (ATTEMPT.cost_usd, ATTEMPT.estimated_cost_usd))
        query = select(func.sum(case((ATTEMPT.state == AttemptState.SENDING, estimated), else_=settled))).where(
            ATTEMPT.run_id == run_id, ATTEMPT.purpose == Purpose.JUDGE
        )
        return float(self._session.execute(query).scalar_one() or 0.0)

    def mean_tokens(self, run_id: str) -> dict[str, tuple[int, float]]:
        """Model → (judgements of this run, their mean length in tokens)."""
        query = (
            select(JUDGEMENT.model, func.count(), func.avg(JUDGEMENT.completion_tokens))
            .where(JUDGEMENT.run_id == run_id, JUDGEMENT.completion_tokens.is_not(None))
            .group_by(JUDGEMENT.model)
        )
        return {str(model): (int(count), float(mean)) for model, count, mean in self._session.execute(query)}

    def forget_unjudged(self, run_id: str, fingerprints: Collection[str]) -> int:
        """Take back scores without a value of these judges, so that those cases are asked again; how many."""
        outputs = select(OUTPUT.id).where(OUTPUT.run_id == run_id)
        done = self._session.execute(
            delete(ScoreRow)
            .where(SCORE.output_id.in_(outputs), SCORE.fingerprint.in_(list(fingerprints)), SCORE.value.is_(None))
            .execution_options(synchronize_session=False)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]

    def _examples(self, ids: set[str]) -> dict[str, ExampleRecord]:
        query = select(ExampleRow).where(table_of(ExampleRow).c.id.in_(ids))
        return {row.id: to_record(ExampleRecord, row) for row in self._session.execute(query).scalars()}

    def _controls(
        self, run_id: str, control_id: str, outputs: Sequence[dict[str, Any]]
    ) -> dict[tuple[str, int], dict[str, Any]]:
        query = select(Output).where(
            OUTPUT.run_id == run_id,
            OUTPUT.variant_id == control_id,
            OUTPUT.status == OutputStatus.OK,
            OUTPUT.example_id.in_({o["example_id"] for o in outputs}),
        )
        return {(row.example_id, row.repetition): row.model_dump() for row in self._session.execute(query).scalars()}


def _scored(metric: str, fingerprint: str) -> ColumnElement[bool]:
    return exists().where(SCORE.output_id == OUTPUT.id, SCORE.metric == metric, SCORE.fingerprint == fingerprint)
