"""The rules of the registry, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from experiments.errors import BakeoffError, Conflict
from experiments.prompts.labels import (
    PromotionEvidence,
    against_verdict,
    check_promotion,
    check_reason,
    check_rollback,
    check_set_by_hand,
    rollback_target,
)
from experiments.vocabulary import VerdictOutcome

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WHY = "We accept the smaller gain for the launch."


def _evidence(outcome: VerdictOutcome = VerdictOutcome.SHIP, **changes) -> PromotionEvidence:
    given = {
        "outcome": outcome,
        "winner": "B",
        "confirm_needed": False,
        "sentence": "s",
        "analysed_at": NOW,
        "head_is_control": True,
    }
    return PromotionEvidence(**{**given, **changes})


def _refused(
    evidence: PromotionEvidence, *, variant: str = "B", reason: str = "", label: str = "production", now: datetime = NOW
) -> str | None:
    try:
        check_promotion(evidence, label=label, variant=variant, reason=reason, now=now)
    except Conflict as error:
        return error.code
    return None


def test_a_clear_verdict_needs_no_reason():
    assert _refused(_evidence()) is None


@pytest.mark.parametrize("outcome", [VerdictOutcome.KEEP_CONTROL, VerdictOutcome.KEEP_COLLECTING])
def test_against_the_verdict_a_written_reason_is_needed(outcome):
    assert _refused(_evidence(outcome)) == "reason_needed"
    assert _refused(_evidence(outcome), reason="too short") == "reason_needed"
    assert _refused(_evidence(outcome), reason=" " * 40) == "reason_needed"
    assert _refused(_evidence(outcome), reason=WHY) is None


@pytest.mark.parametrize(
    "changes", [{"confirm_needed": True}, {"winner": "C"}, {"analysed_at": NOW - timedelta(days=31)}]
)
def test_any_doubt_needs_a_reason(changes):
    assert _refused(_evidence(**changes)) == "reason_needed"
    assert _refused(_evidence(**changes), reason=WHY) is None


def test_what_could_not_be_decided_never_reaches_production():
    evidence = _evidence(VerdictOutcome.CANNOT_DECIDE, winner=None)
    assert _refused(evidence, reason=WHY) == "verdict_refuses"
    assert _refused(evidence, reason=WHY, label="staging") is None


def test_no_reason_helps_when_another_version_is_live_than_was_tested():
    assert _refused(_evidence(head_is_control=False), reason=WHY) == "label_moved_since_test"


def test_a_caution_needs_a_reason_and_every_doubt_is_named():
    evidence = _evidence(VerdictOutcome.KEEP_CONTROL, winner="A", cautions=("its variables differ",))
    with pytest.raises(Conflict) as error:
        check_promotion(evidence, label="production", variant="B", reason="", now=NOW)
    assert "to keep the control; its variables differ" in error.value.message
    assert _refused(_evidence(cautions=("its variables differ",))) == "reason_needed"
    assert _refused(_evidence(cautions=("its variables differ",)), reason=WHY) is None


@pytest.mark.parametrize(
    ("outcome", "winner", "variant", "marked"),
    [
        (VerdictOutcome.SHIP, "B", "B", False),
        (VerdictOutcome.SHIP, "B", "C", True),
        (VerdictOutcome.KEEP_CONTROL, "A", "A", False),
        (VerdictOutcome.KEEP_CONTROL, "A", "B", True),
        (VerdictOutcome.KEEP_COLLECTING, None, "B", True),
        (VerdictOutcome.CANNOT_DECIDE, None, "B", True),
    ],
)
def test_a_choice_against_the_verdict_is_marked(outcome, winner, variant, marked):
    assert (against_verdict(outcome, winner, variant) is not None) is marked


@pytest.mark.parametrize("outcome", [VerdictOutcome.KEEP_COLLECTING, VerdictOutcome.KEEP_CONTROL])
def test_the_control_that_won_needs_a_reason_only_because_nothing_ships(outcome):
    assert _refused(_evidence(outcome, winner="A"), variant="A") == "reason_needed"


def test_a_rollback_goes_to_the_last_other_holder():
    assert rollback_target(["v1", "v2", "v1", "v3"], "v3") == "v1"
    assert rollback_target(["v1", "v2", "v2"], "v2") == "v1"


@pytest.mark.parametrize("holders", [[], ["v1"], ["v1", "v1"]])
def test_without_an_earlier_holder_there_is_nothing_to_go_back_to(holders):
    with pytest.raises(Conflict):
        rollback_target(holders, "v1")


def test_only_earlier_holders_can_be_gone_back_to():
    check_rollback(["v1", "v2"], "v2", "v1")
    for target in ("v2", "v9"):
        with pytest.raises(Conflict):
            check_rollback(["v1", "v2"], "v2", target)


def test_production_is_set_by_hand_only_once():
    check_set_by_hand("production", None)
    check_set_by_hand("staging", "v1")
    with pytest.raises(Conflict):
        check_set_by_hand("production", "v1")


def test_a_reason_is_words():
    assert check_reason("  why ", what="rollback") == "why"
    with pytest.raises(BakeoffError):
        check_reason(" \n", what="rollback")
