import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(("latency_ms", "expected"), [(2999.9, 1.0), (3000, 1.0), (3000.1, 0.0)])
def test_the_bound_itself_is_in_time(latency_ms, expected):
    assert value({"latency_bound": 3000}, "", latency_ms=latency_ms) == expected


def test_the_first_token_can_be_measured_instead():
    entry = {"latency_bound": {"max_ms": 500, "first_token": True}}

    assert value(entry, "x", latency_ms=9000.0, first_token_ms=400.0) == 1.0
    assert score(entry, "x", latency_ms=9000.0).reason == "the time to the first token was not measured"


def test_an_unmeasured_latency_gives_no_score():
    assert score({"latency_bound": 3000}, "x").reason == "the latency was not measured"


def test_the_reason_tells_the_time():
    assert score({"latency_bound": 3000}, "x", latency_ms=4200.4).reason == "4,200 ms; at most 3,000 ms allowed"


@pytest.mark.parametrize("max_ms", [0, -1])
def test_a_senseless_bound_is_refused(max_ms):
    with pytest.raises(BakeoffError, match="greater than 0"):
        bind({"latency_bound": max_ms})
