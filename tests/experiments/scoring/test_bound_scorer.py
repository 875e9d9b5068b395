from dataclasses import replace

import pytest

from experiments.scoring import MetricKind, Score, ScoringContext, bind
from experiments.scoring.bound_scorer import Threshold

CTX = ScoringContext("output")


def bound(found, kind=MetricKind.SCORE, threshold=None):
    def function(ctx):
        if isinstance(found, BaseException):
            raise found
        return found

    return replace(bind("readability"), function=function, kind=kind, threshold=threshold)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad\nvalue"), "the scorer failed: ValueError: bad value"),
        (RecursionError("too deep"), "the scorer failed: RecursionError: too deep"),
        (KeyError("k"), "the scorer failed: KeyError: 'k'"),
    ],
)
def test_an_exception_becomes_a_reason(error, reason):
    assert bound(error).score(CTX) == Score(None, reason)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Score(float("nan")), "the scorer gave nan, which is no finite number"),
        (Score(float("inf")), "the scorer gave inf, which is no finite number"),
        (Score("high"), "the scorer gave a str, which is no finite number"),
        (Score(10**5000), "the scorer gave a int, which is no finite number"),
        (Score(1.0, 5), "the scorer failed: TypeError: 'int' object is not subscriptable"),
        (Score(1.0, None, [1]), "the scorer failed: AttributeError: 'list' object has no attribute 'items'"),
        (Score(None), "the scorer gave no value"),
        (Score(None, "because\0"), "because�"),
        (0.5, "the scorer returned float, not a score"),
        (None, "the scorer returned NoneType, not a score"),
    ],
)
def test_what_is_no_finite_number_becomes_none_with_a_reason(found, reason):
    assert bound(found).score(CTX) == Score(None, reason)


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (1, 1.0), (True, 1.0), (0.5, None)])
def test_pass_or_fail_knows_only_two_values(value, expected):
    assert bound(Score(value), MetricKind.BINARY).score(CTX).value == expected


@pytest.mark.parametrize(
    ("value", "lower_is_better", "expected"),
    [(0.8, False, 1.0), (0.79, False, 0.0), (0.8, True, 1.0), (0.81, True, 0.0), (None, False, None)],
)
def test_a_threshold_includes_itself(value, lower_is_better, expected):
    score = bound(Score(value, "why"), MetricKind.BINARY, Threshold(0.8, lower_is_better)).score(CTX)

    assert score.value == expected


def test_details_are_kept_storable():
    assert bound(Score(1.0, None, {"a": "\ud800", "b": float("inf")})).score(CTX).details == {"a": "�", "b": None}


@pytest.mark.parametrize("row", [{}, {"keywords": None}, {"keywords": " "}])
def test_an_empty_column_gives_no_score(row):
    score = bind({"contains": {"column": "keywords"}}).score(ScoringContext("x", row=row))

    assert score == Score(None, "no value in the column 'keywords'")
