"""A main measure that fits the test set, before anybody has chosen one."""

from __future__ import annotations

import pytest

from experiments.scoring import bind
from experiments.scoring.fitting import fitting_scorer

REPLY = "Sorry for the double charge, Ben. The second payment goes back within five days."


@pytest.mark.parametrize(
    ("references", "scorer"),
    [
        (["18", "3.5", "$1,200", "−4", "12 %"], "numeric_answer"),
        (["She sells 16 - 7 = 9 eggs.\n#### 9", "#### 1,200"], "numeric_answer"),
        (["positive", "negative", "neutral"], "exact_match"),
        (["Paris", "Rome", "Oslo", "Bonn"], "exact_match"),
        (["yes", "no", "cannot tell"] * 5, "exact_match"),
        (["a photo", "Settings, Billing", "within 3 working days", "screenshot"], "contains"),
        (
            ["a question about an invoice already paid"] * 5 + ["a request to close the whole account"] * 5,
            "exact_match",
        ),
        (
            [REPLY, REPLY.replace("Ben", "Ana"), "Your plan renews on the first of May, and you can cancel any time."],
            "similarity",
        ),
        (['{"city": "Rome"}', "[1, 2]", '```json\n{"city": "Bonn"}\n```'], "json_fields"),
        ([None, "", "  "], "refusal"),
        ([], "refusal"),
    ],
)
def test_the_scorer_follows_the_expected_answers(references: list[str | None], scorer: str) -> None:
    assert fitting_scorer(references).scorer == scorer


def test_a_few_odd_rows_and_empty_cells_do_not_decide() -> None:
    assert fitting_scorer(["7"] * 9 + ["none of them"]).scorer == "numeric_answer"
    assert fitting_scorer(["7"] * 8 + [REPLY] * 2).scorer == "similarity"
    assert fitting_scorer(["7", None, "", None]).scorer == "numeric_answer"


def test_bare_json_values_are_numbers_and_words_not_json() -> None:
    assert fitting_scorer(["1", "2", "3"]).scorer == "numeric_answer"
    assert fitting_scorer(["true", "false", "null"]).scorer == "exact_match"


def test_each_proposal_can_be_used_as_it_is_and_says_why() -> None:
    for references in (["1"], ["yes"], ["a photo"], [REPLY], ["{}"], []):
        fitting = fitting_scorer(references)
        assert bind(fitting.scorer).metric == fitting.scorer
        assert fitting.why.endswith(".")


def test_without_expected_answers_it_names_what_measures_quality() -> None:
    assert "Let people rate the answers, or add a judge" in fitting_scorer([None]).why
