"""A live test with known truth: what the database sums up is what the rows say, and the verdict is right."""

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from experiments.actions.live.control_live import new_phase
from experiments.actions.live.stop_live import stop_live
from experiments.actions.registry.promote import promote
from experiments.actions.results.open_results import open_results
from experiments.errors import Conflict
from experiments.live.assignment import Reason, assign, drawn
from experiments.live.events import Exposure
from experiments.plans.plan import MetricDefinition
from experiments.results.analysis import analyse
from experiments.views.installation.home import home_view
from experiments.vocabulary import Design, Direction, MetricKind
from tests.live_builders import ADA, KEY, call, days, live_spec, met, outcome, record, started

NAME = "refund reply"


def product(live, now, *, users=1200, gain=0.0, seed=1, first=0, slow=0.0):
    """Exposures, outcomes and calls of heavy and light users; rows of the same outcomes beside them."""
    rng = np.random.default_rng(seed)
    events, rows = [], []
    for number in range(first, first + users):
        unit = f"user-{number}"
        variant = drawn(live, unit)
        chance = float(np.clip(rng.normal(0.6, 0.2) + (gain if variant == "B" else 0), 0.02, 0.98))
        events.append(met(live, unit, now, plan="pro" if number % 3 else "free"))
        for _ in range(1 + int(rng.geometric(0.5)) % 6):
            value = float(rng.random() < chance)
            events.append(outcome(unit, value, now))
            delay = float(rng.lognormal(5, 0.4)) + (slow if variant == "B" else 0)
            events.append(call(live, unit, now, latency_ms=delay))
            rows.append({"variant": variant, "unit_id": unit, "metric": "resolved", "value": value})
    return events, pd.DataFrame(rows)


def _primary(result):
    return next(c for c in result["comparisons"] if c["role"] == "primary")


def _health(result, check):
    return next(h for h in result["health"] if h["check"] == check)


def test_the_sums_of_the_database_are_those_of_the_rows(store, clock):
    live = started(store)
    events, rows = product(live, clock(), users=500, gain=0.1)
    record(store, events)

    result = open_results(store, NAME, actor=ADA)

    by_rows = analyse(
        rows,
        plan=live_spec().plan,
        metrics={"resolved": MetricDefinition("resolved", MetricKind.BINARY, Direction.HIGHER)},
        control="A",
        design=Design.INDEPENDENT,
        live=True,
    ).comparisons[0]
    found = _primary(result)
    assert found["method"] == by_rows.method == "delta_ratio"
    assert found["n_units"] == by_rows.n_units == 500
    assert (found["estimate"], found["lower"], found["upper"]) == pytest.approx(
        (by_rows.estimate, by_rows.lower, by_rows.upper)
    )
    assert found["sequential"] is True


def test_a_real_gain_ships_is_promoted_and_then_everybody_meets_it(sqlite_store, clock):
    store = sqlite_store
    live = started(store)
    events, _ = product(live, clock(), users=2400, gain=0.12)
    record(store, events)
    early = open_results(store, NAME, actor=ADA)
    assert early["verdict"]["deciding_rule"] == "health:duration"
    clock.advance(days=8)

    result = open_results(store, NAME, actor=ADA)

    assert result["verdict"]["outcome"] == "ship", result["verdict"]
    assert _primary(result)["lower"] < 0.12 < _primary(result)["upper"]
    assert result["cost"]["total_usd"] > 0
    assert result["live"]["exposed"]["A"] + result["live"]["exposed"]["B"] == 2400
    assert {c["slice"] for c in result["comparisons"]} == {None, "plan=pro", "plan=free"}
    done = promote(store, NAME, label="production", actor=ADA)
    assert done.variant == "B"
    stop_live(store, KEY, actor=ADA, everyone="B", reason="promoted")


def test_nothing_is_shipped_without_a_gain(sqlite_store, clock):
    live = started(sqlite_store)
    record(sqlite_store, product(live, clock(), users=1500)[0])
    clock.advance(days=8)

    result = open_results(sqlite_store, NAME, actor=ADA)

    assert result["verdict"]["outcome"] in ("keep_collecting", "keep_control")
    with pytest.raises(Conflict):
        promote(sqlite_store, NAME, label="production", actor=ADA)


