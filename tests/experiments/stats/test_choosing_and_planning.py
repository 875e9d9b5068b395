"""The table that chooses, and the sizes that are planned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.results.comparisons import independent, paired
from experiments.stats import power
from experiments.stats.estimates import NotEstimable, State
from experiments.stats.methods import METHODS, Facts, Method, Shape, choose, methods_table_markdown
from experiments.vocabulary import Design, MetricKind

SPREADS = st.sampled_from(
    [
        power.paired_repeats(0.16, 0.0, 0.0, repeats=1),
        power.paired_yes_no(0.25),
        power.independent_yes_no(0.6),
        power.independent_score(1.2),
        power.preference(0.3),
    ]
)


def chosen(kind: MetricKind, shape: Shape, units: int, *, design: Design = Design.PAIRED, **more: object) -> object:
    facts = Facts(design=design, kind=kind, aggregate="mean", shape=shape, independent_units=units, **more)  # type: ignore[arg-type]
    found = choose(facts)
    return found.name if isinstance(found, Method) else found.state


@pytest.mark.parametrize(
    ("kind", "shape", "units", "more", "name"),
    [
        (MetricKind.BINARY, Shape.YES_NO, 400, {}, "mcnemar_newcombe"),
        (MetricKind.BINARY, Shape.YES_NO, 400, {"guardrail": True}, "mcnemar_tango"),
        (MetricKind.BINARY, Shape.ROWS, 400, {}, "paired_t"),
        (MetricKind.SCORE, Shape.ROWS, 20, {}, "paired_t"),
        (MetricKind.SCORE, Shape.ROWS, 19, {}, "sign_flip"),
        (MetricKind.SCORE, Shape.ROWS, 400, {"even": False}, "t_and_sign_flip"),
        (MetricKind.SCORE, Shape.ROWS, 5, {}, State.TOO_FEW_UNITS),
        (MetricKind.SCORE, Shape.CLUSTERS, 15, {}, "paired_cluster_t"),
        (MetricKind.SCORE, Shape.CLUSTERS, 14, {}, "cluster_t_and_sign_flip"),
        (MetricKind.SCORE, Shape.CLUSTERS, 5, {}, State.TOO_FEW_CLUSTERS),
        (MetricKind.ORDINAL, Shape.ROWS, 300, {}, "sign_flip"),
        (MetricKind.PREFERENCE, Shape.ONE_VOTE, 50, {}, "sign_test"),
        (MetricKind.PREFERENCE, Shape.VOTES, 50, {}, "paired_t"),
        (MetricKind.COST, Shape.ROWS, 300, {"watched": True}, "paired_always_valid"),
        (MetricKind.COST, Shape.ROWS, 29, {"watched": True}, State.TOO_FEW_UNITS),
    ],
)
def test_paired_rows_get_the_method_of_the_table(
    kind: MetricKind, shape: Shape, units: int, more: dict[str, object], name: object
) -> None:
    assert chosen(kind, shape, units, **more) == name


@pytest.mark.parametrize(
    ("kind", "shape", "units", "more", "name"),
    [
        (MetricKind.BINARY, Shape.YES_NO, 29, {}, "boschloo_newcombe"),
        (MetricKind.BINARY, Shape.YES_NO, 30, {}, "score_newcombe"),
        (MetricKind.BINARY, Shape.YES_NO, 30, {"guardrail": True}, "score_miettinen_nurminen"),
        (MetricKind.BINARY, Shape.REQUESTS, 50, {}, "delta_ratio"),
        (MetricKind.BINARY, Shape.REQUESTS, 49, {}, State.TOO_FEW_UNITS),
        (MetricKind.SCORE, Shape.USERS, 30, {}, "welch_t"),
        (MetricKind.SCORE, Shape.BEFORE, 30, {}, "cuped_welch_t"),
        (MetricKind.ORDINAL, Shape.USERS, 20, {}, "brunner_munzel"),
        (MetricKind.RATIO, Shape.REQUESTS, 60, {"watched": True}, "delta_ratio"),
    ],
)
def test_different_users_get_the_method_of_the_table(
    kind: MetricKind, shape: Shape, units: int, more: dict[str, object], name: object
) -> None:
    assert chosen(kind, shape, units, design=Design.INDEPENDENT, **more) == name


def test_a_metric_that_no_row_fits_is_named() -> None:
    facts = Facts(
        design=Design.PAIRED,
        kind=MetricKind.PREFERENCE,
        aggregate="p95",
        shape=Shape.VOTES,
        independent_units=500,
    )

    found = choose(facts)

    assert isinstance(found, NotEstimable)


def test_every_method_of_the_table_is_computed_somewhere() -> None:
    ranks = {"brunner_munzel", "brunner_munzel_permutation"}
    known = {*paired.COMPUTE, *independent.COMPUTE, *ranks, "cluster_jackknife_t", "cluster_placements_t"}

    assert {method.name for method in METHODS} == known


def test_the_table_prints_one_line_per_row() -> None:
    lines = methods_table_markdown().splitlines()

    assert len(lines) == 2 + len(METHODS)
    assert all(line.count("|") == lines[0].count("|") for line in lines)


@settings(deadline=None, max_examples=40)
@given(SPREADS, st.floats(0.01, 0.2), st.sampled_from([0.8, 0.9]))
def test_units_effect_and_power_are_three_views_of_one_formula(
    spread: power.Spread, effect: float, wanted: float
) -> None:
    error = power.Error(power=wanted)

    units = power.units_needed(spread, effect, error)

    assert power.power_at(spread, units, effect, error) == pytest.approx(wanted, abs=1e-9)
    assert power.detectable_effect(spread, units, error) == pytest.approx(effect, rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(SPREADS, st.floats(0.02, 0.15))
def test_more_units_show_smaller_effects(spread: power.Spread, effect: float) -> None:
    error = power.Error()

    assert power.units_needed(spread, effect / 2, error) > power.units_needed(spread, effect, error)


def test_no_effect_needs_endlessly_many_units() -> None:
    assert power.units_needed(power.paired_repeats(1.0, 0.0, 0.0, repeats=1), 0.0, power.Error()) == math.inf


def test_too_few_units_show_no_effect_of_the_scale() -> None:
    assert power.detectable_effect(power.paired_yes_no(0.1), 5, power.Error()) is None


def test_the_planned_size_has_its_power_in_a_simulation() -> None:
    rng = np.random.default_rng(0)
    units = math.ceil(power.units_needed(power.paired_yes_no(0.3), 0.1, power.Error()))
    fixed, broken = rng.binomial(units, 0.2, 4000), rng.binomial(units, 0.1, 4000)

    z = (fixed - broken) / np.sqrt(np.maximum(fixed + broken, 1))

    assert (z > 1.96).mean() == pytest.approx(0.8, abs=0.03)


def test_challengers_share_alpha_and_guardrails_share_the_miss() -> None:
    shared = power.Error(0.05, 0.8).shared(challengers=4, guardrails=2)

    assert (shared.alpha, shared.power) == (0.0125, 0.9)


def test_an_uneven_split_and_a_covariate_change_the_units() -> None:
    assert power.split_factor(1) == 1
    assert power.split_factor(9) == pytest.approx(100 / 36)
    assert power.covariate_factor(0.6) == pytest.approx(0.64)
