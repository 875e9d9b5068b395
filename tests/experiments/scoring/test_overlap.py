from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.scoring.overlap import f_measure, ngrams, shared


def test_ngrams_of_lists_and_texts_are_counted():
    assert ngrams(["a", "b", "a", "b"], 2) == Counter({("a", "b"): 2, ("b", "a"): 1})
    assert ngrams("abab", 2) == Counter({"ab": 2, "ba": 1})
    assert ngrams(["a"], 2) == Counter()


@pytest.mark.parametrize(
    ("precision", "recall", "beta", "expected"), [(0.5, 1.0, 1.0, 2 / 3), (0.0, 0.0, 1.0, 0.0), (0.5, 1.0, 2.0, 5 / 6)]
)
def test_the_f_measure_is_the_weighted_harmonic_mean(precision, recall, beta, expected):
    assert f_measure(precision, recall, beta=beta) == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_sharing_is_mutual_and_at_most_either_side(first, second):
    one, other = ngrams(first, 1), ngrams(second, 1)

    assert shared(one, other) == shared(other, one) == (one & other).total()