def test_outcomes_count_from_the_first_exposure_on_however_late_they_come(store, clock):
    live = started(store)
    now = clock()
    record(store, [outcome(f"user-{i}", 1, now - days(1)) for i in range(40)])
    record(store, [outcome(f"user-{i}", 0, now + days(0.1), sent_at=now + days(0.1)) for i in range(40)])
    record(store, [met(live, f"user-{i}", now) for i in range(40)])

    result = open_results(store, NAME, actor=ADA)

    found = _primary(result)
    assert found["control_mean"] in (0, None)
    assert sum(result["live"]["exposed"].values()) == 40
    assert found["n_missing"] == {"A": 0, "B": 0}


def test_only_units_that_the_split_drew_are_analysed(store, clock):
    live = started(store, live_spec(forced={"tester": "B"}))
    now = clock()
    units = [f"user-{i}" for i in range(30)]
    crossed = next(u for u in units if drawn(live, u) == "A")
    events = [met(live, u, now) for u in [*units, "tester", None]]
    events.append(Exposure("z" * 36, KEY, 1, crossed, "B", Reason.SPLIT, now, {}, "test"))
    record(store, [*events, *(outcome(u, 1, now) for u in [*units, "tester"])])

    result = open_results(store, NAME, actor=ADA)

    assert sum(result["live"]["exposed"].values()) == 29
    assert result["live"]["crossed"] == 1
    assert result["live"]["uncounted"] == {"forced": 1, "no_unit": 1}
    assert _health(result, "replay")["status"] == "fail"
    assert _health(result, "crossover")["status"] == "fail"


def test_a_split_that_is_off_blocks_the_verdict(sqlite_store, clock):
    live = started(sqlite_store)
    now = clock()
    units = [f"user-{i}" for i in range(900)]
    kept = [u for i, u in enumerate(units) if drawn(live, u) == "A" or i % 2]
    record(sqlite_store, [e for u in kept for e in (met(live, u, now), outcome(u, 1, now))])
    clock.advance(days=8)

    result = open_results(sqlite_store, NAME, actor=ADA)

    assert _health(result, "srm")["status"] == "fail"
    assert result["verdict"]["outcome"] == "cannot_decide"


def test_more_failed_calls_in_one_variant_block_the_verdict(sqlite_store, clock):
    live = started(sqlite_store)
    now = clock()
    events, _ = product(live, now, users=400)
    broken = [call(live, f"user-{i}", now, status="failed", error_kind="timeout") for i in range(60)]
    record(sqlite_store, [*events, *(c for c in broken if c.variant == "B")])

    assert _health(open_results(sqlite_store, NAME, actor=ADA), "call_failures")["status"] == "fail"


def test_calls_measure_cost_latency_failures_and_length_without_any_outcome(store, clock):
    plan = {
        "primary": {"metric": "failed", "smallest_effect": 0.05},
        "guardrails": [
            {"metric": "latency_ms", "aggregate": "p95", "margin": 400},
            {"metric": "cost_usd", "margin": 0.1, "relative": True},
            {"metric": "answer_chars", "margin": 50},
            {"metric": "refused", "margin": 0.05},
        ],
    }
    live = started(store, live_spec(plan=plan, outcomes=[]))
    now, rng = clock(), np.random.default_rng(0)
    events = []
    for i in range(300):
        unit = f"user-{i}"
        events.append(met(live, unit, now))
        for n in range(3):
            failed = rng.random() < 0.03
            more = {"status": "failed", "cost_usd": None} if failed else {}
            kind = "refusal" if n == 0 and rng.random() < 0.3 else "answer"
            length = int(rng.integers(80, 160))
            events.append(
                call(
                    live,
                    unit,
                    now,
                    latency_ms=float(rng.lognormal(5, 0.3)),
                    response_class=kind,
                    answer_chars=length,
                    **{"cost_usd": float(rng.uniform(0.001, 0.002)), **more},
                )
            )
    record(store, events)

    result = open_results(store, NAME, actor=ADA)

    found = {(c["metric"], c["slice"]): c for c in result["comparisons"] if c["slice"] is None}
    assert {m for m, _ in found} == {"failed", "latency_ms", "cost_usd", "answer_chars", "refused"}
    assert {c["status"] for c in found.values()} == {"ok"}
    assert found[("failed", None)]["control_mean"] == pytest.approx(0.03, abs=0.02)
    assert found[("refused", None)]["control_mean"] == pytest.approx(0.1, abs=0.04)
    assert found[("latency_ms", None)]["n_units"] == 300


