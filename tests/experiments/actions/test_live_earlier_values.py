"""Scores that users reported before they met a variant sharpen the comparison; sums by the database."""

from collections import defaultdict

import numpy as np
import pytest

from experiments.actions.live.control_live import new_phase
from experiments.actions.live.design_live import live_design, start_designed_live
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.results.open_results import open_results
from experiments.experiment_file import ExperimentSpec, OutcomeSpec
from experiments.live.assignment import drawn
from experiments.prompts.content import text_prompt
from experiments.stats.covariates import SeveralEarlier, cuped, cuped_ratio, with_several
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums
from experiments.views.live.config import load_live
from tests.live_builders import ADA, KEY, days, live_spec, met, outcome, record, started

NAME = "refund reply"
ADJUSTED = {"metric": "minutes_saved", "kind": "score", "before_days": 14}
PLAN = {"primary": {"metric": "minutes_saved", "smallest_effect": 0.5}, "stopping": "sequential"}


def spec(plan=None, **more):
    return live_spec(plan={**PLAN, **(plan or {})}, outcomes=[{**ADJUSTED, **more}])


def minutes(unit, value, at):
    """An outcome that happened at a time, however late it arrives."""
    return outcome(unit, float(value), at, metric="minutes_saved", sent_at=at)


def product(live, now, *, users=200, known=0.75, gain=1.0, seed=3):
    """Users with a level of their own, most of whom reported before; and (after, before or None) of each by variant."""
    rng = np.random.default_rng(seed)
    events, held = [], defaultdict(list)
    for number in range(users):
        unit = f"user-{number}"
        variant, level, before = drawn(live, unit), rng.normal(10, 3), None
        events.append(met(live, unit, now, plan="pro" if number % 2 else "free"))
        if rng.random() < known:
            earlier = rng.normal(level, 1, 2)
            events += [minutes(unit, value, now - days(1 + i)) for i, value in enumerate(earlier)]
            before = earlier.mean()
        after = rng.normal(level + (gain if variant == "B" else 0), 1, 1 + number % 3)
        events += [minutes(unit, value, now + days(i / 10)) for i, value in enumerate(after)]
        held[variant].append((after.mean(), before))
    return events, held


def by_hand(held):
    """The arms' sums from the users' own numbers, gaps filled by the mean."""
    centre = np.mean([x for users in held.values() for _, x in users if x is not None])
    return [
        UnitSums.of(np.array([y for y, _ in held[v]]), x=np.array([centre if x is None else x for _, x in held[v]]))
        for v in "AB"
    ]


def _primary(result, label=None):
    return next(c for c in result["comparisons"] if c["role"] == "primary" and c["slice"] == label)


@pytest.mark.parametrize("stopping", ["fixed", "sequential"])
def test_the_database_adjusts_as_the_users_own_numbers_do(store, clock, stopping):
    live = started(store, spec({"stopping": stopping, "planned_units": 200}))
    events, held = product(live, clock())
    record(store, events)

    result = open_results(store, NAME, actor=ADA)

    reading = Reading(0.05, 200 if stopping == "sequential" else None)
    hand, found = cuped(*by_hand(held), reading=reading), _primary(result)
    assert (found["status"], found["method"], found["n_units"]) == ("ok", "cuped_welch_t", 200)
    assert (found["estimate"], found["lower"], found["upper"], found["p_value"]) == pytest.approx(
        (hand.estimate, hand.lower, hand.upper, hand.p_value)
    )
    assert found["details"]["variance_saved"] == pytest.approx(hand.details["variance_saved"])
    assert found["details"]["variance_saved"] > 0.4
    assert _primary(result, "plan=pro")["method"] == "cuped_welch_t"


def test_the_verdict_says_how_much_was_saved(sqlite_store, clock):
    live = started(sqlite_store, spec())
    record(sqlite_store, product(live, clock(), users=400)[0])
    clock.advance(days=8)

    verdict = open_results(sqlite_store, NAME, actor=ADA)["verdict"]

    assert verdict["outcome"] == "ship", verdict
    assert "own values from before explain" in verdict["detail"]


