"""Queries for reading answers side by side: at most a page of rows leaves the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sqlalchemy import CTE, ColumnElement, and_, case, func, literal, or_, select, true
from sqlmodel import Session, col

from experiments.vocabulary import OutputStatus
from storage import tables

PairFilter = Literal["all", "control", "treatment", "tie", "failed", "odd"]
FILTERS: tuple[PairFilter, ...] = get_args(PairFilter)


@dataclass(frozen=True, slots=True)
class PairQuery:
    """Which pairs of answers: of one run, control against one treatment, by one metric, in one slice."""

    run_id: str
    control_id: str
    treatment_id: str
    metric: str | None
    fingerprint: str | None
    higher_is_better: bool = True
    slice_column: str | None = None
    slice_value: str | None = None


@dataclass(frozen=True, slots=True)
class PairRow:
    """One row of the test set with the mean scores of both variants; ``gap`` is treatment minus control.

    ``odd`` counts answers that are none in the usual sense: empty, cut, filtered, refused, broken JSON.
    """

    example_id: str
    position: int
    cells: dict[str, str | None]
    control_value: float | None
    treatment_value: float | None
    gap: float | None
    control_failed: int
    treatment_failed: int
    odd: int


class Answers:
    """Pairs of answers of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def pairs(
        self, query: PairQuery, which: PairFilter, *, limit: int, offset: int = 0
    ) -> tuple[list[PairRow], dict[str, int]]:
        """(a page of pairs, how many pairs each filter holds): largest gap first, then the order of the test set.

        Both come from one pass over the outputs: that pass is what costs on a large run.
        """
        pair = _pairs(query)
        wanted = _condition(which, pair, query.higher_is_better)
        example = tables.ExampleRow
        # NULLs sort differently on the two databases, so the missing gap is made the smallest by hand.
        order = func.coalesce(func.abs(pair.c.gap), -1.0)
        page = (
            select(pair, col(example.position), col(example.cells), order.label("by"))
            .join(example, col(example.id) == pair.c.example_id)
            .where(wanted)
            .order_by(order.desc(), col(example.position))
            .limit(limit)
            .offset(offset)
            .subquery()
        )
        flags = {name: _condition(name, pair, query.higher_is_better) for name in FILTERS}
        summed = [func.sum(case((flag, 1), else_=0)).label(f"n_{name}") for name, flag in flags.items()]
        counted = select(*summed).select_from(pair).subquery()
        statement = (
            select(counted, page)
            .select_from(counted.outerjoin(page, literal(True)))
            .order_by(page.c.by.desc(), page.c.position)
        )
        found = [row._mapping for row in self._session.execute(statement)]
        names = [f.name for f in fields(PairRow)]
        rows = [PairRow(**{name: row[name] for name in names}) for row in found if row["example_id"] is not None]
        return rows, {name: int(found[0][f"n_{name}"] or 0) for name in FILTERS}

    def outputs_of(self, run_id: str, example_id: str) -> list[dict[str, Any]]:
        """All final results of one row of the test set, each with its scores under ``scores``."""
        found = self._session.execute(
            select(tables.Output)
            .where(col(tables.Output.run_id) == run_id, col(tables.Output.example_id) == example_id)
            .order_by(col(tables.Output.variant_id), col(tables.Output.repetition))
        ).scalars()
        outputs = [{**row.model_dump(), "scores": []} for row in found]
        by_id = {o["id"]: o for o in outputs}
        scores = self._session.execute(
            select(tables.ScoreRow).where(col(tables.ScoreRow.output_id).in_(list(by_id)))
        ).scalars()
        for score in scores:
            by_id[score.output_id]["scores"].append(score.model_dump())
        return outputs


def _pairs(query: PairQuery) -> CTE:
    """One row per example that both variants were asked, with the means of each over its repetitions."""
    output, score, example = tables.Output, tables.ScoreRow, tables.ExampleRow
    odd = col(output.response_class).in_(["content_filter", "empty", "cut_at_length", "bad_json", "refusal"])
    failed = col(output.status) == OutputStatus.FAILED
    is_control = col(output.variant_id) == query.control_id
    is_treatment = col(output.variant_id) == query.treatment_id
    control = func.avg(case((is_control, score.value)))
    treatment = func.avg(case((is_treatment, score.value)))
    statement = (
        select(
            col(output.example_id).label("example_id"),
            control.label("control_value"),
            treatment.label("treatment_value"),
            (treatment - control).label("gap"),
            func.sum(case((and_(is_control, failed), 1), else_=0)).label("control_failed"),
            func.sum(case((and_(is_treatment, failed), 1), else_=0)).label("treatment_failed"),
            func.sum(case((odd, 1), else_=0)).label("odd"),
        )
        .outerjoin(
            score,
            and_(
                col(score.output_id) == col(output.id),
                col(score.metric) == query.metric,
                col(score.fingerprint) == query.fingerprint,
            ),
        )
        .where(col(output.run_id) == query.run_id, or_(is_control, is_treatment))
        .group_by(col(output.example_id))
        .having(and_(func.max(case((is_control, 1), else_=0)) == 1, func.max(case((is_treatment, 1), else_=0)) == 1))
    )
    if query.slice_column is not None:
        cell = col(example.cells)[query.slice_column].as_string()
        wanted = or_(cell.is_(None), cell == "") if query.slice_value == "(empty)" else cell == query.slice_value
        statement = statement.join(example, col(example.id) == col(output.example_id)).where(wanted)
    return statement.cte("pair")


def _condition(which: PairFilter, pair: CTE, higher_is_better: bool) -> ColumnElement[bool]:
    gap = pair.c.gap
    conditions: dict[PairFilter, ColumnElement[bool]] = {
        "all": true(),
        "treatment": gap > 0 if higher_is_better else gap < 0,
        "control": gap < 0 if higher_is_better else gap > 0,
        "tie": gap == 0,
        "failed": pair.c.control_failed + pair.c.treatment_failed > 0,
        "odd": pair.c.odd > 0,
    }
    return conditions[which]
