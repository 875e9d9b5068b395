"""Whether the rest of a plan can change anything: said when it cannot, never where a clear gain is still likely."""

import re

import numpy as np
import pytest

from experiments.vocabulary import VerdictOutcome
from tests.experiments.analysis_tables import normal_scores, plan, yes_no
from tests.experiments.verdict_tables import verdict


def _watched(table, planned, *, effect=0.05, stopping="sequential", **more):
    return verdict(table, plan("correct", effect=effect, stopping=stopping), planned_units=planned, **more)


@pytest.mark.parametrize("stopping", ["sequential", "hybrid"])
def test_a_watched_result_that_cannot_turn_keeps_the_control_and_says_what_is_left(stopping):
    found = _watched(yes_no(both=120, fixed=20, broken=24, neither=16), 200, stopping=stopping)
    assert (found.outcome, found.deciding_rule) == (VerdictOutcome.KEEP_CONTROL, "futile")
    assert "B will not be shown to be better at your budget" in found.headline
    left = re.search(r"The (\d+) further rows of the plan will not change this", found.detail)
    assert left is not None, found.detail
    assert int(left[1]) == 200 - 180
    assert "even with the +5.0 points you asked for" in found.detail
    assert "B looks 2.2 points worse" in found.detail


def test_a_result_with_most_of_its_rows_to_come_is_never_given_up():
    found = _watched(yes_no(both=25, fixed=4, broken=6, neither=5), 1000)
    assert found.outcome is VerdictOutcome.KEEP_COLLECTING


def test_a_result_that_is_read_once_is_not_given_up_before_its_end():
    found = _watched(yes_no(both=120, fixed=20, broken=24, neither=16), 200, stopping="fixed")
    assert found.outcome is VerdictOutcome.KEEP_COLLECTING
    assert found.deciding_rule == "planned_size_not_reached"


def test_giving_up_early_costs_hardly_any_true_gain():
    """200 runs with the gain that the plan asks for, looked at every 50 rows: how often the first call is a wrong keep."""
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(200):
        differs = rng.choice([-1, 0, 1], 400, p=[0.05, 0.8, 0.15])
        for size in range(50, 400, 50):
            part = differs[:size]
            table = yes_no(
                both=int((part == 0).sum()), fixed=int((part == 1).sum()), broken=int((part == -1).sum()), neither=0
            )
            found = _watched(table, 400, effect=0.1)
            if found.outcome in {VerdictOutcome.SHIP, VerdictOutcome.KEEP_CONTROL}:
                wrong += found.outcome is VerdictOutcome.KEEP_CONTROL
                break
    assert wrong <= 10


def test_graded_scores_are_given_up_alike():
    table = normal_scores(180, gain=-0.02, spread=0.6, seed=2)
    found = verdict(table, plan("score", effect=0.03, stopping="sequential"), planned_units=200)
    assert found.deciding_rule in {"futile", "primary_worse"}
