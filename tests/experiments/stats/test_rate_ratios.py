"""Relative limits of rates: in every table of 5 to 60 rows they have a width, and agree with the difference about 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from experiments.stats.paired import PairTable, newcombe_paired, tango
from experiments.stats.proportions import miettinen_nurminen, newcombe_independent
from experiments.stats.rate_ratios import (
    independent_lift,
    independent_statistic,
    mover_limits,
    paired_rate_lift,
    paired_statistic,
)

Z = float(stats.norm.ppf(0.975))
SIZES = range(5, 61)
NEAR = 1e-4
EDGE = 1e-9
"""Closer to 0 than this a limit lies on it, and either side is right."""


def wilson(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's limits for arrays, as published; written anew so that the tables are gone through at once."""
    rate, square = x / n, Z * Z
    centre, spread = 2 * n * rate + square, Z * np.sqrt(square + 4 * n * rate * (1 - rate))
    low, high = (centre - spread) / 2 / (n + square), (centre + spread) / 2 / (n + square)
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def paired_tables(n: int) -> tuple[np.ndarray, ...]:
    """Both, fixed, broken, neither of every table of n rows in which the control has a yes."""
    both, fixed, broken = (cell.ravel().astype(float) for cell in np.indices((n + 1, n + 1, n + 1)))
    there = (both + fixed + broken <= n) & (both + broken > 0)
    both, fixed, broken = both[there], fixed[there], broken[there]
    return both, fixed, broken, n - both - fixed - broken


def independent_tables(n: int) -> Iterator[tuple[np.ndarray, int, np.ndarray, int]]:
    """Successes and sizes of every table of n rows in two arms in which the control has a yes."""
    for n0 in range(1, n):
        x0, x1 = (cell.ravel().astype(float) for cell in np.indices((n0 + 1, n - n0 + 1)))
        yield x0[x0 > 0], n0, x1[x0 > 0], n - n0


def assert_same_side(absolute: tuple[np.ndarray, np.ndarray], ratio: tuple[np.ndarray, np.ndarray]) -> None:
    (low, high), (least, most) = absolute, ratio
    assert not (((low > EDGE) & (least <= 1)) | ((low < -EDGE) & (least >= 1))).any()
    assert not (((high < -EDGE) & (most >= 1)) | ((high > EDGE) & (most <= 1))).any()
    assert (most > least).all()


def test_the_score_test_of_a_ratio_of_one_is_that_of_no_difference_on_the_same_rows() -> None:
    """The statistic falls with the ratio, so that its value at 1 says on which side of 1 both limits lie."""
    for n in SIZES:
        both, fixed, broken, neither = paired_tables(n)
        cells = (both, fixed, broken, neither)
        at_one = paired_statistic(*cells, 1.0)
        mcnemar = np.divide(fixed - broken, np.sqrt(fixed + broken), out=np.zeros_like(both), where=fixed + broken > 0)
        assert np.allclose(at_one, mcnemar, atol=1e-9)
        estimate = (both + fixed) / (both + broken)
        some = estimate > 0
        inside = [paired_statistic(*cells, np.where(some, estimate * (1 + step), NEAR)) for step in (-NEAR, NEAR)]
        assert (inside[0][some] < Z).all()
        assert (inside[1] > -Z).all()


def test_the_score_test_of_a_ratio_of_one_is_that_of_no_difference_on_different_users() -> None:
    for n in SIZES:
        for x0, n0, x1, n1 in independent_tables(n):
            pooled = (x0 + x1) / n
            error = np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1) * n / (n - 1))
            expected = np.divide(x1 / n1 - x0 / n0, error, out=np.zeros_like(x0), where=error > 0)
            assert np.allclose(independent_statistic(x0, n0, x1, n1, 1.0), expected, atol=1e-9)
            estimate = (x1 / n1) / (x0 / n0)
            for step, side in ((-NEAR, 1), (NEAR, -1)):
                near = independent_statistic(x0, n0, x1, n1, np.maximum(estimate * (1 + step), NEAR))
                assert (side * near[estimate > 0] < Z).all()


