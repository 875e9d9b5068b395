"""Take the sample project out again, once and for all, unless somebody's own work stands on it."""

from __future__ import annotations

from experiments.actions.authorise import authorise
from experiments.errors import Conflict
from experiments.permissions import Operation
from experiments.sample import project
from experiments.vocabulary import Actor
from storage import removal
from storage.store import Store, Transaction


def remove_sample(store: Store, *, actor: Actor) -> int:
    """How many rows were deleted. It is not loaded again, and the audit log keeps what happened.

    What people did with the sample itself (moved its labels, decided on its experiments, looked at its results) goes
    with it. Their own work does not: while there is any, nothing is removed.

    Raises:
        Conflict: ``no_sample``, or ``sample_in_use`` naming what stands on it; Forbidden.
    """
    authorise(store, actor, Operation.MANAGE, "sample")
    with store.begin() as tx:
        value = tx.installation.setting(project.SETTING)
        sample = project.LoadedSample.from_setting(value)
        if sample is None:
            raise Conflict("no_sample", "The sample project is not in this database.")
        held = removal.Holdings(sample.prompts, sample.datasets, sample.experiments, sample.checks, sample.raters)
        _refuse_in_use(tx, held)
        rows = removal.remove(tx, held)
        at = tx.clock()
        tx.installation.set_setting(project.SETTING, {"removed_at": at.isoformat()}, actor=actor.name, at=at)
        tx.audit.append(actor.name, "sample_removed", "installation", {"rows": rows})
        return rows


def _refuse_in_use(tx: Transaction, held: removal.Holdings) -> None:
    hint = "Nothing was removed; that work would be lost with it."
    experiments = removal.experiments_outside(tx, held)
    if experiments:
        raise Conflict("sample_in_use", f"The experiment '{experiments[0]}'{_more(experiments)} uses the sample.", hint)
    written = removal.written_by_others(tx, held, author=project.AUTHOR)
    if written:
        raise Conflict(
            "sample_in_use", f"'{written[0]}'{_more(written)} of the sample has a version of your own.", hint
        )
    if removal.is_rated(tx, held):
        raise Conflict("sample_in_use", "People have rated answers of the sample.", hint)


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
