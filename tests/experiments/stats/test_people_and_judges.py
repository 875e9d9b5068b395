"""Ratings, preferences and automatic judges: what they tell, and the states in which they tell nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.stats.agreement import Agreement, RatingMatrix, krippendorff_alpha
from experiments.stats.crossed_raters import CrossedVotes, rater_model
from experiments.stats.estimates import Estimate, NotEstimable, State
from experiments.stats.gwet import gwet_agreement
from experiments.stats.intraclass import intraclass_correlations
from experiments.stats.judge_correction import (
    Calibration,
    Corrected,
    Labelled,
    corrected_difference,
    prediction_powered,
    rogan_gladen,
    same_for_both,
)
from experiments.stats.kappas import cohen_kappa, fleiss_kappa
from experiments.stats.omnibus import cochran_q, friedman
from experiments.stats.ordinal import brunner_munzel, shares, wilcoxon_pratt
from experiments.stats.preferences import Fit, PairCounts, Ranking, connection, fit, rank
from experiments.stats.sequential import Reading
from experiments.stats.votes import for_raters_in_general, sign_test, vote_details, vote_sample

ONCE = Reading(0.05)


def ratings(matrix: np.ndarray) -> RatingMatrix:
    """From items × raters, NaN for no vote."""
    items, raters = np.nonzero(np.isfinite(matrix))
    return RatingMatrix(items, raters, matrix[items, raters])


def state(found: object) -> State:
    assert isinstance(found, NotEstimable)
    return found.state


# --- agreement -------------------------------------------------------------------------------------------------------


def test_raters_who_only_ever_say_one_thing_have_no_agreement() -> None:
    assert state(krippendorff_alpha(ratings(np.ones((5, 3))), "nominal")) is State.ONE_CATEGORY
    assert state(cohen_kappa(np.ones(5), np.ones(5))) is State.ONE_CATEGORY
    assert state(fleiss_kappa(np.array([[3.0, 0], [3, 0]]))) is State.ONE_CATEGORY


def test_items_with_one_vote_tell_nothing_of_agreement() -> None:
    assert state(krippendorff_alpha(ratings(np.array([[1, np.nan], [np.nan, 2.0]])), "interval")) is State.NO_OVERLAP


def test_gwet_is_that_of_its_definition_whatever_the_gaps() -> None:
    rng = np.random.default_rng(4)
    matrix = rng.integers(1, 5, (25, 4)).astype(float)
    matrix[rng.random(matrix.shape) < 0.3] = np.nan
    matrix = matrix[np.isfinite(matrix).any(axis=1)]
    values = np.unique(matrix[np.isfinite(matrix)])
    counts = np.array([[(row == value).sum() for value in values] for row in matrix], dtype=float)
    votes_, size = counts.sum(axis=1), len(values)
    for graded in (False, True):
        distance = np.subtract.outer(values, values) ** 2 / (values[-1] - values[0]) ** 2
        weights = 1 - distance if graded else np.eye(size)
        near, two = counts * (counts @ weights - 1), votes_ >= 2
        observed = (near.sum(axis=1)[two] / (votes_ * (votes_ - 1))[two]).mean()
        shares_ = (counts / votes_[:, None]).mean(axis=0)
        chance = weights.sum() / (size * (size - 1)) * (shares_ * (1 - shares_)).sum()

        found = gwet_agreement(ratings(matrix), graded=graded)

        assert not isinstance(found, NotEstimable)
        assert found.value.estimate == pytest.approx((observed - chance) / (1 - chance))


def test_gwet_does_not_collapse_when_most_votes_are_alike_and_is_never_certain() -> None:
    lopsided = np.ones((200, 2))
    lopsided[:10, 0] = lopsided[10:20, 1] = 0.0
    alpha, gwet = krippendorff_alpha(ratings(lopsided), "nominal"), gwet_agreement(ratings(lopsided), graded=False)
    assert isinstance(alpha, Agreement)
    assert not isinstance(gwet, NotEstimable)
    assert alpha.alpha.estimate < 0.1
    assert gwet.value.estimate > 0.85

    alike = gwet_agreement(ratings(np.ones((30, 3))), graded=True)
    assert not isinstance(alike, NotEstimable)
    assert alike.value.estimate == 1
    assert 0.85 < alike.value.lower < 0.95
    assert state(gwet_agreement(ratings(np.array([[1, np.nan], [np.nan, 2.0]])), graded=False)) is State.NO_OVERLAP


def test_uneven_numbers_of_votes_are_no_case_for_fleiss() -> None:
    assert state(fleiss_kappa(np.array([[2.0, 1], [1, 1]]))) is State.NO_OVERLAP


def test_scores_that_do_not_differ_between_items_have_no_correlation() -> None:
    assert state(intraclass_correlations(np.array([[1.0, 2], [1, 2]]))) is State.NO_VARIATION


def test_perfect_raters_agree_fully_and_random_ones_not_at_all() -> None:
    rng = np.random.default_rng(0)
    same = np.repeat(rng.integers(1, 6, (200, 1)), 3, axis=1).astype(float)
    random = rng.integers(1, 6, (200, 3)).astype(float)

    perfect, chance = (krippendorff_alpha(ratings(m), "ordinal") for m in (same, random))

    assert isinstance(perfect, Agreement)
    assert isinstance(chance, Agreement)
    assert perfect.alpha.estimate == pytest.approx(1)
    assert chance.alpha.lower < 0 < chance.alpha.upper


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(12)))
def test_the_order_of_the_votes_does_not_change_alpha(order: list[int]) -> None:
    matrix = np.random.default_rng(1).integers(1, 4, (4, 3)).astype(float)
    plain = ratings(matrix)
    shuffled = RatingMatrix(plain.items[order], plain.raters[order], plain.values[order])

    one, other = (krippendorff_alpha(r, "nominal", seed=3) for r in (plain, shuffled))

    assert one == other


def by_pairs(matrix: np.ndarray, distance: Callable[[float, float], float]) -> float:
    """Alpha straight from its definition: every pair of votes on an item against every pair of all votes."""
    votes = [row[np.isfinite(row)] for row in matrix]
    votes = [row for row in votes if len(row) >= 2]
    whole = np.concatenate(votes)
    observed = sum(distance(a, b) / (len(row) - 1) for row in votes for a in row for b in row)
    expected = sum(distance(a, b) for a in whole for b in whole) / (len(whole) - 1)
    return 1 - observed / expected


@pytest.mark.parametrize("values", [4, 25])
def test_alpha_is_that_of_its_definition_for_few_and_for_many_values(values: int) -> None:
    rng = np.random.default_rng(values)
    matrix = np.round(rng.normal(size=(14, 1)) * values / 4 + rng.normal(size=(14, 4)) * values / 8)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    held = np.sort(matrix[np.isfinite(matrix).sum(axis=1) >= 2], axis=None)
    held = held[np.isfinite(held)]

    def middle(value: float) -> float:
        return float((held < value).sum() + (held == value).sum() / 2)

    distances = {
        "nominal": lambda a, b: float(a != b),
        "interval": lambda a, b: (a - b) ** 2,
        "ordinal": lambda a, b: (middle(a) - middle(b)) ** 2,
    }
    for level, distance in distances.items():
        found = krippendorff_alpha(ratings(matrix), level)  # type: ignore[arg-type]
        assert isinstance(found, Agreement)
        assert found.alpha.estimate == pytest.approx(by_pairs(matrix, distance), abs=1e-9), level


def test_thousands_of_different_scores_need_little_memory() -> None:
    rng = np.random.default_rng(0)
    item = rng.normal(size=(3000, 1))

    found = krippendorff_alpha(ratings(item + 0.5 * rng.normal(size=(3000, 3))), "interval")

    assert isinstance(found, Agreement)
    assert found.alpha.lower < 0.8 < found.alpha.upper
    assert found.raw == 0


# --- ordinal values --------------------------------------------------------------------------------------------------


def test_only_ties_are_named_and_not_tested() -> None:
    assert state(wilcoxon_pratt(np.zeros(20))) is State.ALL_TIES
    assert state(brunner_munzel(np.ones(20), np.ones(20), reading=ONCE)) is State.ALL_TIES
    assert state(sign_test(vote_sample(np.full(20, 0.5)), reading=ONCE)) is State.ALL_TIES
    assert state(friedman(np.ones((12, 3)))) is State.ALL_TIES
    assert state(cochran_q(np.ones((12, 3)))) is State.NO_VARIATION


def test_groups_that_do_not_overlap_are_named() -> None:
    assert state(brunner_munzel(np.array([1.0, 1, 2]), np.array([4.0, 5, 5]), reading=ONCE)) is State.NO_VARIATION


def test_zeros_are_ranked_before_they_are_left_out() -> None:
    # Exact 0.0625 on this vector of 16; the normal approximation that "auto" falls back to says 0.043.
    differences = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2.0])

    assert wilcoxon_pratt(differences) == 0.0625


def test_shares_count_wins_ties_and_losses() -> None:
    found = shares(np.array([1.0, 2, 0, -1]))

    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    # Pratt's ranks 2.5, 4, 1, 2.5: (2.5 + 4 − 2.5)/(2.5 + 4 + 2.5)
    assert found.rank_biserial == pytest.approx(4 / 9)


# --- votes -----------------------------------------------------------------------------------------------------------


def test_half_ties_add_no_certainty_to_the_sign_test() -> None:
    decided = np.array([1.0] * 9 + [0.0] * 3)
    with_ties = np.concatenate((decided, np.full(30, 0.5)))

    one, other = (sign_test(vote_sample(s), reading=ONCE) for s in (decided, with_ties))

    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert one.p_value == other.p_value == pytest.approx(0.146, abs=1e-3)


def test_vote_details_tell_the_win_rate_with_half_ties() -> None:
    assert vote_details(np.array([1.0, 0.5, 0.0, 1.0])) == {
        "wins": 2,
        "ties": 1,
        "losses": 1,
        "win_rate": 0.625,
        "net_preference": 0.25,
    }


def test_raters_who_differ_widen_the_interval() -> None:
    items, raters = np.repeat(np.arange(50), 8), np.tile(np.arange(8), 50)
    values = np.where(raters < 5, 0.5, -0.4) + np.random.default_rng(0).normal(0, 0.05, 400)
    item_means = np.bincount(items, weights=values) / 8
    found = sign_test(vote_sample(item_means + 0.5), reading=ONCE)
    assert isinstance(found, Estimate)

    widened = for_raters_in_general(
        found, rater_model(CrossedVotes(items, raters, values), reading=ONCE), n_raters=8, reading=ONCE
    )

    assert widened.upper - widened.lower > 5 * (found.upper - found.lower)
    assert (widened.details["these_raters_lower"], widened.details["these_raters_upper"]) == (found.lower, found.upper)
    assert widened.details["general_estimate"] == pytest.approx(found.estimate)


def test_three_raters_speak_for_themselves_only() -> None:
    found = sign_test(vote_sample(np.array([1.0, 1, 1, 0, 1, 1, 0, 1])), reading=ONCE)
    assert isinstance(found, Estimate)

    told = for_raters_in_general(found, None, n_raters=3, reading=ONCE)

    assert (told.lower, told.upper) == (found.lower, found.upper)
    assert "speaks for them" in told.warnings[0]


def crossed(n_items: int = 40, n_raters: int = 8, *, seed: int, gain: float = 0.5) -> tuple[np.ndarray, ...]:
    """Items, raters, values and variant of ratings where rater and item differ, and the gain differs among raters."""
    rng = np.random.default_rng(seed)
    item, rater, treated = (
        axis.ravel() for axis in np.meshgrid(np.arange(n_items), np.arange(n_raters), [0.0, 1.0], indexing="ij")
    )
    levels = rng.normal(0, 1, n_items)[item] + rng.normal(0, 2, n_raters)[rater]
    slopes = gain + rng.normal(0, 0.3, n_raters)[rater] + rng.normal(0, 0.3, n_items)[item]
    return item, rater, levels + treated * slopes + rng.normal(0, 0.5, len(item)), treated


def test_the_rater_model_holds_for_other_raters_and_items() -> None:
    covered = 0
    for seed in range(300):
        item, rater, value, treated = crossed(seed=seed)
        model = rater_model(CrossedVotes(item, rater, value, treated), reading=ONCE)
        assert model is not None
        covered += model.effect.lower <= 0.5 <= model.effect.upper
    assert covered >= 0.92 * 300


def test_a_mild_rater_who_saw_more_of_one_variant_does_not_move_the_model() -> None:
    effects, plain = [], []
    for seed in range(40):
        item, rater, value, treated = crossed(seed=seed, n_items=60)
        value = value + 10.0 * (rater == 0)
        seen = (rater != 0) | (treated == 1) | (item < 10)
        item, rater, value, treated = (column[seen] for column in (item, rater, value, treated))
        model = rater_model(CrossedVotes(item, rater, value, treated), reading=ONCE)
        assert model is not None
        effects.append(model.effect.estimate)
        plain.append(value[treated == 1].mean() - value[treated == 0].mean())

    assert np.mean(plain) > 1.2
    assert abs(np.mean(effects) - 0.5) < 3 * np.std(effects) / 40**0.5


def test_there_is_no_rater_model_where_each_rater_saw_one_variant() -> None:
    item, rater, value, treated = crossed(seed=2)
    seen = (rater < 4) == (treated == 1)
    assert rater_model(CrossedVotes(item[seen], rater[seen], value[seen], treated[seen]), reading=ONCE) is None
    assert rater_model(CrossedVotes(item, 0 * rater, value, treated), reading=ONCE) is None


# --- rankings --------------------------------------------------------------------------------------------------------


def votes(*wins: tuple[int, int], n: int = 3) -> PairCounts:
    first, second = np.array([w[0] for w in wins]), np.array([w[1] for w in wins])
    return PairCounts.of(first, second, np.ones(len(wins)), n)


def test_disconnected_and_separated_votes_are_told_apart() -> None:
    assert connection(votes((0, 1), (1, 0), (1, 2), (2, 1))) is State.OK
    assert connection(votes((0, 1), (1, 2))) is State.SEPARATED
    assert connection(votes((0, 1), (1, 0))) is State.DISCONNECTED


def test_separated_votes_get_finite_worths_from_the_ridge_only() -> None:
    always = votes((0, 1), (0, 1), (1, 2))

    penalised, plain = fit(always), fit(always, ridge=0)

    assert isinstance(penalised, Fit)
    assert penalised.separated
    assert np.isfinite(penalised.log_worths).all()
    assert np.isfinite(penalised.covariance).all()
    assert state(plain) is State.SEPARATED


def test_only_ties_rank_nobody() -> None:
    tied = PairCounts.of(np.array([0, 1]), np.array([1, 0]), np.array([0.5, 0.5]), 2)

    assert state(fit(tied)) is State.ALL_TIES


def test_the_ranking_gives_ranges_and_chances_against_the_first() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3, 900)
    second = (first + rng.integers(1, 3, 900)) % 3
    strength = np.array([0.0, 0.0, 2.0])
    share = (rng.random(900) < 1 / (1 + np.exp(strength[second] - strength[first]))).astype(float)

    found = rank(np.arange(900) // 3, first, second, share, 3, seed=0)

    assert isinstance(found, Ranking)
    assert (found.standings[2].best_rank, found.standings[2].worst_rank) == (1, 1)
    assert {found.standings[0].worst_rank, found.standings[1].worst_rank} == {3}
    chance = found.standings[2].win_probability
    assert chance is not None
    assert chance.estimate == pytest.approx(1 / (1 + np.exp(-2)), abs=0.05)


# --- judges ----------------------------------------------------------------------------------------------------------


def test_a_coin_is_no_judge() -> None:
    coin = Calibration(true_yes=26, yes=50, true_no=24, no=50)

    assert state(rogan_gladen(40, 100, coin)) is State.USELESS_JUDGE
    assert state(corrected_difference(0.1, 0.02, coin)) is State.USELESS_JUDGE


def test_a_judge_without_a_single_no_is_not_informative() -> None:
    assert not Calibration(true_yes=50, yes=50, true_no=0, no=0).informative()


def test_a_good_judge_widens_and_stretches_the_difference() -> None:
    found = corrected_difference(0.1, 0.02, Calibration(true_yes=90, yes=100, true_no=90, no=100))

    assert isinstance(found, Corrected)
    assert found.interval.estimate == pytest.approx(0.125)
    assert found.standard_error > 0.02 / 0.8


def test_a_judge_that_favours_one_variant_is_not_pooled() -> None:
    fair, kind = Calibration(80, 100, 80, 100), Calibration(98, 100, 60, 100)

    assert same_for_both(fair, fair)
    assert not same_for_both(fair, kind)


def test_the_correction_covers_the_truth_where_the_judge_is_biased() -> None:
    rng = np.random.default_rng(0)
    covered = judge_covered = 0
    for _ in range(200):
        human = rng.normal(0.3, 1, 400)
        judge = human + 0.4 + rng.normal(0, 0.3, 400)
        labelled = Labelled(human[:80], judge[:80], np.arange(80))
        found = prediction_powered(labelled, judge[80:], np.arange(320))
        assert isinstance(found, Corrected)
        covered += found.interval.lower < 0.3 < found.interval.upper
        judge_covered += abs(judge.mean() - 0.3) < 1.96 * judge.std() / 20
    assert covered >= 184
    assert judge_covered < 20


def test_few_labels_are_not_enough() -> None:
    labelled = Labelled(np.ones(10), np.ones(10), np.arange(10))

    assert state(prediction_powered(labelled, np.ones(50), np.arange(50))) is State.TOO_FEW_LABELS
