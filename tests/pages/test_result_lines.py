"""What the result page says beside the verdict."""

from __future__ import annotations

from typing import Any

from experiments.results.decision import decide
from pages.components.result.lines import second_line
from tests.experiments.analysis_tables import normal_scores, plan, run, yes_no

LETTERS = {"A": "A", "B": "B", "C": "C"}


def result(table: Any, metric: str = "correct") -> dict[str, Any]:
    given = plan(metric)
    analysis = run(table, given)
    return {**analysis.to_json(), "verdict": decide(given, analysis).to_json()}


def test_who_is_ahead_is_told_what_being_wrong_would_cost() -> None:
    ahead = result(yes_no(both=40, fixed=12, broken=8, neither=40))

    assert second_line(ahead, "B", "B", LETTERS) == (
        "Counting the chance of being wrong, promoting B loses 0.5 points on average."
    )


def test_a_sure_winner_loses_next_to_nothing() -> None:
    sure = result(yes_no(both=67, fixed=79, broken=22, neither=232))

    assert "loses next to nothing on average" in second_line(sure, "B", "B", LETTERS)


def test_who_is_behind_is_told_nothing_of_the_kind() -> None:
    behind = result(yes_no(both=40, fixed=8, broken=12, neither=40))

    assert second_line(behind, "B", "B", LETTERS) == ""


def test_of_several_the_chances_to_be_best_are_told_with_the_largest_first() -> None:
    several = result(normal_scores(60, gain=0.3, variants="ABC"), "score")

    told = second_line(several, "B", "B", LETTERS)

    assert "Chance to be the best, of 100: " in told
    shares = [int(part.split()[-1]) for part in told.split("of 100: ")[1].rstrip(".").split(", ")]
    assert shares == sorted(shares, reverse=True)
    assert 99 <= sum(shares) <= 101
