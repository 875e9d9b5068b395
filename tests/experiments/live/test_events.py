"""What live traffic tells, as values: checked at the door, the same after a stay on disk."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from experiments.errors import BakeoffError
from experiments.live.assignment import LiveTest, Served, Shadow, assign, cumulative_limits
from experiments.live.config import LabelledPrompt, LiveConfig
from experiments.live.events import (
    AnswerSample,
    GatewayCall,
    ShadowAsk,
    checked_outcome,
    event_from_json,
    exposure_of,
    is_counted,
    outcome_id,
)

NOW = datetime(2026, 3, 2, 9, 0, 0, 250, tzinfo=UTC)
SERVED = Served("reply", 3, "hash", ({"role": "user", "content": "Hi {{x}}"},), "demo/small", {"temperature": 0.2})
LIVE = LiveTest(
    key="refund-reply",
    experiment="Refund reply",
    phase=2,
    seed="seed",
    control="A",
    variants=("A", "B"),
    limits=cumulative_limits([50, 50]),
    served={"A": SERVED, "B": SERVED},
    targeting={"plan": frozenset({"pro", "team"})},
    forced={"tester": "B"},
    slices=("plan",),
    shadow=Shadow(("B",), 0.1),
)


def _outcome(**changes):
    given = {"experiment": "refund-reply", "unit": "u", "metric": "resolved", "value": 1.0, "received_at": NOW}
    return checked_outcome(**{**given, **changes})


def _exposure(unit="user-1"):
    context = {"plan": "pro", "other": 1}
    return exposure_of(LIVE, unit, assign(LIVE, unit, context), context, at=NOW, source="chat")


@pytest.mark.parametrize(
    "event",
    [
        _exposure(),
        _exposure(unit=None),
        _outcome(sent_at=NOW - timedelta(hours=1), exposure="e", idempotency_key="k", denominator=3),
        _outcome(),
        GatewayCall("c", NOW, "reply", 3, "demo/small", "ok", 12.5, sample=AnswerSample("Hi", ({"role": "user"},))),
        GatewayCall("c", NOW, "reply", None, "demo/small", "failed", 1.0, error_kind="timeout"),
        ShadowAsk("s", NOW, "refund-reply", 2, "B", "user-1", "c", ({"role": "user", "content": "x"},), {"x": "1"}),
    ],
)
def test_an_event_survives_a_stay_on_disk(event):
    assert event_from_json(json.loads(json.dumps(event.to_json()))) == event


@pytest.mark.parametrize("broken", [{}, {"event": "other"}, {"event": "exposure", "id": "x"}])
def test_what_is_no_event_is_refused(broken):
    with pytest.raises((ValueError, KeyError, TypeError)):
        event_from_json(broken)


def test_only_units_that_the_split_drew_are_counted():
    assert is_counted(_exposure())
    assert not is_counted(_exposure(unit="tester"))
    assert not is_counted(_exposure(unit=None))
    assert _exposure().slices == {"plan": "pro"}


def test_a_unit_has_one_exposure_however_often_it_comes_and_nobody_has_many():
    assert _exposure().id == _exposure().id
    assert _exposure(unit=None).id != _exposure(unit=None).id


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"unit": ""}, "bad_unit"),
        ({"unit": "a\x00b"}, "bad_unit"),
        ({"unit": "\ud800"}, "bad_unit"),
        ({"metric": "m" * 121}, "bad_metric"),
        ({"value": float("nan")}, "not_finite"),
        ({"value": float("inf")}, "not_finite"),
        ({"denominator": 0}, "bad_denominator"),
        ({"sent_at": datetime(2026, 1, 1)}, "bad_time"),  # noqa: DTZ001
        ({"idempotency_key": ""}, "bad_key"),
    ],
)
def test_an_outcome_that_cannot_be_stored_is_refused(changes, code):
    with pytest.raises(BakeoffError) as refused:
        _outcome(**changes)
    assert refused.value.code == code


def test_the_same_key_means_the_same_outcome_and_the_body_tells_a_repetition_from_another():
    first, again = _outcome(idempotency_key="k"), _outcome(idempotency_key="k", received_at=NOW + timedelta(hours=1))
    other = _outcome(idempotency_key="k", value=0.0)
    assert first.id == again.id == other.id == outcome_id("refund-reply", "k")
    assert first.body_hash() == again.body_hash() != other.body_hash()
    assert _outcome().id != _outcome().id


def test_the_time_that_the_application_gave_counts():
    east = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    assert _outcome(sent_at=east).at == datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    assert _outcome().at == NOW


def test_the_configuration_survives_a_stay_on_disk():
    config = LiveConfig("7", {LIVE.key: LIVE}, {"reply": LabelledPrompt({"production": 3}, {3: SERVED})})
    again = LiveConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert assign(again.tests["refund-reply"], "user-7", {"plan": "pro"}) == assign(LIVE, "user-7", {"plan": "pro"})


def test_a_label_or_a_number_finds_the_version():
    prompt = LabelledPrompt({"production": 3}, {3: SERVED})
    assert prompt.at("production") == prompt.at("3") == SERVED
    assert prompt.at("staging") is None
    assert prompt.at("4") is None
