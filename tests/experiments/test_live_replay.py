"""Stored exposures are drawn again: what somebody changed in the database is found, wherever it stands."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from experiments.actions.live.control_live import force_unit, freeze_live, new_phase, ramp_live
from experiments.errors import NotFound
from experiments.live.assignment import Reason, drawn, exposure_id
from experiments.live.events import Exposure
from experiments.views.live import live_replay
from experiments.views.live.config import load_live
from experiments.views.live.live_replay import ReplayFault, replay_live
from tests.live_builders import ADA, KEY, days, live_spec, met, record, started

UNITS = [f"user-{i}" for i in range(40)]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(live_replay, "BATCH", 7)


@pytest.fixture
def live(store, clock):
    """Two phases of traffic: testers, units without a name, some of the second met while it was frozen."""
    first = started(store, live_spec(forced={"tester": "B"}))
    record(store, [met(first, unit, clock()) for unit in [*UNITS, "tester", None, None]])
    new_phase(store, KEY, actor=ADA, reason="another split", split={"A": 80, "B": 20})
    second = load_live(store).tests[KEY]
    record(store, [met(second, unit, clock()) for unit in UNITS])
    ramp_live(store, KEY, 10, actor=ADA)
    freeze_live(store, KEY, actor=ADA)
    record(store, [met(replace(second, state="frozen"), f"late-{i}", clock()) for i in range(5)])
    return second


def tamper(store, sql, **values):
    with store.begin() as tx:
        assert tx.session.execute(text(sql), values).rowcount == 1


def other(variant):
    return {"A": "B", "B": "A"}[variant]


@pytest.mark.usefixtures("live")
def test_untouched_exposures_of_all_phases_are_drawn_again(store):
    found = replay_live(store, KEY)

    assert (found.phases, found.looked_at, found.drawn) == (2, 40 + 3 + 40 + 5, 40 + 40 + 5)
    assert (found.ok, found.mismatches, found.first) == (True, 0, ())
    assert replay_live(store, "refund reply") == found


def test_a_variant_that_was_changed_is_found(store, live):
    unit = "user-23"
    tamper(
        store,
        "UPDATE exposure SET variant = :variant WHERE unit = :unit"
        " AND phase_id = (SELECT id FROM live_phase WHERE number = 2)",
        unit=unit,
        variant=other(drawn(live, unit)),
    )

    found = replay_live(store, KEY)

    assert (found.ok, found.mismatches) == (False, 1)
    [mismatch] = found.first
    assert (mismatch.phase, mismatch.unit, mismatch.fault) == (2, unit, ReplayFault.VARIANT)
    assert (mismatch.variant, mismatch.drawn) == (other(drawn(live, unit)), drawn(live, unit))


def test_a_unit_that_was_changed_is_found_even_when_its_draw_is_the_same(store, live):
    twin = next(f"x-{i}" for i in range(99) if drawn(live, f"x-{i}") == drawn(live, "user-5"))
    tamper(
        store,
        "UPDATE exposure SET unit = :twin WHERE unit = 'user-5'"
        " AND phase_id = (SELECT id FROM live_phase WHERE number = 2)",
        twin=twin,
    )

    assert [(m.unit, m.fault) for m in replay_live(store, KEY).first] == [(twin, ReplayFault.ID)]


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("which", ["unit = 'tester'", "id = (SELECT min(id) FROM exposure WHERE unit IS NULL)"])
def test_somebody_who_was_made_to_count_is_found(store, which):
    tamper(store, f"UPDATE exposure SET counted = true WHERE {which}")

    found = replay_live(store, KEY)

    assert (found.mismatches, found.first[0].phase, found.first[0].fault) == (1, 1, ReplayFault.COUNTED)


@pytest.mark.usefixtures("live")
def test_a_seed_that_was_changed_makes_its_phase_false(store):
    tamper(store, "UPDATE live_phase SET seed = 'another' WHERE number = 1")

    found = replay_live(store, KEY)

    assert found.mismatches == 41
    assert len(found.first) == live_replay.MOST_SHOWN
    assert {m.phase for m in found.first} == {1}


def test_a_second_variant_that_the_hash_never_gave_is_found(store, clock, live):
    unit = UNITS[0]
    wrong = other(drawn(live, unit))
    event = Exposure(exposure_id(live, unit, wrong), KEY, 2, unit, wrong, Reason.SPLIT, clock(), {}, "test")
    record(store, [event])

    assert [(m.unit, m.variant, m.fault) for m in replay_live(store, KEY).first] == [(unit, wrong, ReplayFault.VARIANT)]


def test_a_user_who_became_a_tester_is_no_mismatch(store, clock):
    live, now = started(store), clock()
    unit = UNITS[0]
    record(store, [met(live, unit, now)])
    force_unit(store, KEY, unit, other(drawn(live, unit)), actor=ADA)
    record(store, [met(load_live(store).tests[KEY], unit, now + days(1))])

    found = replay_live(store, KEY)

    assert (found.looked_at, found.drawn, found.ok) == (2, 1, True)


def test_a_test_that_does_not_exist_is_named(store):
    with pytest.raises(NotFound):
        replay_live(store, "nobody")
