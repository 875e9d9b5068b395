"""Live tests: started with guards, ramped without moving anybody, paused, stopped, drawn anew; all of it on the books."""

import pytest

from experiments.actions.live.control_live import (
    force_unit,
    freeze_live,
    new_phase,
    pause_live,
    ramp_live,
    resume_live,
)
from experiments.actions.live.start_live import start_live
from experiments.actions.live.stop_live import stop_live
from experiments.actions.registry.roll_back import set_label
from experiments.errors import BakeoffError, Forbidden
from experiments.live.assignment import LiveState, Reason, assign
from experiments.views.live.config import live_version, load_live
from experiments.vocabulary import Actor, Role
from tests.builders import made
from tests.live_builders import ADA, KEY, live_spec, made_live, started

WHY = "The applications send the new fields since Monday."
GONE = "azure/gpt-4"  # withdrawn in June 2025
UNITS = [f"user-{i}" for i in range(400)]


def _test(store, key=KEY):
    return load_live(store).tests[key]


def _counted(live):
    return {unit: a.variant for unit in UNITS if (a := assign(live, unit)).counted}


def _code(call):
    with pytest.raises(BakeoffError) as refused:
        call()
    return refused.value.code


def test_starting_locks_the_plan_and_serves_both_variants(store):
    experiment = made_live(store)
    start_live(store, experiment.name, actor=ADA)

    live = _test(store)

    assert set(_counted(live).values()) == {"A", "B"}
    assert live.served["B"].messages[0]["content"].endswith("next step.")
    assert live.served["A"].content_hash != live.served["B"].content_hash
    with store.read() as tx:
        stored = tx.experiments.by_name(experiment.name)
        assert stored.locked_at is not None
        assert stored.state == "running"
        assert {"live_started", "plan_locked"} <= {e.action for e in tx.audit.all()}


def test_starting_twice_is_starting_once(store):
    started(store)
    seed = _test(store).seed
    start_live(store, "refund reply", actor=ADA)
    assert _test(store).seed == seed


def test_a_ramp_adds_users_and_moves_none(store):
    live = started(store, live_spec(enrol=5))
    before = _counted(live)
    for step in (10, 25, 50, 100):
        ramp_live(store, KEY, step, actor=ADA)
        now = _counted(_test(store))
        assert before.items() <= now.items()
        before = now
    assert len(before) == len(UNITS)


def test_tests_of_one_layer_share_no_unit_and_a_third_finds_no_room(store):
    started(store, live_spec(layer="checkout", enrol=50))
    started(store, live_spec("second", key="second", layer="checkout", enrol=30))
    first, second = _counted(_test(store)), _counted(_test(store, "second"))
    assert first
    assert second
    assert not set(first) & set(second)
    third = made_live(store, live_spec("third", key="third", layer="checkout", enrol=30))
    assert _code(lambda: start_live(store, third.name, actor=ADA)) == "layer_full"
    assert _code(lambda: ramp_live(store, KEY, 80, actor=ADA)) == "layer_full"
    stop_live(store, "second", actor=ADA)
    ramp_live(store, KEY, 80, actor=ADA)
    assert first.items() <= _counted(_test(store)).items()


def test_one_key_and_one_prompt_belong_to_one_test_at_a_time(store):
    started(store)
    same_key = made_live(store, live_spec("other"))
    assert _code(lambda: start_live(store, same_key.name, actor=ADA)) == "key_taken"
    same_prompt = made_live(store, live_spec("again", key="again").model_copy(update={"promotes": "refund-reply"}))
    assert _code(lambda: start_live(store, same_prompt.name, actor=ADA)) == "prompt_in_test"


def test_without_a_live_section_there_is_nothing_to_start(store):
    made(store)
    assert _code(lambda: start_live(store, "sums", actor=ADA)) == "not_live"


