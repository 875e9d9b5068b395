"""The rules of the registry: who may move which label on what evidence, and what a rollback goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from experiments.errors import BakeoffError, Conflict
from experiments.vocabulary import VerdictOutcome

PRODUCTION = "production"
STAGING = "staging"
FIRST_LABELS = (PRODUCTION, STAGING)
"""Labels that every prompt has from the start."""

LIVE_TRAFFIC = "experiment:"
"""What begins the label of a decision about all traffic of a live test; its key follows."""

SHORTEST_REASON = 20
_VERDICTS = {
    VerdictOutcome.KEEP_CONTROL: "to keep the control",
    VerdictOutcome.KEEP_COLLECTING: "to collect more first",
    VerdictOutcome.CANNOT_DECIDE: "that nothing can be decided",
}
VERDICT_AGES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PromotionEvidence:
    """What a promotion stands on. ``head_is_control``: the label still points at what was tested, or at nothing.

    ``cautions`` are what callers would notice whatever the verdict says: other variables, a model that goes away.
    """

    outcome: VerdictOutcome
    winner: str | None
    confirm_needed: bool
    sentence: str
    analysed_at: datetime
    head_is_control: bool
    cautions: tuple[str, ...] = ()


def check_promotion(evidence: PromotionEvidence, *, label: str, variant: str, reason: str, now: datetime) -> None:
    """Nothing when the variant may take the label.

    A verdict that ships this variant needs nothing more. Any doubt (another variant than the winner, a gain
    smaller than asked for, more data wanted, the control kept, a verdict older than 30 days, a caution) needs a
    written reason of at least 20 characters. A verdict that could not be reached carries nothing into production.

    Raises:
        Conflict: ``verdict_refuses``, ``reason_needed`` or ``label_moved_since_test``.
    """
    if not evidence.head_is_control:
        raise Conflict(
            "label_moved_since_test",
            f"'{label}' no longer points at the control that was tested.",
            "Test against what is live now, then promote.",
        )
    if evidence.outcome is VerdictOutcome.CANNOT_DECIDE and label == PRODUCTION:
        raise Conflict(
            "verdict_refuses",
            f"The data cannot carry a decision: {evidence.sentence}",
            "Fix that first; no reason replaces it.",
        )
    check_doubts([*_doubts(evidence, variant, now), *evidence.cautions], reason=reason, what=f"Promoting {variant}")


def check_doubts(doubts: Sequence[str], *, reason: str, what: str) -> None:
    """Nothing when there are no doubts, or a written reason answers them. ``what`` begins the sentence.

    Raises:
        Conflict: ``reason_needed``, naming every doubt.
    """
    if doubts and len(reason.strip()) < SHORTEST_REASON:
        raise Conflict(
            "reason_needed",
            f"{what} needs a written reason: {'; '.join(doubts)}.",
            f"Say in at least {SHORTEST_REASON} characters why it is right all the same.",
        )


def against_verdict(outcome: VerdictOutcome, winner: str | None, variant: str) -> str | None:
    """How serving this variant went against the verdict it was decided on, in a sentence; None when it followed it."""
    if variant == winner:
        return None
    doubt = _verdict_doubt(outcome, winner)
    return f"Promoted although {doubt}." if doubt else None


def _doubts(evidence: PromotionEvidence, variant: str, now: datetime) -> Sequence[str]:
    if variant != evidence.winner or evidence.outcome is not VerdictOutcome.SHIP:
        return [_verdict_doubt(evidence.outcome, evidence.winner)]
    if evidence.confirm_needed:
        return ["the gain is smaller than the plan asked for"]
    if now - evidence.analysed_at > VERDICT_AGES:
        return [f"the verdict is older than {VERDICT_AGES.days} days"]
    return []


def _verdict_doubt(outcome: VerdictOutcome, winner: str | None) -> str:
    if outcome is VerdictOutcome.SHIP:
        return f"the verdict names {winner}"
    return f"the verdict is {_VERDICTS[outcome]}"


def rollback_target(holders: Sequence[str], current: str | None) -> str:
    """The version that held the label before the present one.

    ``holders`` are version ids in the order they got the label, oldest first, the present one last.

    Raises:
        Conflict: ``nothing_to_roll_back_to``.
    """
    for version in reversed(holders):
        if version != current:
            return version
    raise Conflict("nothing_to_roll_back_to", "No earlier version ever held this label.", "Promote one first.")


def check_rollback(holders: Sequence[str], current: str | None, target: str) -> None:
    """Nothing when the target held the label before. Raises Conflict otherwise."""
    if target == current:
        raise Conflict("already_live", "That version is the one that is live.")
    if target not in holders:
        raise Conflict(
            "never_live",
            "That version never held this label, so there is nothing to go back to.",
            "Promote it on a verdict instead.",
        )


def check_reason(reason: str, *, what: str) -> str:
    """The trimmed reason. Raises BakeoffError ``reason_needed`` when it is empty."""
    if not reason.strip():
        raise BakeoffError("reason_needed", f"A {what} needs a reason.", "Say in a few words why.")
    return reason.strip()[:2000]


def check_set_by_hand(label: str, current: str | None) -> None:
    """Nothing when the label may be set without a decision: any but production, or production for the first time.

    Raises:
        Conflict: ``decision_needed``.
    """
    if label == PRODUCTION and current is not None:
        raise Conflict(
            "decision_needed",
            "production moves by a decision or a rollback, not by hand.",
            "Test the version against what is live, then promote it.",
        )
