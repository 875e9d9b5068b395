"""Internal words in the language of the page: none is left out, none leaks."""

import re

from experiments.vocabulary import FailureKind, ResponseClass
from pages.components.words import ANSWERS, FAILURES, answer_words, failure_words


def test_every_kind_of_failure_has_words():
    assert {kind.value for kind in FailureKind} - set(FAILURES) == set()


def test_every_odd_kind_of_answer_has_words_and_a_good_one_has_none():
    odd = {kind.value for kind in ResponseClass} - {ResponseClass.ANSWER.value}
    assert odd - set(ANSWERS) == set()
    assert answer_words("answer") is None
    assert answer_words(None) is None


def test_an_unknown_kind_is_still_readable():
    assert failure_words("some_new_kind") == "some new kind"
    assert failure_words(None) == "failed"
    assert not any(re.search(r"[_A-Z]", words) for words in FAILURES.values())