def test_without_asking_nothing_is_adjusted_and_nothing_is_said(sqlite_store, clock):
    live = started(sqlite_store, spec(before_days=None))
    record(sqlite_store, product(live, clock())[0])
    clock.advance(days=8)

    result = open_results(sqlite_store, NAME, actor=ADA)

    assert _primary(result)["method"] == "welch_t"
    assert "from before" not in result["verdict"]["detail"]


def test_only_what_came_strictly_before_and_not_too_long_ago_is_used(store, clock):
    live, now = started(store, spec()), clock()
    units = [f"user-{i}" for i in range(120)]
    rng = np.random.default_rng(0)
    events = [met(live, unit, now) for unit in units]
    events += [minutes(unit, rng.normal(), now) for unit in units]
    events += [minutes(unit, rng.normal(), now - days(20)) for unit in units]
    record(store, events)

    found = _primary(open_results(store, NAME, actor=ADA))

    assert (found["method"], found["n_units"]) == ("welch_t", 120)


def test_what_was_reported_in_an_earlier_phase_counts_as_before(store, clock):
    live = started(store, spec())
    record(store, product(live, clock(), known=0.0)[0])
    clock.advance(days=2)
    new_phase(store, KEY, actor=ADA, reason="drawn anew")
    clock.advance(days=1)
    again, now = load_live(store).tests[KEY], clock()
    rng = np.random.default_rng(1)
    units = [f"user-{i}" for i in range(200)]
    record(store, [e for u in units for e in (met(again, u, now), minutes(u, rng.normal(10, 3), now))])

    result = open_results(store, NAME, actor=ADA)

    assert result["live"]["phase"] == 2
    assert _primary(result)["method"] == "cuped_welch_t"


def test_a_total_is_adjusted_for_the_total_from_before(store, clock):
    live, now = started(store, spec(missing="zero")), clock()
    rng = np.random.default_rng(5)
    events, held = [], defaultdict(list)
    for number in range(200):
        unit = f"user-{number}"
        counts = rng.poisson(rng.gamma(2, 1), 2)
        events.append(met(live, unit, now))
        events += [minutes(unit, 1, now - days(1)) for _ in range(counts[0])]
        events += [minutes(unit, 1, now + days(0.1)) for _ in range(counts[1])]
        held[drawn(live, unit)].append((float(counts[1]), float(counts[0])))
    record(store, events)

    found = _primary(open_results(store, NAME, actor=ADA))

    hand = cuped(*by_hand(held), reading=Reading(0.05, 5000))
    assert (found["method"], found["n_units"]) == ("cuped_welch_t", 200)
    assert (found["estimate"], found["lower"]) == pytest.approx((hand.estimate, hand.lower))


def test_a_design_without_the_key_reads_and_hashes_as_ever():
    plain = OutcomeSpec(metric="minutes_saved", kind="score")

    assert plain.model_dump(mode="json") == {
        "metric": "minutes_saved",
        "kind": "score",
        "direction": "higher",
        "missing": "exclude",
    }
    assert OutcomeSpec.model_validate(OutcomeSpec(**ADJUSTED).model_dump(mode="json")).before_days == 14


@pytest.mark.parametrize(("kind", "before_days"), [("score", 14), ("binary", None)])
def test_a_score_of_a_test_begun_on_the_page_looks_two_weeks_back(sqlite_store, kind, before_days):
    for text in ("Reply to {{ticket}}.", "Reply to {{ticket}}. End with the next step."):
        save_prompt(sqlite_store, "reply", text_prompt(text, model="demo/small"), actor=ADA)
    choices = {"name": "kinder", "prompt": "reply", "control": 1, "challenger": 2, "metric": "minutes_saved"}

    start_designed_live(sqlite_store, live_design(**choices, kind=kind, smallest_effect=0.5, enrol=5), actor=ADA)

    with sqlite_store.read() as tx:
        live = ExperimentSpec.model_validate(tx.experiments.by_name("kinder").spec).live
    assert live.outcomes[0].before_days == before_days


