"""No variation is not certainty: equal values, large numbers, and values from before that are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.plans.plan import MetricDefinition
from experiments.results.decision import decide
from experiments.stats.estimates import State
from experiments.vocabulary import Design, Direction, HealthStatus, MetricKind, VerdictOutcome
from tests.experiments.analysis_tables import check, plan, primary, rows, run

COST = {"usd": MetricDefinition("usd", MetricKind.COST, Direction.LOWER, "usd")}


def users(arm: np.ndarray, value: np.ndarray, metric: str = "score", **columns: np.ndarray) -> pd.DataFrame:
    held = {"variant": np.array(["A", "B"])[arm], "unit_id": [f"u{i}" for i in range(len(arm))], "metric": metric}
    return pd.DataFrame({**held, "value": value, **columns})


def test_equal_graded_rows_carry_the_range_of_the_rule_of_three() -> None:
    found = primary(run(rows("score", {"A": [0.5] * 100, "B": [0.7] * 100}), plan("score")))

    assert found.status is State.OK
    assert (found.control_mean, found.treatment_mean) == pytest.approx((0.5, 0.7))
    assert found.estimate == pytest.approx(0.2)
    assert found.lower == pytest.approx(0.2 - 1.2 * (1 - 0.05**0.01))
    assert found.upper == pytest.approx(0.2 + 0.8 * (1 - 0.05**0.01))
    assert found.relative is not None
    assert found.relative.lower < 0.4 < found.relative.upper


@pytest.mark.parametrize(("n", "outcome"), [(40, VerdictOutcome.KEEP_COLLECTING), (400, VerdictOutcome.KEEP_CONTROL)])
def test_equal_rows_say_as_much_as_their_number(n: int, outcome: VerdictOutcome) -> None:
    """40 equal rows leave 7 points open, which is more than the 3 asked for; 400 do not."""
    given = plan("score", effect=0.03)
    held = [0.5, 0.6, 0.7, 0.8] * (n // 4)

    assert decide(given, run(rows("score", {"A": held, "B": held}), given)).outcome is outcome


def test_equal_costs_have_their_means_and_difference_and_no_range() -> None:
    found = primary(run(rows("usd", {"A": [0.5] * 50, "B": [0.7] * 50}), plan("usd"), metrics=COST))

    assert found.status is State.NO_VARIATION
    assert (found.to_json()["control_mean"], found.to_json()["treatment_mean"], found.lower) == (0.5, 0.7, None)
    assert found.estimate == pytest.approx(0.2)
    assert found.to_json()["estimate"] == 0.2


@pytest.mark.parametrize("design", list(Design))
@pytest.mark.parametrize("offset", [0.0, 1.7e9, 1.7e12])
def test_epoch_sized_numbers_keep_their_spread(design: Design, offset: float) -> None:
    rng = np.random.default_rng(0)
    a, b = (np.round(rng.normal(0, 3, 200)) for _ in "AB")
    arm = np.repeat([0, 1], 200)
    held = np.concatenate((a, b))
    definitions = {"score": MetricDefinition("score", MetricKind.SCORE, Direction.HIGHER, "score")}

    def table(shift: float) -> pd.DataFrame:
        if design is Design.INDEPENDENT:
            return users(arm, held + shift)
        return rows("score", {"A": list(a + shift), "B": list(b + shift)})

    # scores beyond every scale are amounts, which are cut at the cap: here nobody is
    uncut = plan("score", cap_quantile=1.0)
    small = primary(run(table(0.0), uncut, design=design, metrics=definitions))
    large = primary(run(table(offset), uncut, design=design, metrics=definitions))

    assert large.status is State.OK
    assert (large.estimate, large.lower, large.upper) == pytest.approx(
        (small.estimate, small.lower, small.upper), abs=2e-3
    )


def test_rows_of_a_cluster_that_cancel_are_no_certainty() -> None:
    table = rows("score", {"A": [0.5] * 40, "B": [0.6, 0.4] * 20}, cluster_id=[f"c{i // 2}" for i in range(40)])

    found = primary(run(table, plan("score")))

    assert found.status is State.OK
    assert found.standard_error == pytest.approx(0.1 / 39**0.5)


def test_one_arm_that_is_all_the_same_still_leaves_something_open() -> None:
    rng = np.random.default_rng(0)
    arm = np.repeat([0, 1], 120)
    held = np.where(arm == 0, 1.0, np.where(rng.random(240) < 0.9, 1.0, 0.5))

    found = primary(run(users(arm, held), plan("score"), design=Design.INDEPENDENT))

    alone = held[arm == 1].std(ddof=1) / 120**0.5
    assert found.standard_error is not None
    assert found.standard_error > 1.05 * alone


def before(rng: np.random.Generator, *, gain: float = 0.0, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arm, value from before, and outcome with a correlation of 0.9."""
    arm = rng.permutation(n) % 2
    x = rng.normal(size=n)
    return arm, x, 0.9 * x + 0.44 * rng.normal(size=n) + gain * arm


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_value_from_before_that_is_the_outcome_is_refused_by_its_cause(noise: float) -> None:
    """It gave 52 % false ships: what was left to compare was rounding."""
    claims = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        arm, _, y = before(rng)
        table = users(arm, y, covariate=y + noise * rng.normal(size=len(y)))
        found = run(table, plan("score", effect=0.01), design=Design.INDEPENDENT)
        claims += primary(found).better != "unclear"
        assert primary(found).method == "welch_t"
        assert "explains" in str(primary(found).details["covariate"])
        assert check(found, "covariate") is HealthStatus.WARN
    assert claims / 120 < 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5


