"""What live calls cost, as the results and the limits of the plan see it: unknown is unknown, abandoned is no failure."""

import pytest

from experiments.actions.results.analyse import fresh_analysis
from tests.live_builders import call, live_spec, met, outcome, record, started

NAME = "refund reply"
UNKNOWN = {"cost_usd": None, "cost_status": "unknown"}
PLAN = {"guardrails": [{"metric": "cost_usd", "margin": 0.1, "relative": True}, {"metric": "failed", "margin": 0.02}]}


def _record(store, clock, users=120, **of_b):
    live, now = started(store, live_spec(plan=PLAN)), clock()
    events = []
    for i in range(users):
        unit = f"user-{i}"
        one = call(live, unit, now)
        more = of_b if one.variant == "B" else {}
        events += [met(live, unit, now), outcome(unit, i % 2, now), call(live, unit, now, **more)]
    record(store, events)
    return fresh_analysis(store, NAME).result


def test_unknown_cost_is_no_zero_and_a_limit_that_cannot_act_says_so(store, clock):
    result = _record(store, clock, **UNKNOWN)
    assert result["cost"]["by_variant"]["B"] is None
    assert result["cost"]["by_variant"]["A"] > 0
    assert result["cost"]["unknown_calls"] > 0
    [check] = [c for c in result["health"] if c["check"] == "cost_unknown"]
    assert check["status"] == "warn"
    assert "Type the model's price into Settings" in check["message"]


def test_a_known_cost_needs_no_warning(store, clock):
    plain = _record(store, clock)
    assert not [c for c in plain["health"] if c["check"] == "cost_unknown"]


def test_an_abandoned_call_is_in_no_measure_but_its_own_and_cost(store, clock):
    left = {"status": "abandoned", "response_class": None, "latency_ms": 9_000.0, "cost_usd": 0.004,
            "cost_status": "estimated", "completion_tokens": 2, "prompt_tokens": 5, "answer_chars": 8}  # fmt: skip
    result = _record(store, clock, **left)
    counts = result["counts"]
    assert (counts["failed"], counts["abandoned"]) == (0, counts["by_variant"]["B"]["abandoned"])
    assert counts["ok"] + counts["abandoned"] == counts["planned"]
    means = {arm["metric"]: arm for arm in result["arms"] if arm["variant"] == "B"}
    assert means["abandoned"]["value"] == 1.0
    assert "failed" not in means
    assert "latency_ms" not in means
    assert "completion_tokens" not in means
    assert means["cost_usd"]["value"] == pytest.approx(0.004)
    assert result["cost"]["estimated_usd"] == pytest.approx(0.004 * counts["abandoned"])
    assert [c["status"] for c in result["health"] if c["check"] == "call_failures"] == ["ok"]
