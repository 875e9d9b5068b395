"""Queries about analyses, looks and decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, cast, func, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, select

from experiments.vocabulary import new_id
from storage import tables
from storage.records import AnalysisRecord, DecisionRecord, to_record


@dataclass(frozen=True, slots=True)
class DecidedVerdict:
    """The verdict behind a decision to serve a prompt version under a label: ``variant`` was chosen."""

    version_id: str
    variant: str
    label: str
    outcome: str
    winner: str | None


class Evidence:
    """Analyses, looks and decisions of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def newest_analysis(self, experiment_id: str) -> AnalysisRecord | None:
        """The newest analysis, or None."""
        row = self._session.exec(
            select(tables.AnalysisRow)
            .where(tables.AnalysisRow.experiment_id == experiment_id)
            .order_by(col(tables.AnalysisRow.number).desc())
            .limit(1)
        ).first()
        return to_record(AnalysisRecord, row) if row else None

    def newest_verdicts(self, experiment_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The verdict of the newest analysis of each experiment that has one; the rest of the result stays there."""
        analysis = tables.AnalysisRow
        newest = (
            select(analysis.experiment_id, func.max(analysis.number).label("number"))
            .where(col(analysis.experiment_id).in_(experiment_ids))
            .group_by(col(analysis.experiment_id))
            .subquery()
        )
        query = select(col(analysis.experiment_id), self._result()["verdict"]).join(
            newest,
            (col(analysis.experiment_id) == newest.c.experiment_id) & (col(analysis.number) == newest.c.number),
        )
        return dict(self._session.exec(query).all())

    def _result(self) -> ColumnElement[Any]:
        """The result of an analysis as the database can look into it."""
        result = col(tables.AnalysisRow.result)
        postgres = self._session.get_bind().dialect.name == "postgresql"
        return cast(result, JSONB) if postgres else type_coerce(result, JSON)

    def analysis(self, analysis_id: str) -> AnalysisRecord:
        """The analysis of that id."""
        return to_record(AnalysisRecord, self._session.get_one(tables.AnalysisRow, analysis_id))

    def analyses_over_time(self, experiment_id: str, *, most: int) -> list[AnalysisRecord]:
        """Analyses in the order they were made, at most so many, spread evenly; the newest is one of them."""
        analysis = tables.AnalysisRow
        mine = col(analysis.experiment_id) == experiment_id
        numbers = list(self._session.exec(select(analysis.number).where(mine).order_by(col(analysis.number).desc())))
        step = -(-len(numbers) // most) or 1
        query = select(analysis).where(mine, col(analysis.number).in_(numbers[::step]))
        return [to_record(AnalysisRecord, row) for row in self._session.exec(query.order_by(col(analysis.number)))]

    def add_analysis(self, experiment_id: str, values: Mapping[str, Any]) -> AnalysisRecord:
        """A new analysis, numbered after the newest."""
        newest = self._session.exec(
            select(func.max(tables.AnalysisRow.number)).where(tables.AnalysisRow.experiment_id == experiment_id)
        ).one()
        row = tables.AnalysisRow(id=new_id(), experiment_id=experiment_id, number=(newest or 0) + 1, **values)
        self._session.add(row)
        self._session.flush()
        return to_record(AnalysisRecord, row)

    def add_look(self, experiment_id: str, detail: Mapping[str, Any], *, actor: str, at: datetime) -> bool:
        """Log that somebody saw results (``peeking.Look.to_json``); False when that person saw just these before."""
        newest = self._session.exec(
            select(tables.LookRow)
            .where(tables.LookRow.experiment_id == experiment_id, tables.LookRow.actor == actor)
            .order_by(col(tables.LookRow.at).desc())
            .limit(1)
        ).first()
        if newest is not None and newest.detail == detail:
            return False
        self._session.add(
            tables.LookRow(
                id=new_id(),
                experiment_id=experiment_id,
                n_units=detail["n_units"],
                n_values=detail["n_values"],
                detail=dict(detail),
                actor=actor,
                at=at,
            )
        )
        self._session.flush()
        return True

    def looks(self, experiment_id: str) -> list[dict[str, Any]]:
        """What was seen at each look, in order; looks at the same evidence by several people count once."""
        query = (
            select(tables.LookRow).where(tables.LookRow.experiment_id == experiment_id).order_by(col(tables.LookRow.at))
        )
        seen: dict[tuple[int, int], dict[str, Any]] = {}
        for row in self._session.exec(query):
            seen.setdefault((row.n_units, row.n_values), row.detail)
        return list(seen.values())

    def add_decision(self, values: Mapping[str, Any]) -> DecisionRecord:
        """A new decision from the columns given."""
        row = tables.Decision(id=new_id(), **values)
        self._session.add(row)
        self._session.flush()
        return to_record(DecisionRecord, row)

    def decision(self, decision_id: str) -> DecisionRecord:
        """The decision of that id."""
        return to_record(DecisionRecord, self._session.get_one(tables.Decision, decision_id))

    def verdicts_of_versions(self, version_ids: Iterable[str]) -> list[DecidedVerdict]:
        """What each decision for one of these prompt versions stood on, oldest first, without the evidence itself."""
        decision, analysis, variant = tables.Decision, tables.AnalysisRow, tables.Variant
        query = (
            select(col(decision.prompt_version_id), variant.name, decision.label, self._result()["verdict"])
            .join(analysis, col(analysis.id) == col(decision.analysis_id))
            .join(variant, col(variant.id) == col(decision.variant_id))
            .where(col(decision.prompt_version_id).in_(list(version_ids)))
            .order_by(col(decision.created_at), col(decision.id))
        )
        return [
            DecidedVerdict(str(version), name, label, verdict["outcome"], verdict["winner"])
            for version, name, label, verdict in self._session.exec(query)
        ]

    def decisions(self, experiment_id: str | None = None, *, limit: int = 50) -> list[DecisionRecord]:
        """Decisions, newest first, of one experiment or of all."""
        query = select(tables.Decision)
        if experiment_id is not None:
            query = query.where(tables.Decision.experiment_id == experiment_id)
        query = query.order_by(col(tables.Decision.created_at).desc()).limit(limit)
        return [to_record(DecisionRecord, row) for row in self._session.exec(query)]