def _by_hand_of_several(held):
    """Arms from (y, n, x …) of each user: x centred over all, gaps 0, and one value from before made of them."""
    arms = {v: [np.array(column, dtype=float) for column in zip(*held[v], strict=True)] for v in "AB"}
    xs = {v: np.column_stack(arms[v][2:]) for v in "AB"}
    centre = np.nanmean(np.concatenate(list(xs.values())), axis=0)
    xs = {v: np.nan_to_num(xs[v] - centre) for v in "AB"}
    plain = {v: UnitSums.of(arms[v][0], arms[v][1]) for v in "AB"}
    sums = {
        v: SeveralEarlier(xs[v].sum(0), xs[v].T @ xs[v], xs[v].T @ arms[v][0], xs[v].T @ arms[v][1], 0) for v in "AB"
    }
    return with_several(plain, sums).values()


def test_the_database_adjusts_for_several_values_as_the_users_own_numbers_do(store, clock):
    likes = {"metric": "likes", "kind": "binary"}
    adjusted = {**ADJUSTED, "before_with": ["activity", "likes"]}
    live = started(store, live_spec(plan=PLAN, outcomes=[adjusted, likes]))
    rng, now, events, held = np.random.default_rng(8), clock(), [], defaultdict(list)
    for number in range(260):
        unit = f"user-{number}"
        variant, level, often = drawn(live, unit), rng.normal(10, 3), int(rng.integers(0, 4))
        events.append(met(live, unit, now))
        earlier = rng.normal(level, 2, often)
        liked = [float(rng.random() < 0.5 + 0.04 * (level - 10)) for _ in range(number % 3)]
        events += [minutes(unit, value, now - days(1 + i)) for i, value in enumerate(earlier)]
        events += [
            outcome(unit, value, now - days(2 + i), metric="likes", sent_at=now - days(2 + i))
            for i, value in enumerate(liked)
        ]
        after = level + 0.5 * often + rng.normal() + (variant == "B")
        events.append(minutes(unit, after, now + days(0.1)))
        means = [np.mean(values) if len(values) else np.nan for values in (earlier, liked)]
        held[variant].append((after, 1.0, means[0], float(often), means[1]))
    record(store, events)

    found = _primary(open_results(store, NAME, actor=ADA))
    hand = cuped(*_by_hand_of_several(held), reading=Reading(0.05, 5_000))
    assert found["method"] == "cuped_welch_t"
    assert (found["estimate"], found["lower"], found["upper"]) == pytest.approx(
        (hand.estimate, hand.lower, hand.upper), rel=1e-6
    )
    assert found["details"]["variance_saved"] == pytest.approx(hand.details["variance_saved"], rel=1e-6)


def test_the_database_adjusts_a_ratio_as_the_users_own_numbers_do(store, clock):
    solved = {"metric": "solved", "kind": "ratio", "before_days": 14}
    plan = {"primary": {"metric": "solved", "smallest_effect": 0.02}, "stopping": "sequential"}
    live = started(store, live_spec(plan=plan, outcomes=[solved]))
    rng, now, events, held = np.random.default_rng(9), clock(), [], defaultdict(list)
    for number in range(300):
        unit = f"user-{number}"
        variant, level = drawn(live, unit), rng.beta(3, 3)
        events.append(met(live, unit, now))
        before, after = rng.integers(0, 6), 1 + rng.integers(0, 6)
        values = {}
        for name, size, start in (("before", before, now - days(3)), ("after", after, now)):
            values[name] = rng.random(size) < level
            events += [
                outcome(unit, float(value), start + days(i / 10), metric="solved", sent_at=start + days(i / 10))
                for i, value in enumerate(values[name])
            ]
        held[variant].append((values["after"].sum(), after, values["before"].sum(), before))
    record(store, events)

    found = _primary(open_results(store, NAME, actor=ADA))
    hand = cuped_ratio(*_by_hand_of_several(held), reading=Reading(0.05, 5_000))
    assert found["method"] == "cuped_ratio"
    assert (found["estimate"], found["lower"], found["upper"]) == pytest.approx(
        (hand.estimate, hand.lower, hand.upper), rel=1e-6
    )
    assert found["details"]["variance_saved"] > 0.05
