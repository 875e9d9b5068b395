"""Whether a judge is kinder to one variant than to another."""

import numpy as np
import pytest
from scipy import stats

from experiments.results.comparisons.judge_faults import _p_value


def test_the_doubt_is_that_of_welchs_test():
    draws = np.random.default_rng(3)
    first, second = draws.normal(0, 1, 40), draws.normal(0.5, 2, 25)

    assert _p_value(first, second) == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)


def test_values_that_are_equal_but_for_rounding_are_no_problem():
    assert _p_value(np.array([1.0, 2.0, 4.0] * 5), np.full(17, 1e20)) < 0.001
    assert _p_value(np.full(17, 0.5), np.full(12, 0.5)) == 1.0
