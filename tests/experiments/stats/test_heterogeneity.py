"""Do groups differ, and what is each likely to be in the light of the others: published numbers and properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.stats.heterogeneity import heterogeneity, partially_pooled

# Dobson (1983), An Introduction to Statistical Modelling, page 9: dried weight of plants under three conditions.
PLANTS = {
    "control": [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    "first": [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    "second": [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
}
# Rubin (1981), table 1: effects of coaching in eight schools, and their standard errors.
SCHOOLS = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]


def _means(groups):
    return (
        [np.mean(g) for g in groups],
        [np.std(g, ddof=1) / len(g) ** 0.5 for g in groups],
        [len(g) for g in groups],
    )


def test_welchs_test_gives_the_numbers_of_r():
    found = heterogeneity(*_means(PLANTS.values()))
    # R 4.3: oneway.test(weight ~ group, PlantGrowth) gives F = 5.181, num df = 2, denom df = 17.128, p-value = 0.01739
    assert (found.df, round(found.statistic, 3), round(found.df_within, 3)) == (2, 5.181, 17.128)
    assert found.p_value == pytest.approx(0.01739, abs=5e-6)


def test_with_two_groups_it_is_welchs_t_test():
    two = [PLANTS["control"], PLANTS["first"][:6]]
    assert heterogeneity(*_means(two)).p_value == pytest.approx(stats.ttest_ind(*two, equal_var=False).pvalue)


@pytest.mark.parametrize(
    ("estimates", "errors", "sizes"), [([1], [1], [9]), ([1, 2], [1, 0], [9, 9]), ([1, 2], [1, 1], [9, 1])]
)
def test_groups_without_a_spread_have_no_test(estimates, errors, sizes):
    with pytest.raises(ValueError, match="spread"):
        heterogeneity(estimates, errors, sizes)


def test_the_eight_schools_are_drawn_together_as_published():
    pooled = partially_pooled(*SCHOOLS)
    # Gelman et al. (2013), table 5.3, by 200 draws: quantiles 2.5 % and 97.5 % of schools A, C and G.
    for school, (lower, upper) in {0: (-2, 31), 2: (-11, 19), 6: (-1, 26)}.items():
        assert pooled.groups[school].lower == pytest.approx(lower, abs=2.5)
        assert pooled.groups[school].upper == pytest.approx(upper, abs=2.5)
    assert all(5 < group.estimate < 12 for group in pooled.groups)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 0.5)), min_size=3, max_size=12),
    st.floats(0.5, 3),
    st.floats(-1, 1),
)
def test_pooled_effects_move_with_the_scale_and_never_beyond_the_groups(groups, scale, shift):
    estimates, errors = (list(column) for column in zip(*groups, strict=True))
    pooled = partially_pooled(estimates, errors)
    moved = partially_pooled([scale * y + shift for y in estimates], [scale * se for se in errors])
    for one, other in zip(pooled.groups, moved.groups, strict=True):
        assert min(estimates) - 1e-9 <= one.estimate <= max(estimates) + 1e-9
        assert one.lower < one.estimate < one.upper
        assert other.estimate == pytest.approx(scale * one.estimate + shift, abs=1e-6)
        assert other.lower == pytest.approx(scale * one.lower + shift, abs=1e-6)


def test_equal_groups_share_their_precision_and_distant_ones_stand_alone():
    equal = partially_pooled([0.1] * 6, [0.05] * 6)
    assert all(group.upper - group.lower < 2 * 1.96 * 0.05 for group in equal.groups)
    apart = partially_pooled([-5.0, 0.0, 5.0, 9.0], [0.05] * 4)
    assert [round(group.estimate, 2) for group in apart.groups] == [-5.0, 0.0, 5.0, 9.0]
