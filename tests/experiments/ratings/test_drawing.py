"""Which rows are rated, and with what probability."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.ratings.drawing import RowFacts, draw_rows, is_uneven
from experiments.ratings.session_file import RowChoice
from experiments.ratings.weighting import weighted_mean

ROWS = [RowFacts(f"e{i}", "de" if i % 4 == 0 else "en", differs=i % 10 == 0) for i in range(200)]


def _drawn(seed: int = 1, rows=ROWS, **choice):
    return draw_rows(rows, RowChoice(**choice), random.Random(seed))


def test_all_rows_have_probability_one():
    assert {row.probability for row in _drawn()} == {1.0}
    assert len(_drawn()) == 200


def test_asking_for_more_than_there_is_gives_all():
    assert len(_drawn(pick="random", count=500)) == 200


def test_a_random_draw_has_its_size_and_one_probability():
    drawn = _drawn(pick="random", count=50)
    assert (len(drawn), {row.probability for row in drawn}) == (50, {0.25})
    assert _drawn(2, pick="random", count=50) != drawn


def test_strata_are_drawn_in_proportion():
    drawn = _drawn(pick="stratified", by="language", count=40)
    assert [row.stratum for row in drawn].count("de") == 10
    assert not is_uneven([row.probability for row in drawn])


def test_disagreement_takes_most_from_where_variants_differ_and_keeps_the_probabilities():
    drawn = _drawn(pick="disagreement", count=20)
    chances = {row.stratum: row.probability for row in drawn}
    assert chances == {"variants differ": 16 / 20, "variants alike": 4 / 180}
    assert is_uneven([row.probability for row in drawn])


def test_a_stratum_that_is_too_small_is_taken_whole():
    drawn = _drawn(pick="disagreement", count=100)
    assert [row.stratum for row in drawn].count("variants differ") == 20
    assert len(drawn) == 100


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    share=st.floats(0.05, 1),
    pick=st.sampled_from(["random", "stratified", "disagreement"]),
    seed=st.integers(0, 9),
)
def test_a_draw_has_its_size_no_row_twice_and_probabilities_that_add_up(sizes, share, pick, seed):
    rows = [RowFacts(f"{s}-{i}", f"s{s}", differs=s % 2 == 0) for s, size in enumerate(sizes) for i in range(size)]
    count = max(1, round(share * len(rows)))
    drawn = draw_rows(rows, RowChoice(pick=pick, count=count, by="x"), random.Random(seed))
    assert len(drawn) == min(count, len(rows))
    assert len({row.example_id for row in drawn}) == len(drawn)
    assert all(0 < row.probability <= 1 for row in drawn)
    strata = {row.stratum: 1 / row.probability for row in drawn}
    for name, weight in strata.items():
        held = sum(1 for row in drawn if row.stratum == name)
        assert held * weight == pytest.approx(sum(1 for row in rows if name in ("", row.slice) or _side(row) == name))


def _side(row):
    return "variants differ" if row.differs else "variants alike"


def test_the_weighted_mean_gives_back_the_mean_over_all_rows():
    values = {row.example_id: 1.0 if row.differs else 0.0 for row in ROWS}
    estimates = []
    for seed in range(40):
        drawn = _drawn(seed, pick="disagreement", count=40)
        found = weighted_mean([values[r.example_id] for r in drawn], [r.probability for r in drawn])
        assert found.lower <= found.estimate <= found.upper
        estimates.append(found.estimate)
    assert sum(estimates) / 40 == pytest.approx(0.1, abs=1e-9)
    unweighted = [values[r.example_id] for r in _drawn(1, pick="disagreement", count=40)]
    assert sum(unweighted) / 40 == 0.5


def test_equal_probabilities_leave_the_mean_and_its_usual_error():
    found = weighted_mean([1.0, 2.0, 3.0, 4.0], [0.5] * 4)
    assert found.estimate == 2.5
    assert found.upper - found.estimate == pytest.approx(1.959964 * (5 / 3 / 4) ** 0.5, rel=1e-6)


def test_one_row_carries_no_interval():
    assert weighted_mean([1.0], [0.5]) is None