def test_pausing_sends_all_to_the_control_and_resuming_brings_them_back(store):
    before = _counted(started(store))
    paused = pause_live(store, KEY, actor=ADA, reason="odd answers")
    live = _test(store)
    assert {assign(live, u).variant for u in UNITS} == {"A"}
    assert paused.pauses[0][1] == ""
    resumed = resume_live(store, KEY, actor=ADA)
    assert _counted(_test(store)) == before
    assert resumed.pauses[0][1] != ""


def test_frozen_counts_nobody_new(store):
    started(store)
    freeze_live(store, KEY, actor=ADA)
    assert _test(store).state is LiveState.FROZEN
    assert _counted(_test(store)) == {}
    assert assign(_test(store), "user-1").reason is Reason.FROZEN


def test_stopping_sends_everybody_to_the_control(store):
    started(store)
    stop_live(store, KEY, actor=ADA, reason="enough")
    live = _test(store)
    assert {assign(live, u).variant for u in UNITS} == {"A"}
    assert _code(lambda: stop_live(store, KEY, actor=ADA)) == "not_running"
    assert _code(lambda: start_live(store, "refund reply", actor=ADA)) == "was_stopped"


def test_a_new_phase_draws_anew(store):
    before = _counted(started(store))
    new_phase(store, KEY, actor=ADA, reason="the split was wrong", split={"A": 80, "B": 20})
    live = _test(store)
    assert live.phase == 2
    now = _counted(live)
    assert now != before
    assert list(now.values()).count("B") < 120
    assert _code(lambda: new_phase(store, KEY, actor=ADA, reason="why not", split={"A": 1})) == "bad_split"


def test_testers_can_be_named_and_let_go(store):
    live = started(store, live_spec(enrol=0))
    assert assign(live, "me").reason is Reason.NOT_ENROLLED
    force_unit(store, KEY, "me", "B", actor=ADA)
    assert assign(_test(store), "me").variant == "B"
    force_unit(store, KEY, "me", None, actor=ADA)
    assert assign(_test(store), "me").reason is Reason.NOT_ENROLLED


def test_every_change_is_seen_by_its_version(store):
    started(store, live_spec(enrol=5))
    seen = [live_version(store)]
    for change in (
        lambda: ramp_live(store, KEY, 10, actor=ADA),
        lambda: pause_live(store, KEY, actor=ADA),
        lambda: resume_live(store, KEY, actor=ADA),
        lambda: stop_live(store, KEY, actor=ADA),
    ):
        change()
        seen.append(live_version(store))
        assert load_live(store).version == seen[-1]
    assert len(set(seen)) == 5


@pytest.mark.parametrize(
    "ask",
    [
        lambda store, who: start_live(store, "refund reply", actor=who),
        lambda store, who: ramp_live(store, KEY, 10, actor=who),
        lambda store, who: pause_live(store, KEY, actor=who),
        lambda store, who: resume_live(store, KEY, actor=who),
        lambda store, who: freeze_live(store, KEY, actor=who),
        lambda store, who: stop_live(store, KEY, actor=who),
        lambda store, who: new_phase(store, KEY, actor=who, reason="because"),
        lambda store, who: force_unit(store, KEY, "u", "B", actor=who),
    ],
)
def test_who_may_only_look_changes_nothing(sqlite_store, ask):
    started(sqlite_store)
    version = live_version(sqlite_store)
    with pytest.raises(Forbidden):
        ask(sqlite_store, Actor("eve", Role.VIEWER))
    assert live_version(sqlite_store) == version


def test_sending_all_to_a_challenger_needs_the_right_to_promote(sqlite_store):
    started(sqlite_store)
    with pytest.raises(Forbidden):
        stop_live(sqlite_store, KEY, actor=Actor("ed", Role.EDITOR), everyone="B")
    assert stop_live(sqlite_store, KEY, actor=Actor("ed", Role.EDITOR)).everyone == "A"


