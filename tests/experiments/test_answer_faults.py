"""Answers without text, cut or refused, and measures that are 0 or 1 everywhere, outrank the verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.results.analyse import fresh_analysis
from experiments.plans.plan import Guardrail
from experiments.results.comparisons.answer_classes import AnswerCounts, answer_checks
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import HealthStatus
from storage.store import Store
from tests.builders import ADA
from tests.experiments.analysis_tables import METRICS, plan, rows, yes_no
from tests.experiments.verdict_tables import CANNOT, KEEP, SHIP, verdict, with_cost


def counted(answers: int = 40, **classes: int) -> list[AnswerCounts]:
    """Two variants, of which B answers well and A as counted."""
    return [AnswerCounts(variant="A", answers=answers, **classes), AnswerCounts(variant="B", answers=answers)]


@pytest.mark.parametrize(
    ("classes", "status", "words"),
    [
        ({"empty": 40}, HealthStatus.FAIL, "hold no text: 40 of 40 for A, 0 of 40 for B"),
        ({"empty": 8}, HealthStatus.FAIL, "hold no text: 8 of 40 for A"),
        ({"empty": 2}, HealthStatus.WARN, "hold no text: 2 of 40 for A"),
        ({"cut": 20}, HealthStatus.FAIL, "were cut at the token limit: 20 of 40 for A"),
        ({"cut": 8}, HealthStatus.WARN, "were cut at the token limit: 8 of 40 for A"),
        ({"refused": 25}, HealthStatus.FAIL, "refused by the model or its filter: 25 of 40 for A"),
        ({"refused": 8}, HealthStatus.WARN, "refused by the model or its filter: 8 of 40 for A"),
        ({"not_json": 40}, HealthStatus.WARN, "are not the JSON that was asked for: 40 of 40 for A"),
        ({"empty": 1}, HealthStatus.OK, ""),
    ],
)
def test_each_fault_of_answers_is_told_with_its_counts(
    classes: dict[str, int], status: HealthStatus, words: str
) -> None:
    [found] = answer_checks(counted(**classes))

    assert (found.check, found.status) == ("answers", status)
    assert words in found.message


def test_a_label_ends_at_its_limit_on_purpose() -> None:
    label = AnswerCounts(variant="A", answers=40, cut=40, label_sized=True)

    assert [c.status for c in answer_checks([label, label])] == [HealthStatus.OK]


def test_refusals_that_the_plan_measures_are_no_fault() -> None:
    [found] = answer_checks(counted(refused=40), refusals_measured=True)

    assert found.status is HealthStatus.WARN


def test_nine_answers_say_nothing() -> None:
    assert answer_checks(counted(answers=9, empty=9)) == []


def test_a_variant_without_any_text_ships_nobody(store: Store) -> None:
    lines = ["example_id,variant,output,score:named"]
    lines += [f"q{i},A,,0\nq{i},B,The answer is {i},1" for i in range(40)]
    content = "\n".join(lines).encode()
    import_outputs(
        store,
        content,
        filename="answers.csv",
        experiment="silent",
        plan=plan("named", effect=0.05),
        actor=ADA,
    )

    result = fresh_analysis(store, "silent").result

    assert result["verdict"]["outcome"] == "cannot_decide"
    assert result["verdict"]["deciding_rule"] == "health:answers"
    assert "Answers hold no text: 40 of 40 for A, 0 of 40 for B." in result["verdict"]["detail"]


# --- floor, ceiling, constant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "words"), [(0.0, "tells no variant from another"), (1.0, "cannot show a gain")])
@pytest.mark.parametrize("metric", ["correct", "score"])
def test_a_measure_that_is_the_same_everywhere_decides_nothing(metric: str, value: float, words: str) -> None:
    dear = with_cost(rows(metric, {"A": [value] * 60, "B": [value] * 60}), ratio=1.52)
    limited = plan(metric, guardrails=[Guardrail(metric="cost_usd", margin=0.1, relative=True)])

    found = verdict(dear, limited)

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:measure")
    assert words in found.detail
    assert "60 rows" in found.detail


def test_all_rows_right_is_what_a_swap_hopes_for() -> None:
    cheaper = with_cost(rows("correct", {"A": [1.0] * 300, "B": [1.0] * 300}), ratio=0.7, noise=0.1)

    found = verdict(cheaper, plan(effect=0.05, intent="swap"))

    assert found.deciding_rule != "health:measure"
    assert any("shows that nothing is lost" in reason for reason in found.reasons)


def test_one_variant_at_the_floor_is_told_beside_the_verdict() -> None:
    found = verdict(yes_no(both=0, fixed=200, broken=0, neither=200), plan())

    assert found.outcome is SHIP
    assert any("Correct is 0 on all 400 rows of A" in reason for reason in found.reasons)


def test_a_graded_value_that_never_changes_is_no_difference() -> None:
    assert verdict(rows("score", {"A": [0.5] * 200, "B": [0.5] * 200}), plan("score")).outcome is KEEP


def test_live_users_who_all_have_the_same_value_decide_nothing() -> None:
    from experiments.results.comparisons.measures import measure_check_of_sums

    none, every = UnitSums.of(np.zeros(200)), UnitSums.of(np.ones(200))

    def status(first: UnitSums, second: UnitSums, swap: bool = False) -> HealthStatus | None:
        arms = {"A": first, "B": second}
        found = measure_check_of_sums(arms, METRICS["correct"], ("A", "B"), minimum=100, swap=swap)
        return None if found is None else found.status

    assert status(none, none) is HealthStatus.FAIL
    assert status(every, every) is HealthStatus.FAIL
    assert status(every, every, swap=True) is HealthStatus.WARN
    assert status(none, every) is HealthStatus.WARN
    assert status(UnitSums.of(np.tile([0.0, 1.0], 100)), every) is None


# --- no score is no failure ---------------------------------------------------------------------------------------------


def test_a_row_without_a_score_did_not_fail() -> None:
    table = yes_no(both=20, fixed=30, broken=5, neither=45)
    table.loc[table["unit_id"].isin([f"u{i}" for i in range(30)]), "value"] = np.nan
    table["status"] = np.where(table["value"].isna(), "skipped", "ok")

    found = verdict(table, plan())

    assert not any("failed" in reason for reason in found.reasons)
    assert any("Values are missing: correct on 60 of 200" in reason for reason in found.reasons)


def test_scores_missing_for_one_variant_block_and_are_not_called_failures() -> None:
    table = yes_no(both=20, fixed=30, broken=5, neither=45)
    lost = (table["variant"] == "B") & table["unit_id"].isin([f"u{i}" for i in range(30)])
    table["status"] = np.where(lost, "skipped", "ok")
    table.loc[lost, "value"] = np.nan

    found = verdict(table, plan())

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:unscored")
    assert found.detail.startswith("0 of 100 rows have no correct for A, 30 of 100 for B.")
    assert "failed" not in found.detail


def test_refused_rows_of_a_table_are_told() -> None:
    table = yes_no(both=20, fixed=30, broken=5, neither=45)
    table["status"] = np.where(
        (table["variant"] == "A") & (pd.to_numeric(table["unit_id"].str[1:]) < 60), "refused", "ok"
    )

    found = verdict(table, plan())

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:answers")
    assert "60 of 100 for A" in found.detail
