"""The chance of a clear result at the end: Lan and Wittes' B-value, and what must hold whatever the numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.stats.conditional_power import conditional_power


@pytest.mark.parametrize(
    ("z", "information", "drift"),
    [(1.5, 0.5, 3.24), (0.5, 0.5, 3.24), (0.5, 0.5, 0.7071), (0.0, 0.2, 0.0), (-1, 0.9, 2)],
)
def test_it_is_the_b_value_of_lan_and_wittes(z, information, drift):
    """B(t) = z √t; the end lies above 1.96 with probability 1 − Φ((1.96 − B(t) − drift (1 − t)) / √(1 − t))."""
    b_value = z * math.sqrt(information)
    by_formula = stats.norm.sf((1.959964 - b_value - drift * (1 - information)) / math.sqrt(1 - information))
    error = 1.0
    effect = drift * error * math.sqrt(information)
    found = conditional_power(z * error, error, growth=1 / information, effect=effect, boundary=1.959964)
    assert found == pytest.approx(by_formula, abs=1e-6)


@given(st.floats(-3, 3), st.floats(1, 20), st.floats(-1, 1), st.floats(0.1, 4))
def test_more_to_come_of_a_larger_effect_never_lowers_it(estimate, growth, effect, boundary):
    chance = conditional_power(estimate, 1.0, growth=growth, effect=effect, boundary=boundary)
    assert 0 <= chance <= 1
    assert conditional_power(estimate, 1.0, growth=growth, effect=effect + 0.1, boundary=boundary) >= chance - 1e-12


def test_without_more_to_come_it_is_certain_and_bad_numbers_are_refused():
    assert conditional_power(3.0, 1.0, growth=1.0, effect=0.0, boundary=2.0) == 1.0
    assert conditional_power(1.0, 1.0, growth=1.0, effect=9.0, boundary=2.0) == 0.0
    with pytest.raises(ValueError, match="growth"):
        conditional_power(1.0, 0.0, growth=2.0, effect=0.0, boundary=2.0)
