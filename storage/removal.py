"""Delete whole prompts, test sets, experiments and checks with all that is of them, once nothing else needs them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, select
from sqlmodel import SQLModel, col

from experiments.vocabulary import SIMULATED_PREFIX
from storage import tables
from storage.live_tables import LiveSpend
from storage.rating_tables import (
    ITEM,
    LINK,
    RATER,
    SESSION,
    TASK,
    Rater,
    RatingItem,
    RatingLink,
    RatingSession,
    RatingTask,
)
from storage.store import Transaction


@dataclass(frozen=True, slots=True)
class Holdings:
    """The ids of prompts, test sets, experiments and quality checks that go together; the ``raters`` are theirs."""

    prompts: Collection[str]
    datasets: Collection[str]
    experiments: Collection[str]
    checks: Collection[str] = ()
    raters: Collection[str] = ()


def experiments_outside(tx: Transaction, held: Holdings) -> list[str]:
    """Names of the other experiments that stand on these test sets or prompts, sorted."""
    other = (
        select(col(tables.Experiment.name))
        .outerjoin(tables.Variant, col(tables.Variant.experiment_id) == col(tables.Experiment.id))
        .where(
            col(tables.Experiment.id).not_in(held.experiments),
            or_(
                col(tables.Experiment.dataset_version_id).in_(_dataset_versions(held)),
                col(tables.Experiment.prompt_id).in_(held.prompts),
                col(tables.Variant.prompt_version_id).in_(_prompt_versions(held)),
            ),
        )
        .distinct()
    )
    return sorted(tx.session.execute(other).scalars())


def written_by_others(tx: Transaction, held: Holdings, *, author: str) -> list[str]:
    """Names of the prompts, test sets and checks among these that have a version of somebody else, sorted."""
    prompts = (
        select(col(tables.Prompt.name))
        .join(tables.PromptVersion, col(tables.PromptVersion.prompt_id) == col(tables.Prompt.id))
        .where(col(tables.Prompt.id).in_(held.prompts), col(tables.PromptVersion.created_by) != author)
    )
    datasets = (
        select(col(tables.Dataset.name))
        .join(tables.DatasetVersion, col(tables.DatasetVersion.dataset_id) == col(tables.Dataset.id))
        .where(col(tables.Dataset.id).in_(held.datasets), col(tables.DatasetVersion.created_by) != author)
    )
    version = tables.QualityCheckVersion
    checks = (
        select(col(tables.QualityCheck.name))
        .join(version, col(version.check_id) == col(tables.QualityCheck.id))
        .where(col(tables.QualityCheck.id).in_(held.checks), col(version.created_by) != author)
    )
    return sorted({name for query in (prompts, datasets, checks) for name in tx.session.execute(query).scalars()})


def is_rated(tx: Transaction, held: Holdings) -> bool:
    """True when people other than the raters among these have rated answers of these experiments."""
    rating = select(tables.Rating).where(col(tables.Rating.experiment_id).in_(held.experiments)).limit(1)
    voted = tx.ratings.has_votes(list(held.experiments), besides=list(held.raters))
    return voted or tx.session.execute(rating).first() is not None


def remove(tx: Transaction, held: Holdings) -> int:
    """How many rows were deleted. The audit log keeps what it says of them.

    Raises:
        sqlalchemy.exc.IntegrityError: something else still refers to them (``Store.begin`` makes it a Conflict).
    """
    runs = select(col(tables.Run.id)).where(col(tables.Run.experiment_id).in_(held.experiments))
    outputs = select(col(tables.Output.id)).where(col(tables.Output.run_id).in_(runs))
    asked = select(SESSION.id).where(SESSION.experiment_id.in_(held.experiments))
    names = select(col(tables.Prompt.name)).where(col(tables.Prompt.id).in_(held.prompts))
    simulated = col(LiveSpend.model).like(f"{SIMULATED_PREFIX}%")
    doomed: tuple[tuple[type[SQLModel], ColumnElement[bool]], ...] = (
        (LiveSpend, col(LiveSpend.prompt).in_(names) & simulated),
        (RatingTask, TASK.session_id.in_(asked)),
        (RatingItem, ITEM.session_id.in_(asked)),
        (Rater, RATER.session_id.in_(asked)),
        (RatingLink, LINK.session_id.in_(asked)),
        (RatingSession, SESSION.experiment_id.in_(held.experiments)),
        (tables.ScoreRow, col(tables.ScoreRow.output_id).in_(outputs)),
        (tables.Output, col(tables.Output.run_id).in_(runs)),
        (tables.JudgementRow, col(tables.JudgementRow.run_id).in_(runs)),
        (tables.Attempt, col(tables.Attempt.run_id).in_(runs)),
        (tables.Run, col(tables.Run.experiment_id).in_(held.experiments)),
        (tables.Decision, col(tables.Decision.experiment_id).in_(held.experiments)),
        (tables.LookRow, col(tables.LookRow.experiment_id).in_(held.experiments)),
        (tables.AnalysisRow, col(tables.AnalysisRow.experiment_id).in_(held.experiments)),
        (tables.ScorerUse, col(tables.ScorerUse.experiment_id).in_(held.experiments)),
        (tables.Variant, col(tables.Variant.experiment_id).in_(held.experiments)),
        (tables.Experiment, col(tables.Experiment.id).in_(held.experiments)),
        (tables.ExampleRow, col(tables.ExampleRow.dataset_version_id).in_(_dataset_versions(held))),
        (tables.DatasetVersion, col(tables.DatasetVersion.dataset_id).in_(held.datasets)),
        (tables.Dataset, col(tables.Dataset.id).in_(held.datasets)),
        (tables.LabelEvent, col(tables.LabelEvent.prompt_id).in_(held.prompts)),
        (tables.Label, col(tables.Label.prompt_id).in_(held.prompts)),
        (tables.PromptVersion, col(tables.PromptVersion.prompt_id).in_(held.prompts)),
        (tables.Prompt, col(tables.Prompt.id).in_(held.prompts)),
        (tables.QualityCheckVersion, col(tables.QualityCheckVersion.check_id).in_(held.checks)),
        (tables.QualityCheck, col(tables.QualityCheck.id).in_(held.checks)),
    )
    count = tx.live.remove_traffic(held.experiments)
    for kind, condition in doomed:
        done = tx.session.execute(delete(kind).where(condition).execution_options(synchronize_session=False))
        count += int(done.rowcount)  # type: ignore[attr-defined]
    return count


def _dataset_versions(held: Holdings) -> Select[Any]:
    return select(col(tables.DatasetVersion.id)).where(col(tables.DatasetVersion.dataset_id).in_(held.datasets))


def _prompt_versions(held: Holdings) -> Select[Any]:
    return select(col(tables.PromptVersion.id)).where(col(tables.PromptVersion.prompt_id).in_(held.prompts))
