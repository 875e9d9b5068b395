"""Nobody has to watch: a limit that is surely broken ends the test, a doubtful one pauses it, health holds it."""

import numpy as np
import pytest

from experiments.actions.live.control_live import resume_live
from experiments.actions.results.analyse import fresh_analysis
from experiments.live.assignment import assign
from experiments.views.live.config import load_live
from tests.live_builders import ADA, KEY, call, live_spec, met, outcome, record, started

NAME = "refund reply"
PLAN = {"guardrails": [{"metric": "latency_ms", "margin": 50}]}


def _traffic(live, now, *, slower, users=600, first=0):
    rng = np.random.default_rng(first)
    for i in range(first, first + users):
        unit = f"user-{i}"
        late = slower if assign(live, unit).variant == "B" else 0
        yield met(live, unit, now)
        yield outcome(unit, float(rng.random() < 0.6), now)
        yield call(live, unit, now, latency_ms=float(rng.normal(300, 40)) + late)


def _after(store, clock, **traffic):
    live = started(store, live_spec(plan=PLAN))
    record(store, _traffic(live, clock(), **traffic))
    fresh_analysis(store, NAME)
    with store.read() as tx:
        return tx.live.of_key(KEY)


def test_a_limit_that_is_surely_broken_sends_everybody_to_the_control(sqlite_store, clock):
    phase = _after(sqlite_store, clock, slower=200)

    assert (phase.state, phase.everyone) == ("stopped", "A")
    assert "The latency of B is worse" in phase.state_reason
    live = load_live(sqlite_store).tests[KEY]
    assert {assign(live, f"user-{i}").variant for i in range(50)} == {"A"}
    with sqlite_store.read() as tx:
        assert [e.actor for e in tx.audit.all() if e.action == "live_rolled_back"] == ["guard"]


def test_a_limit_in_doubt_pauses_once(sqlite_store, clock):
    store = sqlite_store
    phase = _after(store, clock, slower=55)
    assert phase.state == "paused"
    assert "perhaps more than allowed" in phase.state_reason

    resume_live(store, KEY, actor=ADA)
    live = load_live(store).tests[KEY]
    record(store, _traffic(live, clock(), slower=55, users=20, first=5000))
    fresh_analysis(store, NAME)

    with store.read() as tx:
        assert tx.live.of_key(KEY).state == "running"


@pytest.mark.parametrize("slower", [0, 20])
def test_what_is_within_the_limit_goes_on(sqlite_store, clock, slower):
    assert _after(sqlite_store, clock, slower=slower).state == "running"


def test_a_split_that_is_off_holds_the_test(sqlite_store, clock):
    live = started(sqlite_store)
    now = clock()
    units = [f"user-{i}" for i in range(900)]
    kept = [u for i, u in enumerate(units) if assign(live, u).variant == "A" or i % 2]
    record(sqlite_store, [met(live, u, now) for u in kept])

    fresh_analysis(sqlite_store, NAME)

    with sqlite_store.read() as tx:
        phase = tx.live.of_key(KEY)
    assert phase.state == "paused"
    assert "split is off" in phase.state_reason


def test_a_plan_that_is_read_once_is_guarded_all_the_same(sqlite_store, clock):
    live = started(sqlite_store, live_spec(plan={**PLAN, "stopping": "fixed", "planned_units": 5000}))
    record(sqlite_store, _traffic(live, clock(), slower=200))

    result = fresh_analysis(sqlite_store, NAME).result

    assert {c["status"] for c in result["comparisons"]} == {"not_yet"}
    with sqlite_store.read() as tx:
        assert tx.live.of_key(KEY).state == "stopped"
