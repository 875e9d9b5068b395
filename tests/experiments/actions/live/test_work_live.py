"""What workers do for live tests: sampled answers are scored, challengers answer in silence, the guard looks."""

import asyncio

import pytest
from sqlalchemy import text

from experiments.actions.live.score_live import score_waiting
from experiments.actions.live.work_live import LiveWorker
from experiments.actions.results.open_results import open_results
from experiments.completions import CompletionSettings, open_completions
from experiments.live.events import AnswerSample, ShadowAsk
from tests.live_builders import ADA, KEY, call, live_spec, met, record, started

NAME = "refund reply"
SCORED = {"scorers": ({"regex": {"pattern": "(?i)next", "name": "names_next"}},)}


def _spec(**live):
    spec = live_spec(plan={"primary": {"metric": "cost_usd", "smallest_effect": 0.001}}, **live)
    return type(spec).model_validate(
        {**spec.model_dump(mode="json"), "scorers": [{"regex": {"pattern": "(?i)next", "name": "names_next"}}]}
    )


def _ask(number, now, variables=None):
    given = {"ticket": "a broken lamp"} if variables is None else variables
    return ShadowAsk(f"s{number}", now, KEY, 1, "B", f"u{number}", "c", ({"role": "user", "content": "Hi"},), given)


def _work(store, analysed=None):
    async def go():
        completions = open_completions(CompletionSettings.from_env({"BAKEOFF_DEMO_TIME_SCALE": "0"}), environ={})

        async def analyse(experiment_id):
            analysed.append(experiment_id)

        worker = LiveWorker(store, completions, "w", analyse)
        while await worker.work_once():
            pass
        if analysed is not None:
            await worker.look()
            await worker.look()
        await completions.aclose()

    asyncio.run(go())


def _rows(store, query):
    with store.read() as tx:
        return tx.session.execute(text(query)).all()


def test_sampled_answers_become_a_metric_of_their_users(store, clock):
    live = started(store, _spec())
    now = clock()
    for i in range(80):
        said = AnswerSample("The next step is …" if i % 4 else "Sorry.", variables={"ticket": "x"})
        record(store, [met(live, f"u{i}", now), call(live, f"u{i}", now, sample=said)])

    assert score_waiting(store, limit=60) == 60
    assert score_waiting(store, limit=60) == 20
    assert score_waiting(store) == 0

    arms = {
        (a["metric"], a["variant"]): a
        for a in open_results(store, NAME, actor=ADA)["arms"]
        if a["metric"] == "names_next"
    }
    assert sum(a["n_units"] for a in arms.values()) == 80
    assert _rows(store, "SELECT count(*) FROM live_score")[0][0] == 80


def test_a_challenger_answers_in_silence_and_within_its_budget(store, clock):
    spec = _spec(enrol=0, shadow={"share": 100, "budget_usd": 0.0005})
    started(store, spec)
    now = clock()
    record(store, [_ask(i, now) for i in range(40)])

    _work(store)

    states = dict(_rows(store, "SELECT state, count(*) FROM shadow_ask GROUP BY state"))
    assert set(states) == {"done", "skipped"}
    [(spent,)] = _rows(store, "SELECT shadow_spent_usd FROM live_phase")
    assert 0 < spent <= 0.0005
    calls = _rows(store, "SELECT variant, shadow, status, cost_usd FROM gateway_call")
    assert len(calls) == states["done"]
    assert sum(c.cost_usd for c in calls) == pytest.approx(spent)
    assert {(c.variant, bool(c.shadow), c.status) for c in calls} == {("B", True, "ok")}
    assert _rows(store, "SELECT count(*) FROM live_score")[0][0] == states["done"]


def test_what_a_challenger_cannot_be_asked_is_skipped_with_its_reason(sqlite_store, clock):
    started(sqlite_store, _spec(shadow={"share": 100, "budget_usd": 1}))
    record(sqlite_store, [_ask(1, clock(), variables={})])

    _work(sqlite_store)

    assert [tuple(r) for r in _rows(sqlite_store, "SELECT state, reason FROM shadow_ask")] == [
        ("skipped", "The variable {{ticket}} has no value.")
    ]


def test_the_guard_looks_when_traffic_has_changed(sqlite_store, clock):
    live = started(sqlite_store)
    record(sqlite_store, [met(live, "u", clock())])
    analysed = []

    _work(sqlite_store, analysed)

    assert len(analysed) == 1