def test_nobody_is_sent_to_a_challenger_that_the_data_cannot_carry(store):
    started(store)
    assert _code(lambda: stop_live(store, KEY, actor=ADA, everyone="B", reason=WHY)) == "verdict_refuses"
    assert _test(store).state is LiveState.RUNNING
    with store.read() as tx:
        refused = tx.audit.newest(1)[0]
    assert (refused.action, refused.details["code"]) == ("promotion_refused", "verdict_refuses")


def test_everybody_meets_what_production_serves_already_without_a_second_decision(store):
    started(store)
    set_label(store, "refund-reply", label="production", at="2", actor=ADA)
    stop_live(store, KEY, actor=ADA, everyone="B")
    assert {assign(_test(store), u).variant for u in UNITS} == {"B"}
    with store.read() as tx:
        assert tx.evidence.decisions() == []


def _live_of(first: dict, second: dict):
    spec = live_spec()
    variants = [
        {"name": "A", "prompt": "Reply to {{ticket}}.", "model": "demo/small", **first},
        {"name": "B", "prompt": "Reply kindly to {{ticket}}.", "model": "demo/small", **second},
    ]
    return type(spec).model_validate({**spec.model_dump(mode="json"), "variants": variants})


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ({}, {"prompt": "Reply to {{question}}."}, "variables"),
        ({}, {"prompt": "Reply to {{ticket}} in {{tone}}."}, "variables"),
        ({}, {"model": GONE}, "withdrawn"),
        ({"model": GONE}, {}, "withdrawn"),
    ],
)
def test_a_start_that_callers_would_notice_needs_a_written_reason(sqlite_store, first, second, word):
    experiment = made_live(sqlite_store, _live_of(first, second))
    with pytest.raises(BakeoffError) as refused:
        start_live(sqlite_store, experiment.name, actor=ADA, reason="short")
    assert refused.value.code == "reason_needed"
    assert word in refused.value.message
    start_live(sqlite_store, experiment.name, actor=ADA, reason=WHY)
    with sqlite_store.read() as tx:
        assert next(e for e in tx.audit.newest(3) if e.action == "live_started").details["reason"] == WHY


JUDGE = {"judge": {"name": "helpful", "model": "demo/judge", "rubric": "Is it helpful?", "scale": "pass_fail"}}
LIMIT = {"metric": "helpful", "margin": 0.05}


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        (
            {"scorers": [JUDGE], "plan": {"primary": {"metric": "helpful", "smallest_effect": 0.05}}},
            "judge_not_ready",
            "judge",
        ),
        (
            {
                "scorers": [JUDGE],
                "plan": {"primary": {"metric": "resolved", "smallest_effect": 0.05}, "guardrails": [LIMIT]},
            },
            "judge_not_ready",
            "judge",
        ),
        (
            {
                "ratings": [{"metric": "kind", "kind": "pairwise"}],
                "plan": {"primary": {"metric": "kind", "smallest_effect": 0.05}},
            },
            "not_measured_live",
            "rates",
        ),
        (
            {
                "scorers": ["exact_match"],
                "plan": {"primary": {"metric": "exact_match", "smallest_effect": 0.05}},
            },
            "not_measured_live",
            "reference",
        ),
    ],
)
def test_a_live_test_that_nobody_would_ever_measure_does_not_start(sqlite_store, changes, code, word):
    spec = live_spec()
    given = {**spec.model_dump(mode="json"), **changes}
    experiment = made_live(sqlite_store, type(spec).model_validate(given))
    with pytest.raises(BakeoffError) as refused:
        start_live(sqlite_store, experiment.name, actor=ADA)
    assert refused.value.code == code
    assert word in refused.value.message
    assert load_live(sqlite_store).tests == {}


def test_a_judge_beside_the_plan_does_not_keep_a_live_test_from_starting(sqlite_store):
    spec = live_spec()
    given = {**spec.model_dump(mode="json"), "scorers": [JUDGE]}
    given["plan"] = {**given["plan"], "secondary": ["helpful"]}
    experiment = made_live(sqlite_store, type(spec).model_validate(given))
    assert start_live(sqlite_store, experiment.name, actor=ADA).state == LiveState.RUNNING
