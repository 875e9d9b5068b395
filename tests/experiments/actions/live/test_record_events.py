"""What live traffic told is kept once, in whatever order and however often it is delivered."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from experiments.actions.live.record_events import record_events
from experiments.actions.live.score_live import score_waiting
from experiments.live.assignment import Reason, drawn
from experiments.live.events import AnswerSample, Exposure, ShadowAsk
from storage.removal import Holdings, remove
from tests.live_builders import KEY, call, live_spec, met, outcome, record, started


def _count(store, query):
    with store.read() as tx:
        return tx.session.execute(text(query)).all()


EXPOSURES = "SELECT unit, variant, counted, crossed FROM exposure ORDER BY unit"


def test_delivering_again_changes_nothing(store, clock):
    live, now = started(store), clock()
    events = [
        *(met(live, f"u{i}", now) for i in range(5)),
        *(outcome(f"u{i}", 1, now, idempotency_key=f"k{i}") for i in range(5)),
        *(call(live, f"u{i}", now) for i in range(5)),
        met(live, None, now),
        ShadowAsk("s", now, KEY, 1, "B", "u1", "c", ({"role": "user", "content": "x"},), {}),
    ]

    for _ in range(3):
        record(store, events)

    assert len(_count(store, "SELECT id FROM exposure")) == 6
    assert len(_count(store, "SELECT id FROM outcome")) == 5
    assert len(_count(store, "SELECT id FROM gateway_call")) == 5
    assert len(_count(store, "SELECT id FROM shadow_ask")) == 1


def test_the_earliest_exposure_of_a_unit_stands_whatever_arrives_first(store, clock):
    live, now = started(store), clock()

    record(store, [met(live, "u", now + timedelta(hours=2))])
    record(store, [met(live, "u", now + timedelta(hours=1)), met(live, "u", now + timedelta(hours=3))])

    with store.read() as tx:
        phase = tx.live.of_key(KEY)
        [exposure] = tx.exposures.of_phase(phase.id)
    assert exposure.first_at == now + timedelta(hours=1)
    assert (exposure.counted, exposure.crossed, exposure.replayed) == (True, False, True)


def test_a_unit_that_meets_a_second_variant_is_marked(store, clock):
    live, now = started(store), clock()
    other = {"A": "B", "B": "A"}[drawn(live, "u")]
    wrong = Exposure("x" * 36, KEY, 1, "u", other, Reason.SPLIT, now, {}, "test")

    record(store, [met(live, "u", now), met(live, "v", now)])
    record(store, [wrong, wrong])

    with store.read() as tx:
        found = {e.unit: e for e in tx.exposures.of_phase(tx.live.of_key(KEY).id)}
    assert found["u"].crossed
    assert found["u"].variant == drawn(live, "u")
    assert not found["v"].crossed
    assert len(_count(store, "SELECT id FROM exposure_crossing")) == 1


def test_an_exposure_that_the_hash_does_not_give_is_marked(store, clock):
    live, now = started(store), clock()
    other = {"A": "B", "B": "A"}[drawn(live, "u")]

    record(store, [Exposure("y" * 36, KEY, 1, "u", other, Reason.SPLIT, now, {}, "test")])

    with store.read() as tx:
        [exposure] = tx.exposures.of_phase(tx.live.of_key(KEY).id)
    assert not exposure.replayed


def test_testers_and_units_without_a_name_are_kept_but_do_not_count(store, clock):
    live, now = started(store, live_spec(forced={"tester": "B"})), clock()

    record(store, [met(live, "tester", now), met(live, None, now), met(live, None, now), met(live, "u", now)])

    counted = [row.counted for row in _count(store, EXPOSURES)]
    assert len(counted) == 4
    assert sum(bool(c) for c in counted) == 1


def test_the_same_key_with_another_body_is_refused_and_the_first_stands(store, clock):
    started(store)
    now = clock()
    first, again, other = (
        outcome("u", value, now + timedelta(seconds=later), idempotency_key="k")
        for value, later in ((1, 0), (1, 5), (0, 6))
    )

    assert [r.code for r in record_events(store, [first, again, other])] == [None, None, "key_reused"]
    assert [r.code for r in record_events(store, [other, again])] == ["key_reused", None]
    assert [row.value for row in _count(store, "SELECT value FROM outcome")] == [1.0]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (lambda now: outcome("u", 1, now, experiment="nobody"), "no_such_live_test"),
        (lambda now: outcome("u", 1, now, metric="resovled"), "unknown_metric"),
        (lambda now: outcome("u", 0.5, now), "not_yes_or_no"),
        (lambda now: Exposure("z", KEY, 9, "u", "A", "split", now, {}, "test"), "no_such_live_test"),
        (lambda now: Exposure("z", KEY, 1, "u", "C", "split", now, {}, "test"), "no_such_variant"),
    ],
)
def test_what_fits_nothing_is_refused_and_the_rest_is_kept(store, clock, event, code):
    live, now = started(store), clock()

    results = record_events(store, [met(live, "u", now), event(now), outcome("u", 1, now)])

    assert [r.code for r in results] == [None, code, None]
    assert len(_count(store, "SELECT id FROM outcome")) == 1


def test_a_sampled_answer_waits_for_its_scores(store, clock):
    live, now = started(store), clock()

    record(store, [call(live, "u", now, sample=AnswerSample("Hi", variables={"ticket": "x"})), call(live, "v", now)])

    states = {row.score_state for row in _count(store, "SELECT score_state FROM gateway_call")}
    assert states == {"waiting", None}


def test_an_experiment_is_removed_with_its_traffic(store, clock):
    live, now = started(store), clock()
    said = AnswerSample("Hi", variables={"ticket": "x"})
    ask = ShadowAsk("s", now, KEY, 1, "B", "u", "c", (), {})
    record(store, [met(live, "u", now), outcome("u", 1, now), call(live, "u", now, sample=said), ask])
    score_waiting(store)

    with store.begin() as tx:
        remove(tx, Holdings([], [], [tx.experiments.by_name("refund reply").id]))

    left = "SELECT (SELECT count(*) FROM exposure) + (SELECT count(*) FROM outcome) + (SELECT count(*) FROM live_phase)"
    assert _count(store, left)[0][0] == 0