def test_a_value_that_the_variant_has_touched_is_refused_and_claims_nothing_false() -> None:
    claims = refused = 0
    for seed in range(120):
        arm, x, y = before(np.random.default_rng(seed))
        found = primary(
            run(users(arm, y, covariate=x + 0.5 * arm), plan("score", effect=0.01), design=Design.INDEPENDENT)
        )
        claims += found.better != "unclear"
        refused += "affected by the variant" in str(found.details.get("covariate", ""))
    assert refused > 100
    assert claims / 120 < 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5


def test_a_value_that_may_have_been_touched_gives_a_range_that_covers_both_results() -> None:
    """Between chance (p = 0.1) and a fault (p = 0.001) a false claim would need both results to be wrong."""
    arm, x, y = before(np.random.default_rng(4))
    apart = x + (0.25 - x[arm == 1].mean() + x[arm == 0].mean()) * arm  # two and a half standard errors
    table = users(arm, y, covariate=apart)

    found = primary(run(table, plan("score"), design=Design.INDEPENDENT))
    plain = primary(run(table.drop(columns="covariate"), plan("score"), design=Design.INDEPENDENT))

    assert found.method == "cuped_welch_t"
    ends = [found.lower, plain.lower, plain.upper, found.upper]
    assert ends == sorted(ends)
    assert ends[0] < ends[2]
    assert any("both results are covered" in warning for warning in found.warnings)


def test_missing_values_from_before_are_filled_and_stated_and_means_are_labelled() -> None:
    arm, x, y = before(np.random.default_rng(2), gain=0.5)
    x[:60] = np.nan

    found = primary(run(users(arm, y, covariate=x), plan("score"), design=Design.INDEPENDENT))

    assert found.method == "cuped_welch_t"
    assert found.details["filled_units"] == 60
    assert any("60 of 400 users have no value from before" in warning for warning in found.warnings)
    assert found.details["means"] == "adjusted for values from before"
    assert found.details["unadjusted_control"] == pytest.approx(y[arm == 0].mean())


def test_few_values_from_before_are_not_used_and_that_is_said() -> None:
    arm, x, y = before(np.random.default_rng(2))
    x[20:] = np.nan

    found = run(users(arm, y, covariate=x), plan("score"), design=Design.INDEPENDENT)

    assert primary(found).method == "welch_t"
    assert "only 20 users have one" in str(primary(found).details["covariate"])
    assert check(found, "covariate") is HealthStatus.WARN
