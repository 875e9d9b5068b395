"""How a result may be read: once, at any time, or not yet."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.plans.plan import Plan
from experiments.results.analysis import analyse
from experiments.results.peeking import Look, as_looks, how_to_read, narrowed
from experiments.stats.estimates import Comparison
from tests.experiments.analysis_tables import METRICS, normal_scores, plan


def read(given: Plan, n: int, **more: Any) -> tuple[bool | None, float | None]:
    """(watched, alpha), or (None, None) while only progress is shown."""
    looks = as_looks(more.pop("looks", ()))
    how = how_to_read(
        given, n_units=n, planned_units=more.pop("planned", None), live=more.pop("live", False), looks=looks, **more
    )
    return (None, None) if how.reading is None else (how.reading.sequential, round(how.reading.alpha, 4))


FIXED, WATCHED, HYBRID = (plan(stopping=s) for s in ("fixed", "sequential", "hybrid"))


@pytest.mark.parametrize(
    ("given", "n", "more", "expected"),
    [
        (FIXED, 300, {}, (False, 0.05)),
        (FIXED, 200, {"planned": 300}, (None, None)),
        (FIXED, 300, {"planned": 300}, (False, 0.05)),
        (FIXED, 300, {"planned": 300, "looks": [300]}, (False, 0.05)),
        (FIXED, 400, {"planned": 300, "looks": [300]}, (True, 0.05)),
        (FIXED, 400, {"looks": [200]}, (True, 0.05)),
        (WATCHED, 50, {"planned": 300}, (True, 0.05)),
        (WATCHED, 300, {"planned": 300}, (True, 0.05)),
        (HYBRID, 200, {"planned": 300}, (True, 0.01)),
        (HYBRID, 300, {"planned": 300}, (False, 0.05)),
        (HYBRID, 300, {"planned": 300, "looks": [100, 200]}, (False, 0.04)),
        (HYBRID, 400, {"planned": 300, "looks": [300]}, (True, 0.05)),
        (FIXED, 5000, {"live": True}, (True, 0.05)),
        (FIXED, 500, {"live": True, "planned": 1000}, (None, None)),
        (FIXED, 1000, {"live": True, "planned": 1000}, (False, 0.05)),
        (WATCHED, 1000, {"live": True, "planned": 1000}, (True, 0.05)),
    ],
)
def test_the_plan_and_the_looks_decide_how_a_result_is_read(
    given: Plan, n: int, more: dict[str, Any], expected: tuple[bool | None, float | None]
) -> None:
    assert read(given, n, **more) == expected


def test_more_repeats_on_the_same_rows_are_a_look() -> None:
    once = Look(300, n_values=600)

    assert read(FIXED, 300, n_values=1200, looks=[once]) == (True, 0.05)


def test_retrying_a_few_failed_rows_is_no_new_look() -> None:
    once = Look(300, n_values=594)

    assert read(FIXED, 300, n_values=600, looks=[once]) == (False, 0.05)


def test_the_smaller_of_two_planned_sizes_counts() -> None:
    how = how_to_read(plan(planned_units=500), n_units=300, planned_units=300, live=False, looks=())

    assert (how.target, how.complete) == (300, True)


def test_an_unplanned_watched_run_keeps_the_horizon_of_its_first_look() -> None:
    how = how_to_read(WATCHED, n_units=900, planned_units=None, live=False, looks=[Look(120)])

    assert how.reading is not None
    assert how.reading.horizon == 120


def test_a_look_survives_storage() -> None:
    look = Look(40, 80, True, {("score", "mean", "B"): (0.1, 0.9, 0.03, 0.03)})

    assert Look.from_json(look.to_json()) == look


def analysed(
    n: int, looks: tuple[Look, ...] = (), *, gain: float = 0.3, stopping: str = "sequential"
) -> tuple[Comparison, Look]:
    found = analyse(
        normal_scores(400, gain=gain).query("unit_id in @units", local_dict={"units": [f"u{i}" for i in range(n)]}),
        plan=plan("score", stopping=stopping, planned_units=400),
        metrics=METRICS,
        control="A",
        looks=looks,
    )
    return found.comparisons[0], found.as_look()


def test_what_an_earlier_look_ruled_out_stays_ruled_out() -> None:
    early, look = analysed(300)
    alone, _ = analysed(310)
    both, _ = analysed(310, (look,))

    assert both.lower == max(early.lower, alone.lower)
    assert both.upper == min(early.upper, alone.upper)
    assert both.p_value == min(early.p_value, alone.p_value)  # type: ignore[type-var]


def test_looks_that_do_not_meet_are_told_and_not_joined() -> None:
    now, _ = analysed(200)
    elsewhere = Look(100, 0, True, {("score", "mean", "B"): (5.0, 6.0, 0.0001, 0.0001)})

    found = narrowed(now, [elsewhere])

    assert (found.lower, found.upper) == (now.lower, now.upper)
    assert "changed over time" in found.warnings[-1]


def test_a_fixed_reading_is_not_narrowed_by_looks() -> None:
    _, look = analysed(400, stopping="fixed")

    again, _ = analysed(400, (look,), stopping="fixed")

    assert not again.sequential


def test_progress_shows_no_number() -> None:
    found, look = analysed(200, stopping="fixed")

    assert found.status == "not_yet"
    assert (found.estimate, found.control_mean, found.p_value) == (None, None, None)
    assert look.intervals == {}
