"""Numbers as pages show them: money, time, levels, and what stands where there is none."""

from datetime import UTC, datetime, timedelta

import pytest

from pages.components.numbers import ago, level_text, moment, money, money_range, score_text, seconds_words

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (0.000042, "under $0.01"),
        (0.0049, "under $0.01"),
        (0.005, "$0.01"),
        (0.55, "$0.55"),
        (99.994, "$99.99"),
        (1240.4, "$1,240"),
    ],
)
def test_money_is_never_a_string_of_zeros(value, shown):
    assert money(value) == shown


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.4, 0.7, "$0.40 to $0.70"),
        (0.551, 0.552, "about $0.55"),
        (0.001, 0.002, "under $0.01"),
        (0.001, 0.03, "up to $0.03"),
        (None, 1.0, "unknown"),
        (0.0, 0.0, "about $0.00"),
    ],
)
def test_a_range_of_money_is_one_figure_where_both_look_the_same(low, high, shown):
    assert money_range(low, high) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.42, "420 ms"), (1.23, "1.2 s"), (40.2, "40 s"), (180, "3 min"), (9000, "2.5 h")],
)
def test_time_has_the_unit_that_fits(seconds, shown):
    assert seconds_words(seconds) == shown


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1, hours=1), "yesterday"),
        (timedelta(days=4), "4 days ago"),
        (timedelta(days=17), "3 Mar 2026"),
    ],
)
def test_an_age_is_told_in_words_and_later_as_a_day(before, shown):
    assert ago(NOW - before, NOW) == shown


def test_a_moment_says_its_zone():
    assert moment(datetime(2026, 3, 3, 14, 5, tzinfo=UTC)) == "3 Mar 2026, 14:05 UTC"


def test_levels_are_shares_of_a_hundred_or_amounts_and_never_a_made_up_zero():
    assert level_text(0.704, "points") == "70"
    assert level_text(412.0, "ms") == "412 ms"
    assert level_text(None, "points") == "–"
    assert (score_text(1.0), score_text(0.8333), score_text(None)) == ("1", "0.83", "–")