def test_wilson_limits_of_the_ratio_agree_with_those_of_the_difference_on_the_same_rows() -> None:
    for n in SIZES:
        both, fixed, broken, neither = paired_tables(n)
        x1, x0 = both + fixed, both + broken
        (l1, u1), (l0, u0), p1, p0 = wilson(x1, n), wilson(x0, n), x1 / n, x0 / n
        margins, cross = x1 * (n - x1) * x0 * (n - x0), both * neither - fixed * broken
        corrected = np.where(cross > 0, np.maximum(cross - n / 2, 0), cross)
        phi = np.divide(corrected, np.sqrt(margins), out=np.zeros_like(both), where=margins > 0)
        down = np.sqrt((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u0 - p0) + (u0 - p0) ** 2)
        up = np.sqrt((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p0 - l0) + (p0 - l0) ** 2)
        assert_same_side((p1 - p0 - down, p1 - p0 + up), mover_limits((p0, p1), (l0, l1), (u0, u1), phi))


def test_wilson_limits_of_the_ratio_agree_with_those_of_the_difference_on_different_users() -> None:
    for n in SIZES:
        for x0, n0, x1, n1 in independent_tables(n):
            (l1, u1), (l0, u0), p1, p0 = wilson(x1, n1), wilson(x0, n0), x1 / n1, x0 / n0
            absolute = p1 - p0 - np.hypot(p1 - l1, u0 - p0), p1 - p0 + np.hypot(u1 - p1, p0 - l0)
            assert_same_side(absolute, mover_limits((p0, p1), (l0, l1), (u0, u1), 0.0))


@pytest.mark.parametrize("score", [True, False])
def test_what_results_show_is_what_the_enumeration_says(score: bool) -> None:
    """The whole way, for every paired table of 5 to 8 rows and every independent one of 5 to 10."""
    for n in range(5, 9):
        for cells in zip(*(cell.astype(int).tolist() for cell in paired_tables(n)), strict=True):
            table = PairTable(*cells)
            found = paired_rate_lift(table, score=score, alpha=0.05)
            absolute = (tango if score else newcombe_paired)(table)
            assert found is None or found.upper > found.lower
            if found is not None and abs(absolute.lower) > 1e-6 < abs(absolute.upper):
                assert (found.lower > 0, found.upper < 0) == (absolute.lower > 0, absolute.upper < 0)
    for n in range(5, 11):
        for x0, n0, x1, n1 in independent_tables(n):
            for a, b in zip(x0.astype(int).tolist(), x1.astype(int).tolist(), strict=True):
                found = independent_lift((a, n0), (b, n1), score=score, alpha=0.05)
                absolute = (miettinen_nurminen if score else newcombe_independent)((a, n0), (b, n1))
                assert found is None or found.upper > found.lower
                if found is not None and abs(absolute.lower) > 1e-6 < abs(absolute.upper):
                    assert (found.lower > 0, found.upper < 0) == (absolute.lower > 0, absolute.upper < 0)


def test_rates_of_one_in_both_variants_leave_a_relative_range() -> None:
    """Fieller's limits of it had no width: no error in either arm."""
    same = paired_rate_lift(PairTable(40, 0, 0, 0), score=True, alpha=0.05)
    apart = independent_lift((40, 40), (40, 40), score=True, alpha=0.05)

    for found in (same, apart):
        assert found is not None
        assert -0.2 < found.lower < -0.05
        assert 0.05 < found.upper < 0.2


def test_a_control_without_any_yes_has_no_relative_change() -> None:
    assert paired_rate_lift(PairTable(0, 5, 0, 20), score=True, alpha=0.05) is None
    assert independent_lift((0, 20), (5, 20), score=False, alpha=0.05) is None
