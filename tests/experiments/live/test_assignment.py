"""Which variant a unit meets: fixed for ever, fair, and still where the traffic grows."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.live.assignment import (
    BUCKETS,
    LiveState,
    LiveTest,
    Reason,
    assign,
    cumulative_limits,
    drawn,
    enrolled,
    exposure_id,
    plain_value,
    sampled,
    slices_of,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "assignment.json"
UNITS = [f"user-{i}" for i in range(10_000)]


def _live(**changes) -> LiveTest:
    given = {
        "key": "refund-reply",
        "experiment": "refund reply",
        "phase": 1,
        "seed": "seed-1",
        "control": "A",
        "variants": ("A", "B"),
        "limits": cumulative_limits([50, 50]),
        "served": {},
    }
    return LiveTest(**{**given, **changes})


def _share(live: LiveTest, per_cent: float) -> LiveTest:
    return replace(live, enrolled=((0, round(BUCKETS * per_cent / 100)),))


def golden_tests() -> dict[str, LiveTest]:
    return {
        "even": _live(),
        "three to one, a third of the layer, a holdout": _live(
            seed="seed-2",
            variants=("A", "B", "C"),
            limits=cumulative_limits([60, 20, 20]),
            layer="checkout",
            enrolled=((BUCKETS // 3, 2 * BUCKETS // 3),),
            holdout=BUCKETS // 20,
        ),
    }


def test_golden_vectors_hold():
    """They may never change: a unit that met B once meets B again, whatever version of us answers."""
    golden = json.loads(GOLDEN.read_text("utf-8"))
    for name, live in golden_tests().items():
        met = [assign(live, unit) for unit in UNITS]
        rows = [[u, a.variant, a.reason, a.exposure] for u, a in zip(UNITS, met, strict=True)]
        assert rows[: len(golden[name]["rows"])] == golden[name]["rows"]
        assert hashlib.sha256(json.dumps(rows).encode()).hexdigest() == golden[name]["sha256"]


def test_the_split_is_fair():
    shares = [assign(_live(limits=cumulative_limits([90, 10])), unit).variant for unit in UNITS]
    assert abs(shares.count("B") / len(UNITS) - 0.10) < 4 * (0.1 * 0.9 / len(UNITS)) ** 0.5


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=8).filter(lambda w: sum(w) > 0))
def test_weights_become_limits_that_hold_every_bucket(weights):
    limits = cumulative_limits(weights)
    assert limits[-1] == BUCKETS
    assert list(limits) == sorted(limits)
    starts = (0, *limits[:-1])
    for weight, start, end in zip(weights, starts, limits, strict=True):
        assert (end - start) / BUCKETS == pytest.approx(weight / sum(weights), abs=1e-9)


@pytest.mark.parametrize("weights", [[0, 0], [1, -1]])
def test_weights_that_split_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        cumulative_limits(weights)


def test_a_ramp_moves_nobody_who_was_assigned():
    before: dict[str, str] = {}
    for per_cent in (1, 5, 10, 25, 50, 100):
        live = _share(_live(), per_cent)
        counted = {unit: a.variant for unit in UNITS if (a := assign(live, unit)).counted}
        assert before.items() <= counted.items()
        assert abs(len(counted) / len(UNITS) - per_cent / 100) < 0.02
        before = counted


def test_who_takes_part_says_nothing_about_the_variant():
    live = _share(_live(), 50)
    inside = [drawn(live, unit) == "B" for unit in UNITS if enrolled(live, unit)]
    outside = [drawn(live, unit) == "B" for unit in UNITS if not enrolled(live, unit)]
    assert abs(sum(inside) / len(inside) - sum(outside) / len(outside)) < 0.04


def test_a_new_phase_draws_anew_among_the_same_units():
    first, second = _share(_live(), 50), _share(_live(phase=2, seed="seed-2"), 50)
    assert [enrolled(first, u) for u in UNITS] == [enrolled(second, u) for u in UNITS]
    same = sum(drawn(first, u) == drawn(second, u) for u in UNITS)
    assert abs(same / len(UNITS) - 0.5) < 0.02


def test_tests_of_one_layer_share_no_unit():
    half = BUCKETS // 2
    first = _live(layer="checkout", enrolled=((0, half),))
    second = _live(key="other", seed="other", layer="checkout", enrolled=((half, BUCKETS),))
    parts = [(assign(first, u).counted, assign(second, u).counted) for u in UNITS]
    assert all(a != b for a, b in parts)


def test_a_holdout_meets_the_control_in_every_test_of_the_layer():
    held = [
        {u for u in UNITS if assign(_live(seed=seed, layer="l", holdout=BUCKETS // 10), u).reason is Reason.HOLDOUT}
        for seed in ("one", "two")
    ]
    assert held[0] == held[1]
    assert abs(len(held[0]) / len(UNITS) - 0.1) < 0.02


def test_without_a_unit_it_is_the_control_and_never_counted():
    for unit in (None, ""):
        found = assign(_live(), unit)
        assert (found.variant, found.reason, found.counted) == ("A", Reason.NO_UNIT, False)


def test_testers_meet_what_they_were_promised_but_do_not_count():
    live = _live(forced={"tester": "B"}, enrolled=())
    found = assign(live, "tester")
    assert (found.variant, found.reason, found.counted) == ("B", Reason.FORCED, False)
    assert found.exposure == exposure_id(live, "tester", "B")


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({"plan": "pro", "seats": 3, "trial": True}, Reason.SPLIT),
        ({"plan": "pro", "seats": "3", "trial": "true"}, Reason.SPLIT),
        ({"plan": "pro", "seats": 3.0, "trial": True}, Reason.SPLIT),
        ({"plan": "pro", "seats": 3, "trial": 1}, Reason.NOT_TARGETED),
        ({"plan": "free", "seats": 3, "trial": True}, Reason.NOT_TARGETED),
        ({"plan": "pro"}, Reason.NOT_TARGETED),
        ({}, Reason.NOT_TARGETED),
    ],
)
def test_targeting_needs_every_attribute(context, reason):
    wanted = {"plan": frozenset({"pro", "team"}), "seats": frozenset({"3"}), "trial": frozenset({"true"})}
    assert assign(_live(targeting=wanted), "user-1", context).reason is reason


def test_a_pause_sends_all_to_the_control_and_resuming_gives_each_the_same_again():
    live = _live()
    paused = replace(live, state=LiveState.PAUSED)
    assert {assign(paused, u).variant for u in UNITS[:100]} == {"A"}
    assert [assign(replace(paused, state=LiveState.RUNNING), u) for u in UNITS[:100]] == [
        assign(live, u) for u in UNITS[:100]
    ]


def test_after_the_end_everybody_meets_one_variant():
    stopped = _live(state=LiveState.STOPPED, everyone="B", forced={"tester": "A"})
    found = {assign(stopped, u) for u in [*UNITS[:50], "tester", None]}
    assert {(a.variant, a.counted, a.exposure) for a in found} == {("B", False, "")}


def test_frozen_keeps_everybody_where_they_are_and_counts_nobody_new():
    live = _live()
    for unit in UNITS[:100]:
        was, now = assign(live, unit), assign(replace(live, state=LiveState.FROZEN), unit)
        assert (now.variant, now.exposure, now.reason, now.counted) == (was.variant, was.exposure, Reason.FROZEN, False)


def test_exposures_are_told_apart_by_unit_phase_and_variant():
    lives = [_live(), _live(seed="seed-2")]
    ids = {exposure_id(live, unit, variant) for live in lives for unit in UNITS[:500] for variant in "AB"}
    assert len(ids) == 2_000
    assert assign(lives[0], "user-1").exposure == exposure_id(lives[0], "user-1", drawn(lives[0], "user-1"))


@given(st.text())
def test_any_text_is_a_unit(unit):
    assert assign(_live(), unit) == assign(_live(), unit)


def test_a_sample_is_the_share_that_was_asked_for_and_stays():
    taken = {unit for unit in UNITS if sampled(0.1, unit)}
    assert abs(len(taken) / len(UNITS) - 0.1) < 0.015
    assert taken <= {unit for unit in UNITS if sampled(0.2, unit)}
    assert not any(sampled(0, unit) for unit in UNITS[:100])
    assert all(sampled(1, unit) for unit in UNITS[:100])


def test_slices_keep_the_attributes_that_the_test_names():
    live = _live(slices=("plan", "paid"))
    assert slices_of(live, {"plan": "pro", "paid": True, "secret": "x"}) == {"plan": "pro", "paid": "true"}
    assert slices_of(live, None) == {}
    assert plain_value(2.5) == "2.5"
