import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(("cost_usd", "expected"), [(0.0, 1.0), (0.002, 1.0), (0.0021, 0.0)])
def test_the_bound_itself_is_cheap_enough(cost_usd, expected):
    assert value({"cost_bound": 0.002}, "", cost_usd=cost_usd) == expected


def test_an_unknown_cost_gives_no_score():
    assert score({"cost_bound": 0.002}, "x").reason == "the cost is unknown"


def test_the_reason_tells_the_cost():
    assert score({"cost_bound": 0.002}, "x", cost_usd=0.0125).reason == "0.0125 usd; at most 0.002 usd allowed"