def test_users_without_an_event_count_as_zero_where_the_file_says_so(store, clock):
    outcomes = [{"metric": "resolved", "kind": "binary", "missing": "zero"}]
    live = started(store, live_spec(outcomes=outcomes))
    now = clock()
    units = [f"user-{i}" for i in range(200)]
    converted = [u for i, u in enumerate(units) if i % 4 == 0]
    record(store, [*(met(live, u, now) for u in units), *(outcome(u, 1, now) for u in [*converted, converted[0]])])

    found = _primary(open_results(store, NAME, actor=ADA))

    assert found["n_units"] == 200
    weighted = sum(
        found[mean] * sum(drawn(live, u) == v for u in units)
        for mean, v in (("control_mean", "A"), ("treatment_mean", "B"))
    )
    assert weighted == pytest.approx(50)


def test_a_new_phase_leaves_the_old_data_out(sqlite_store, clock):
    store = sqlite_store
    live = started(store)
    record(store, product(live, clock(), users=100)[0])
    open_results(store, NAME, actor=ADA)
    clock.advance(hours=1)
    new_phase(store, KEY, actor=ADA, reason="another split", split={"A": 50, "B": 50})
    clock.advance(hours=1)

    result = open_results(store, NAME, actor=ADA)

    assert result["live"]["phase"] == 2
    assert result["live"]["exposed"] == {}
    assert result["verdict"]["outcome"] == "cannot_decide"


def test_the_same_traffic_is_analysed_once_and_looks_are_kept(sqlite_store, clock):
    store = sqlite_store
    live = started(store)
    record(store, product(live, clock(), users=300)[0])
    first, again = (open_results(store, NAME, actor=ADA) for _ in range(2))
    assert first["analysis"]["number"] == again["analysis"]["number"] == 1
    record(store, product(live, clock(), users=50, first=300)[0])
    assert open_results(store, NAME, actor=ADA)["analysis"]["number"] == 2
    with store.read() as tx:
        assert tx.session.execute(text("SELECT count(*) FROM look")).scalar_one() == 2
    assert assign(live, "user-1").counted


def test_everybody_meets_the_challenger_on_the_terms_of_a_promotion(store, clock):
    """More data were wanted: a short word is no reason, a written one is, and stays on the books as such."""
    live = started(store)
    record(store, product(live, clock(), users=600)[0])
    clock.advance(days=8)
    assert open_results(store, NAME, actor=ADA)["verdict"]["outcome"] != "ship"

    with pytest.raises(Conflict) as refused:
        stop_live(store, KEY, actor=ADA, everyone="B", reason="because")
    assert refused.value.code == "reason_needed"
    reason = "The support team asked for it before the holidays."
    assert stop_live(store, KEY, actor=ADA, everyone="B", reason=reason).everyone == "B"

    decision = open_results(store, NAME, actor=ADA)["decisions"][0]
    assert (decision["variant"], decision["label"], decision["reason"]) == ("B", f"experiment:{KEY}", reason)
    assert "although the verdict is" in decision["against_verdict"]
    assert home_view(store).decisions[0].still_live
    assert home_view(store).decisions[0].against_verdict == decision["against_verdict"]
    with store.read() as tx:
        event = next(e for e in tx.audit.newest(5) if e.action == "live_stopped")
    assert event.details["against_verdict"] == decision["against_verdict"]
