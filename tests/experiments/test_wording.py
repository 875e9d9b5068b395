"""Numbers as people read them."""

from __future__ import annotations

import pytest

from experiments.stats.estimates import Interval
from experiments.wording import amount, between, count, dollars, level, metric_name, number_words, percent


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.061, "points", "+6.1 points"),
        (-0.015, "points", "−1.5 points"),
        (0.0, "points", "0.0 points"),
        (-0.0001, "points", "0.0 points"),
        (0.00012, "usd", "+$0.12 per 1,000"),
        (-0.00002, "usd", "−$0.0200 per 1,000"),
        (340.4, "ms", "+340 ms"),
        (-1234.0, "ms", "−1.23 s"),
        (3.24, "ms", "+3.2 ms"),
        (12.4, "tokens", "+12 tokens"),
        (0.123, "score", "+0.12"),
        (0.0123, "score", "+0.0123"),
        (1234.5, "score", "+1,234.5"),
    ],
)
def test_an_amount_has_its_sign_and_its_unit(value: float, unit: str, expected: str) -> None:
    assert amount(value, unit, sign=True) == expected


def test_both_limits_share_one_unit() -> None:
    assert between(Interval(0.06, 0.042, 0.08), "points") == "between +4.2 and +8.0 points"
    assert between(Interval(500, 90, 1500), "ms") == "between +0.09 and +1.50 s"
    assert between(Interval(0.0, -0.00012, 0.00012), "usd") == "between −$0.12 and +$0.12 per 1,000"


def test_a_level_is_told_of_a_hundred() -> None:
    assert level(0.7049, "points") == "70.5 of 100"
    assert level(0.0002, "usd") == "$0.20 per 1,000"


@pytest.mark.parametrize(
    ("share", "expected"), [(0.314, "31 %"), (0.042, "4.2 %"), (-0.18, "−18 %"), (0.0996, "10 %"), (0.0, "0 %")]
)
def test_shares_are_per_cent(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_money_counts_and_signs() -> None:
    assert [dollars(v) for v in (0.78, 1240.4, 0.0031, 0, -2)] == ["$0.78", "$1,240", "$0.0031", "$0.00", "−$2.00"]
    assert [count(1, "row"), count(1420, "row"), count(2, "more row", "more rows")] == [
        "1 row",
        "1,420 rows",
        "2 more rows",
    ]
    assert number_words(-3.25, decimals=1) in {"−3.2", "−3.3"}


@pytest.mark.parametrize(
    ("metric", "aggregate", "expected"),
    [
        ("exact_match", "mean", "exact match"),
        ("is_correct", "mean", "is correct"),
        ("cost_usd", "mean", "cost"),
        ("latency_ms", "p95", "p95 latency"),
        ("helpful", "mean", "helpful"),
        ("helpful_v1.2", "mean", "helpful v1.2"),
    ],
)
def test_a_metric_reads_without_underscores(metric: str, aggregate: str, expected: str) -> None:
    assert metric_name(metric, aggregate) == expected


def test_a_metric_that_would_read_like_another_keeps_its_key() -> None:
    assert metric_name("prompt_length") == "prompt_length"
    assert metric_name("is_correct", beside=["is_correct", "is correct"]) == "is_correct"
    assert metric_name("cost_usd", beside=["cost", "cost_usd"]) == "cost_usd"
    assert metric_name("is_correct", beside=["is_correct", "cost_usd"]) == "is correct"
