"""Queries about experiments, their variants and the scorers they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from experiments.vocabulary import ExperimentState, new_id
from storage import tables
from storage.records import ExperimentRecord, ScorerUseRecord, VariantRecord, to_record


class Experiments:
    """Experiments of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_name(self, name: str) -> ExperimentRecord | None:
        """The experiment of that name, or None."""
        row = self._session.exec(select(tables.Experiment).where(tables.Experiment.name == name)).first()
        return to_record(ExperimentRecord, row) if row else None

    def get(self, experiment_id: str) -> ExperimentRecord:
        """The experiment of that id."""
        return to_record(ExperimentRecord, self._session.get_one(tables.Experiment, experiment_id))

    def all(self, *, archived: bool = False) -> list[ExperimentRecord]:
        """All experiments, newest first; archived ones only when asked for."""
        query = select(tables.Experiment)
        if not archived:
            query = query.where(col(tables.Experiment.archived_at).is_(None))
        query = query.order_by(col(tables.Experiment.created_at).desc())
        return [to_record(ExperimentRecord, row) for row in self._session.exec(query)]

    def add(self, values: Mapping[str, Any]) -> ExperimentRecord:
        """A new experiment from the columns given (an id is made)."""
        row = tables.Experiment(id=new_id(), **values)
        self._session.add(row)
        self._session.flush()
        return to_record(ExperimentRecord, row)

    def move(self, experiment_id: str, *, to: ExperimentState, expected: set[ExperimentState]) -> bool:
        """Change the state if it is still one of ``expected``; False when it is not."""
        changed = self._session.execute(
            update(tables.Experiment)
            .where(col(tables.Experiment.id) == experiment_id, col(tables.Experiment.state).in_(expected))
            .values(state=to)
        )
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]

    def change(self, experiment_id: str, **values: Any) -> ExperimentRecord:  # noqa: ANN401
        """Set columns of an experiment."""
        row = self._session.get_one(tables.Experiment, experiment_id)
        for name, value in values.items():
            setattr(row, name, value)
        self._session.flush()
        return to_record(ExperimentRecord, row)

    def remove_draft(self, experiment_id: str) -> None:
        """Delete an experiment that has never run, with its variants and scorers."""
        for kind in (tables.ScorerUse, tables.Variant):
            for row in self._session.exec(select(kind).where(col(kind.experiment_id) == experiment_id)):
                self._session.delete(row)
        self._session.flush()
        self._session.delete(self._session.get_one(tables.Experiment, experiment_id))
        self._session.flush()

    def add_variant(
        self, experiment_id: str, *, position: int, name: str, model: str, prompt_version_id: str | None
    ) -> VariantRecord:
        """A new arm."""
        row = tables.Variant(
            id=new_id(),
            experiment_id=experiment_id,
            position=position,
            name=name,
            model=model,
            prompt_version_id=prompt_version_id,
        )
        self._session.add(row)
        self._session.flush()
        return to_record(VariantRecord, row)

    def variants(self, experiment_id: str) -> list[VariantRecord]:
        """The arms, control first."""
        query = (
            select(tables.Variant)
            .where(tables.Variant.experiment_id == experiment_id)
            .order_by(tables.Variant.position)  # type: ignore[arg-type]
        )
        return [to_record(VariantRecord, row) for row in self._session.exec(query)]

    def add_scorer(self, experiment_id: str, values: Mapping[str, Any], *, at: datetime) -> ScorerUseRecord:
        """A scorer in use; an older version under the same metric goes out of use."""
        self._session.execute(
            update(tables.ScorerUse)
            .where(
                col(tables.ScorerUse.experiment_id) == experiment_id,
                col(tables.ScorerUse.metric) == values["metric"],
            )
            .values(active=False)
        )
        known = self._session.exec(
            select(tables.ScorerUse).where(
                tables.ScorerUse.experiment_id == experiment_id,
                tables.ScorerUse.metric == values["metric"],
                tables.ScorerUse.fingerprint == values["fingerprint"],
            )
        ).first()
        if known is not None:
            self._session.refresh(known)
            known.active = True
            self._session.flush()
            return to_record(ScorerUseRecord, known)
        position = len(self.scorers(experiment_id, active_only=False))
        row = tables.ScorerUse(id=new_id(), experiment_id=experiment_id, position=position, created_at=at, **values)
        self._session.add(row)
        self._session.flush()
        return to_record(ScorerUseRecord, row)

    def variant_names(self, experiment_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Names of the arms of each experiment, control first."""
        query = (
            select(tables.Variant.experiment_id, tables.Variant.name)
            .where(col(tables.Variant.experiment_id).in_(experiment_ids))
            .order_by(col(tables.Variant.position))
        )
        names: dict[str, tuple[str, ...]] = {}
        for experiment_id, name in self._session.exec(query):
            names[experiment_id] = (*names.get(experiment_id, ()), name)
        return names

    def scorers(self, experiment_id: str, *, active_only: bool = True) -> list[ScorerUseRecord]:
        """The scorers of an experiment in the order they were added."""
        query = select(tables.ScorerUse).where(tables.ScorerUse.experiment_id == experiment_id)
        if active_only:
            query = query.where(col(tables.ScorerUse.active).is_(True))
        query = query.order_by(tables.ScorerUse.position)  # type: ignore[arg-type]
        return [to_record(ScorerUseRecord, row) for row in self._session.exec(query)]

    def uses_of(self, fingerprint: str, *, scorer: str) -> list[tuple[str, str, Any]]:
        """(experiment, metric, entry) of every use of one version of a scorer, in whatever experiment."""
        use = tables.ScorerUse
        query = select(use.experiment_id, use.metric, use.entry).where(
            use.fingerprint == fingerprint, use.scorer == scorer
        )
        return [(experiment, metric, entry) for experiment, metric, entry in self._session.exec(query)]

    def of_prompt(self, prompt_id: str) -> list[ExperimentRecord]:
        """Experiments whose winner goes to this prompt, newest first."""
        query = (
            select(tables.Experiment)
            .where(tables.Experiment.prompt_id == prompt_id)
            .order_by(col(tables.Experiment.created_at).desc())
        )
        return [to_record(ExperimentRecord, row) for row in self._session.exec(query)]
