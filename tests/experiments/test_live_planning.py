"""The price of certainty on live traffic: users and days, before anybody takes part."""

import math

import pytest

from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec
from experiments.stats.power import WATCHED_FACTOR
from experiments.views.live.planning import live_planning
from experiments.vocabulary import MetricKind


def spec(split: dict[str, float] | None = None, *, effect: float = 0.05, enrol: float = 100, **plan) -> ExperimentSpec:
    """A live test of as many variants as the split names."""
    split = split or {"A": 50, "B": 50}
    return ExperimentSpec.model_validate(
        {
            "name": "reply",
            "variants": [{"name": name, "prompt": f"{name}: {{{{ticket}}}}", "model": "demo/small"} for name in split],
            "plan": {"primary": {"metric": "resolved", "smallest_effect": effect}, **plan},
            "live": {"key": "reply", "split": split, "enrol": enrol, "outcomes": [{"metric": "resolved"}]},
        }
    )


def needed(*given, **options) -> int:
    users = live_planning(*given, MetricKind.BINARY, **options).users
    assert users is not None
    return users


def test_a_test_read_once_needs_the_users_of_the_textbook():
    # Fleiss, Levin & Paik (2003), section 4.2: 0.5 against 0.55, two-sided 5 %, power 80 %: 1,565 a variant, without
    # the correction for continuity (1,605 with it)
    found = live_planning(spec(stopping="fixed", planned_units=4000), MetricKind.BINARY, rate=0.5)

    assert found.size.units_needed == pytest.approx(1565, abs=6)
    assert found.users == 2 * found.size.units_needed


def test_looking_whenever_one_likes_has_its_price():
    once = needed(spec(stopping="fixed", planned_units=4000), rate=0.5)

    assert needed(spec(stopping="sequential"), rate=0.5) == pytest.approx(WATCHED_FACTOR * once, rel=0.001)


def test_an_uneven_split_and_more_variants_need_more_users():
    even = needed(spec(), rate=0.5)

    assert needed(spec({"A": 90, "B": 10}), rate=0.5) == pytest.approx(even / (4 * 0.9 * 0.1), rel=0.001)
    assert needed(spec({"A": 40, "B": 30, "C": 30}), rate=0.5) > 1.4 * even


def test_days_follow_from_who_comes_and_who_takes_part():
    planning = live_planning(spec(enrol=5), MetricKind.BINARY, rate=0.5, users_per_day=2_000)
    assert planning.users is not None

    assert planning.days == pytest.approx(planning.users / 100)
    assert planning.sentences()[1:] == [
        f"With 2,000 new users a day, of whom 5 % take part, that is about {math.ceil(planning.users / 100)} days.",
        "With all of them it would be about 7 days.",
    ]


def test_nobody_who_comes_is_no_day_and_no_share_either():
    assert live_planning(spec(), MetricKind.BINARY, users_per_day=0).days is None
    assert live_planning(spec(enrol=0), MetricKind.BINARY, users_per_day=100).days is None
    assert live_planning(spec({"A": 100, "B": 0}), MetricKind.BINARY).users is None


def test_an_effect_beyond_what_there_is_to_gain_is_told():
    planning = live_planning(spec(effect=0.2), MetricKind.BINARY, rate=0.9)

    assert planning.users is None
    assert planning.sentences() == ["No number of users shows an effect of 0.2."]


def test_a_number_needs_its_spread():
    with pytest.raises(BakeoffError, match=r"how far apart they are in 'resolved'\. Give the standard deviation"):
        live_planning(spec(), MetricKind.SCORE)

    # n = 2 (1.96 + 0.84)² s²/D² = 15.7 × 100
    found = live_planning(spec(stopping="fixed", planned_units=4000), MetricKind.SCORE, sd=0.5)
    assert found.size.units_needed == pytest.approx(1570, abs=3)
    assert found.rate is None
