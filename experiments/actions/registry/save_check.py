"""Save quality checks: new names, new immutable versions."""

from __future__ import annotations

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import ScorerEntry, plain_name
from experiments.judges import JUDGE, bind_rubric_judge
from experiments.permissions import Operation
from experiments.vocabulary import Actor
from storage.records import CheckVersionRecord
from storage.store import Store

MAX_NOTE = 500


def save_check(store: Store, name: str, entry: ScorerEntry, *, actor: Actor, note: str = "") -> CheckVersionRecord:
    """The version that holds this judge: a new one, or the one that already does.

    Raises:
        BakeoffError: ``bad_name``, ``bad_judge``; Conflict ``archived``; Forbidden.
    """
    authorise(store, actor, Operation.DESIGN, f"check:{name[:120]}")
    try:
        plain_name(name)
    except ValueError as error:
        raise BakeoffError("bad_name", f"The name of the check: {error}.") from None
    judge = bind_rubric_judge(entry)
    kept = {JUDGE: judge.spec.model_dump(mode="json", exclude={"check"}, exclude_defaults=True) | {"name": name}}
    with store.begin() as tx:
        check = tx.checks.by_name(name) or tx.checks.add(name, created_by=actor.name, at=tx.clock())
        if check.archived_at is not None:
            raise Conflict("archived", f"The check '{name}' is archived.", "Choose another name.")
        known = next((v for v in tx.checks.versions(check.id) if v.fingerprint == judge.fingerprint), None)
        if known is not None:
            return known
        version = tx.checks.add_version(
            check.id,
            entry=kept,
            fingerprint=judge.fingerprint,
            note=note.strip()[:MAX_NOTE],
            created_by=actor.name,
            at=tx.clock(),
        )
        details = {"version": version.number, "fingerprint": version.fingerprint[:12]}
        tx.audit.append(actor.name, "check_version_saved", f"check:{name}", details)
        return version
