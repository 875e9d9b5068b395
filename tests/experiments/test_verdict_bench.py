"""The bench of verdicts in short: no planted fault makes a false verdict beyond chance, and each is named by its cause."""

from __future__ import annotations

import pytest

from benchmarks.verdict_faults import FAULTS, Fault
from benchmarks.verdicts import LIVE_FAULTS, Answer, Cell, LiveFault, answer_to, cells, measured

RUNS = 8


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}, {fault.design}")
def test_a_planted_fault_makes_no_false_verdict_and_is_named(fault: Fault):
    cell = measured(fault, RUNS, lambda draw, rng, effect: answer_to(draw(rng, effect)))

    assert cell.passes, cell


@pytest.mark.parametrize("fault", LIVE_FAULTS, ids=lambda fault: f"{fault.name}, {fault.design}")
def test_a_planted_fault_of_live_traffic_makes_no_false_verdict_and_is_named(fault: LiveFault):
    [cell] = cells(4, f"{fault.name}, {fault.design}")

    assert cell.runs == 1
    assert cell.passes, cell


def test_a_cell_fails_on_false_ships_on_a_cause_that_is_not_named_and_on_blocked_wins():
    """The bench itself can fail: each of its bounds is broken once."""
    fault = Fault("x", "paired", lambda rng, effect: None, cause="why", clean=lambda rng, effect: None)
    good = Answer("cannot_decide", "this is why")
    cases = {
        "good": (good, Answer("ship", "")),
        "false ships": (Answer("ship", "why"), Answer("ship", "")),
        "cause not named": (Answer("cannot_decide", "no idea"), Answer("ship", "")),
        "wins blocked": (good, good),
        "false equality": (Answer("keep_control", "No difference that matters. why"), Answer("ship", "")),
    }

    def passes(equal: Answer, win: Answer) -> bool:
        cell: Cell = measured(fault, 40, lambda draw, _rng, _effect: win if draw is fault.clean else equal)
        return cell.passes

    assert {name: passes(*answers) for name, answers in cases.items()} == {
        "good": True,
        "false ships": False,
        "cause not named": False,
        "wins blocked": False,
        "false equality": False,
    }
