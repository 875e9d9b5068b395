"""Take back outcomes that were reported wrongly: they stay, marked, and leave every sum."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError, Conflict, NotFound
from experiments.permissions import Operation
from experiments.vocabulary import Actor
from storage.records import OutcomeRecord
from storage.store import Store

SHORTEST_REASON = 3


def void_outcomes(store: Store, outcome_ids: Sequence[str], *, reason: str, actor: Actor) -> list[OutcomeRecord]:
    """The outcomes as they stand now, all voided or none, with one event of the log each.

    Their idempotency keys stay taken: what is right is reported under another key.

    Raises:
        BakeoffError: ``reason_needed``; NotFound ``no_such_outcome``; Conflict ``already_voided``; Forbidden.
    """
    authorise(store, actor, Operation.RUN_LIVE, "outcomes")
    if len(reason.strip()) < SHORTEST_REASON:
        raise BakeoffError("reason_needed", "A voided outcome leaves the analysis.", "Say why with --reason.")
    with store.begin() as tx:
        known = tx.exposures.outcomes(outcome_ids)
        for outcome_id in outcome_ids:
            outcome = known.get(outcome_id)
            if outcome is None:
                hint = "See the ids: bakeoff export NAME --what outcomes"
                raise NotFound("no_such_outcome", f"There is no outcome '{outcome_id[:80]}'.", hint)
            if outcome.voided_at is not None:
                raise Conflict("already_voided", f"The outcome '{outcome_id[:80]}' is voided already.", "Leave it out.")
        voided = tx.exposures.void_outcomes(known, by=actor.name, reason=reason.strip(), at=tx.clock())
        for outcome in voided:
            phase = tx.live.of_key(outcome.key)
            target = f"experiment:{tx.experiments.get(phase.experiment_id).name}" if phase else f"live:{outcome.key}"
            details = {
                "outcome": outcome.id,
                "metric": outcome.metric,
                "value": outcome.value,
                "reason": outcome.void_reason,
            }
            tx.audit.append(actor.name, "outcome_voided", target, details)
        return voided
