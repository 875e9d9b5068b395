"""A live test whose plan decides on a judge: who may start it, what judging costs, and who corrects it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from experiments.actions.installation.change_settings import set_monthly_budget
from experiments.actions.live.draw_answers import draw_answers, question_of
from experiments.actions.live.judge_live import DEAD_AFTER, LiveJudges
from experiments.actions.live.score_live import score_waiting
from experiments.actions.live.start_live import start_live
from experiments.actions.live.stop_live import stop_live
from experiments.actions.live.work_live import LiveWorker
from experiments.actions.results.analyse import fresh_analysis
from experiments.completions import CompletionSettings, open_completions
from experiments.errors import BakeoffError, Conflict
from experiments.judges import bind_judge
from experiments.live.events import AnswerSample
from experiments.loading.live import measures
from experiments.loading.runs.budget import month_start
from experiments.views.live.config import load_live
from tests import fake_judges
from tests.experiments.actions.test_judge_cards import JUDGE, judged
from tests.fake_provider import FakeProvider
from tests.live_builders import ADA, KEY, SEED, call, live_spec, made_live, met, record
from tests.rating_builders import arrived, rate_everything, served

NAME = "refund reply"


def spec_with_judge(*, score_share=100.0, budget=None, judge=None, prices=None, **live):
    spec = live_spec(plan={"primary": {"metric": "right", "smallest_effect": 0.05}}, score_share=score_share, **live)
    limits = {} if budget is None else {"limits": {"judge_budget_usd": budget}}
    given = {**spec.model_dump(mode="json"), "scorers": [{"judge": {**JUDGE, **(judge or {})}}], **limits}
    given["prices"] = (
        prices if prices is not None else {JUDGE["model"]: {"input_per_million": 0.5, "output_per_million": 1}}
    )
    return type(spec).model_validate(given)


@pytest.fixture
def allowed(monkeypatch):
    """Any judge may decide: what its card says has tests of its own."""
    monkeypatch.setattr(measures, "refuse_unready", lambda *_given: None)


def _started(store, **changes):
    made_live(store, spec_with_judge(**changes))
    start_live(store, NAME, actor=ADA, seed=SEED)
    return load_live(store).tests[KEY]


def _answered(store, live, now, users, *, mark="MARK"):
    """Users with a sampled answer each, the same share of good ones in both variants."""
    events = []
    for i in range(users):
        one = call(live, f"u{i}", now)
        style = mark if one.variant == "B" else ""
        said = AnswerSample(f"{'GOOD' if i % 3 else 'BAD'} {style} {i}", variables={"ticket": f"t{i}"})
        events += [met(live, f"u{i}", now), call(live, f"u{i}", now, id=f"c{i}", sample=said)]
    record(store, events)
    score_waiting(store, limit=users + 1)


def _judge(store, verdict=fake_judges.good, *, rounds=200, environ=None, worker="w"):
    async def go(env):
        completions = open_completions(CompletionSettings.from_env(env), environ=env)
        judges = LiveJudges(store, completions, worker)
        try:
            return sum([await judges.judge_some() for _ in range(rounds)])
        finally:
            await completions.aclose()

    if environ is not None:
        return asyncio.run(go(environ))
    with FakeProvider(responder=fake_judges.playing(verdict)) as provider:
        rounds_done = asyncio.run(go({"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": "sk-test"}))
        return rounds_done


def _rows(store, query):
    with store.read() as tx:
        return tx.session.execute(text(query)).all()


def _refused(store):
    with pytest.raises(BakeoffError) as refused:
        start_live(store, NAME, actor=ADA)
    return refused.value


def test_a_judge_that_nobody_compared_with_people_starts_no_live_test(sqlite_store):
    made_live(sqlite_store, spec_with_judge())
    refused = _refused(sqlite_store)
    assert (refused.code, "50" in refused.hint) == ("judge_not_ready", True)


def test_a_judge_that_agrees_with_people_may_start_one(sqlite_store):
    assert judged(sqlite_store, fake_judges.good, good=(0.45, 0.75))["judges"][0]["usable"]
    assert _started(sqlite_store).key == KEY


def test_a_judge_whose_card_says_no_starts_no_live_test(sqlite_store):
    assert not judged(sqlite_store, fake_judges.random_verdict)["judges"][0]["usable"]
    made_live(sqlite_store, spec_with_judge())
    assert _refused(sqlite_store).code == "judge_not_ready"
    assert "may not decide" in _refused(sqlite_store).message


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"score_share": 0}, "sampled"),
        ({"judge": {"pairwise": True}}, "two answers"),
        ({"judge": {"reference": True}}, "reference"),
        ({"prices": {}}, "price"),
        ({"judge": {"scale": {1: "useless", 5: "solves it"}}}, "grades"),
    ],
)
def test_a_judge_without_anything_to_go_by_starts_no_live_test(sqlite_store, changes, word):
    made_live(sqlite_store, spec_with_judge(**changes))
    refused = _refused(sqlite_store)
    assert (refused.code, word in refused.message) == ("judge_not_ready", True)


@pytest.mark.usefixtures("allowed")
def test_answers_are_judged_once_each_on_the_books_as_judge(store, clock):
    live = _started(store)
    before = _rows(store, "SELECT count(*) FROM attempt")[0][0]
    _answered(store, live, clock(), 30)

    _judge(store, rounds=8)
    _judge(store, rounds=2)

    assert _rows(store, "SELECT count(*), count(DISTINCT call_id) FROM live_score WHERE value IS NOT NULL")[0] == (
        30,
        30,
    )
    states = {
        row.state: row
        for row in _rows(store, "SELECT state, count(*) n, sum(cost_usd) usd FROM live_judgement GROUP BY state")
    }
    assert (set(states), states["done"].n) == ({"done"}, 30)
    [(spent,)] = _rows(store, "SELECT judge_spent_usd FROM live_phase")
    [(purpose, booked, calls)] = _rows(store, "SELECT purpose, usd, calls FROM live_spend WHERE purpose = 'judge'")
    assert spent > 0
    assert (purpose, calls) == ("judge", 30)
    assert booked == pytest.approx(spent) == pytest.approx(states["done"].usd)
    assert _rows(store, "SELECT count(*) FROM attempt")[0][0] == before
    with store.read() as tx:
        assert tx.installation.spent_since(month_start(tx.clock())) == pytest.approx(spent)


@pytest.mark.usefixtures("allowed")
def test_judging_stops_within_its_budget_and_the_answers_wait(store, clock):
    live = _started(store, budget=0.002)
    _answered(store, live, clock(), 30)

    _judge(store, rounds=6)

    [(spent,)] = _rows(store, "SELECT judge_spent_usd FROM live_phase")
    [(waiting,)] = _rows(store, "SELECT count(*) FROM gateway_call WHERE score_state = 'judging'")
    assert 0 < spent <= 0.002
    assert waiting > 0
    [check] = [c for c in fresh_analysis(store, NAME).result["health"] if c["check"] == "judge"]
    assert f"{waiting} answers wait" in check["message"]


@pytest.mark.usefixtures("allowed")
def test_a_worker_that_dies_leaves_its_call_counted_and_what_was_paid_is_not_paid_again(store, clock, monkeypatch):
    live = _started(store)
    _answered(store, live, clock(), 1)

    class Died(Exception):
        """The process is gone."""

    def dies(*_args):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(LiveJudges, "_keep", dies)  # after the answer was paid, before its score
        with pytest.raises(Died):
            _judge(store, rounds=1)
    _judge(store, rounds=1)
    assert _rows(store, "SELECT state, number FROM live_judgement") == [("done", 1)]
    assert len(_rows(store, "SELECT id FROM live_score")) == 1

    said = AnswerSample("GOOD again", variables={"ticket": "t"})
    record(store, [met(live, "late", clock()), call(live, "late", clock(), id="late", sample=said)])
    score_waiting(store)
    with monkeypatch.context() as patch:
        patch.setattr(LiveJudges, "_ended", dies)  # while the call is out
        with pytest.raises(Died):
            _judge(store, rounds=1)
    _judge(store, rounds=2, worker="another")
    assert [r.state for r in _rows(store, "SELECT state FROM live_judgement WHERE call_id = 'late'")] == ["sending"]
    clock.advance(seconds=DEAD_AFTER.total_seconds() + 1)
    _judge(store, rounds=2, worker="another")
    tries = _rows(store, "SELECT state, cost_usd FROM live_judgement WHERE call_id = 'late' ORDER BY number")
    assert [t.state for t in tries] == ["unknown", "done"]
    assert tries[0].cost_usd > 0
    [(spent,)] = _rows(store, "SELECT judge_spent_usd FROM live_phase")
    assert spent == pytest.approx(_rows(store, "SELECT sum(cost_usd) FROM live_judgement")[0][0])


@pytest.mark.usefixtures("allowed")
def test_an_answer_waits_while_the_judges_provider_is_away(sqlite_store, clock):
    live = _started(sqlite_store)
    _answered(sqlite_store, live, clock(), 3)
    away = {"OPENAI_API_BASE": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk-test"}

    assert _judge(sqlite_store, environ=away, rounds=3) == 0

    assert {r.state for r in _rows(sqlite_store, "SELECT state FROM live_judgement")} == {"failed"}
    assert len(_rows(sqlite_store, "SELECT id FROM live_judgement")) == 3  # then it waits
    assert _rows(sqlite_store, "SELECT judge_spent_usd FROM live_phase")[0][0] == pytest.approx(0)
    _judge(sqlite_store, rounds=2)
    assert _rows(sqlite_store, "SELECT count(*) FROM live_score")[0][0] == 3


@pytest.mark.usefixtures("allowed")
def test_two_workers_at_once_pay_for_each_verdict_once(store, clock):
    live = _started(store)
    _answered(store, live, clock(), 24)

    async def go(environ):
        completions = open_completions(CompletionSettings.from_env(environ), environ=environ)
        try:
            workers = [LiveJudges(store, completions, name) for name in ("one", "two")]
            for _ in range(8):
                await asyncio.gather(*(worker.judge_some() for worker in workers))
        finally:
            await completions.aclose()

    with FakeProvider(responder=fake_judges.playing(fake_judges.good)) as provider:
        asyncio.run(go({"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": "sk-test"}))

    calls = _rows(store, "SELECT call_id, count(*) n, sum(cost_usd) usd FROM live_judgement GROUP BY call_id")
    assert {c.n for c in calls} == {1}
    assert len(calls) == len(_rows(store, "SELECT id FROM live_score")) == 24
    [(spent,)] = _rows(store, "SELECT judge_spent_usd FROM live_phase")
    assert spent == pytest.approx(sum(c.usd for c in calls))


@pytest.mark.usefixtures("allowed")
def test_judging_obeys_the_budget_of_the_month(sqlite_store, clock):
    live = _started(sqlite_store)
    _answered(sqlite_store, live, clock(), 20)
    set_monthly_budget(sqlite_store, 0.002, actor=ADA)

    _judge(sqlite_store, rounds=5)

    with sqlite_store.read() as tx:
        assert 0 < tx.installation.spent_since(month_start(tx.clock())) <= 0.002
    assert _rows(sqlite_store, "SELECT count(*) FROM gateway_call WHERE score_state = 'judging'")[0][0] > 0


@pytest.mark.usefixtures("allowed")
def test_a_live_worker_judges_beside_its_other_work_until_the_test_is_stopped(sqlite_store, clock):
    demo = {"judge": {"model": "demo/judge"}, "prices": {}}
    live = _started(sqlite_store, **demo)

    def work():
        async def go():
            completions = open_completions(CompletionSettings.from_env({"BAKEOFF_DEMO_TIME_SCALE": "0"}), environ={})
            worker = LiveWorker(sqlite_store, completions, "w", lambda _experiment: asyncio.sleep(0))
            while await worker.work_once():
                pass
            await completions.aclose()

        asyncio.run(go())

    _answered(sqlite_store, live, clock(), 12)
    work()
    assert _rows(sqlite_store, "SELECT count(*) FROM live_score")[0][0] == 12
    said = AnswerSample("GOOD", variables={"ticket": "t"})
    record(sqlite_store, [met(live, "late", clock()), call(live, "late", clock(), id="late", sample=said)])
    stop_live(sqlite_store, KEY, actor=ADA)
    work()
    assert _rows(sqlite_store, "SELECT count(*) FROM live_score")[0][0] == 12


@pytest.mark.usefixtures("allowed")
def test_a_judge_that_only_chats_leaves_a_reason(sqlite_store, clock):
    live = _started(sqlite_store)
    _answered(sqlite_store, live, clock(), 1)

    _judge(sqlite_store, lambda _texts, _share: fake_judges.Raw("Nice!"), rounds=2)

    [(value, reason)] = _rows(sqlite_store, "SELECT value, reason FROM live_score")
    assert value is None
    assert "no verdict" in reason


def _rate(store, session):
    """One rater says of every drawn answer what it is worth."""
    with TestClient(served(store)) as client:
        return rate_everything(arrived(client, session), lambda task: "up" if "GOOD" in str(task) else "down")


def _health(result):
    return {c["check"]: c for c in result["health"]}


@pytest.mark.usefixtures("allowed")
def test_a_judge_alone_cannot_decide(store, clock):
    live = _started(store)
    _answered(store, live, clock(), 160)
    _judge(store, fake_judges.biased, rounds=30)

    result = fresh_analysis(store, NAME).result

    assert result["verdict"]["outcome"] == "cannot_decide"
    assert _health(result)["judge"]["status"] == "fail"
    assert "uncorrected" in _health(result)["judge"]["message"]
    [told] = result["live"]["judged"]
    assert told["corrected"] is None
    assert told["raw"]["B"] - told["raw"]["A"] > 0.2


@pytest.mark.usefixtures("allowed")
def test_people_who_rate_a_random_few_correct_the_judge(store, clock):
    live = _started(store)
    _answered(store, live, clock(), 160)
    _judge(store, fake_judges.biased, rounds=30)

    drawn = draw_answers(store, KEY, actor=ADA, answers=80)
    before = fresh_analysis(store, NAME)
    assert before.result["verdict"]["outcome"] == "cannot_decide"
    _rate(store, drawn.session)
    result = fresh_analysis(store, NAME).result

    assert (drawn.answers, drawn.share) == (80, pytest.approx(1 / 2))
    assert _health(result)["judge"]["status"] == "ok"
    [told] = result["live"]["judged"]
    assert sum(told["rated"].values()) == 80
    [primary] = [c for c in result["comparisons"] if c["role"] == "primary" and c["slice"] is None]
    assert told["raw"]["B"] - told["raw"]["A"] > 0.2
    assert primary["estimate"] == pytest.approx(told["corrected"]["B"] - told["corrected"]["A"])
    assert primary["lower"] < 0 < primary["upper"]  # both are equally good
    assert result["verdict"]["outcome"] != "ship"
    again = draw_answers(store, KEY, actor=ADA, answers=80)
    with store.read() as tx:
        phase = tx.live.of_key(KEY)
        first, second = tx.live_judging.draws(phase.id)
    assert again.share == pytest.approx(1)
    assert not set(first["call_ids"]) & set(second["call_ids"])


@pytest.mark.usefixtures("allowed")
def test_nothing_is_drawn_before_a_judge_has_scored(sqlite_store, clock):
    _started(sqlite_store)
    with pytest.raises(Conflict, match="no answers"):
        draw_answers(sqlite_store, KEY, actor=ADA)
    with pytest.raises(BakeoffError, match="no judge 'other'"):
        draw_answers(sqlite_store, KEY, actor=ADA, metric="other")


def test_every_scale_of_a_judge_becomes_a_question_for_people():
    def asked(**more):
        return question_of(bind_judge({"judge": {**JUDGE, **more}}))

    assert asked().kind == "thumbs"
    assert asked(scale={n: f"word {n}" for n in range(1, 6)}).anchors["5"] == "word 5"
    odd = asked(scale={0: "no", 10: "yes"})
    assert [c.score for c in odd.categories] == [0.0, 10.0]
    assert [c.label for c in asked(categories={"rude": 0, "polite": 1}).categories] == ["rude", "polite"]
    with pytest.raises(BakeoffError, match="verdicts"):
        asked(scale=dict.fromkeys(range(12), "x"))
    assert asked().leaks == "mask"
