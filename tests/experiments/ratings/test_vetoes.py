"""What makes the votes of a session unfit to decide on."""

import random

import pytest

from experiments.ratings.quality import RaterJudgement, rater_qualities
from experiments.ratings.session_file import Exclusion
from experiments.ratings.vetoes import SideVote, gold_problem, side_problem
from experiments.vocabulary import QuestionKind


def _gold(rights, seen=4, rule=None):
    """Raters who are right on so many of the known answers they see."""
    judged = [
        RaterJudgement(rater, f"g{n}", "rated", "left" if n < right else "right", gold=True, expected="first")
        for rater, right in enumerate(rights)
        for n in range(seen)
    ]
    return rater_qualities(judged, QuestionKind.PAIRWISE, rule or Exclusion())


def _votes(a_left, b_left):
    """Votes of two variants: (times chosen, votes) of the left side with A on it, then with B on it."""
    sides = [("a", "b", *a_left), ("b", "a", *b_left)]
    return [SideVote(left, right, n < chosen) for left, right, chosen, size in sides for n in range(size)]


def test_raters_who_miss_the_known_answers_together_fail():
    assert "leaves out 3 of 4 raters" in gold_problem(_gold([2, 2, 3, 0]), Exclusion())
    assert gold_problem(_gold([3, 3, 3, 0]), Exclusion()) is None  # the one who missed all is left out already
    no_rule = Exclusion(gold_below=None)
    assert gold_problem(_gold([0, 0, 0], rule=no_rule), no_rule) is None


def test_few_known_answers_of_each_rater_count_together():
    qualities = _gold([0, 1, 0, 1, 0, 1], seen=2)
    assert not any(quality.excluded for quality in qualities.values())
    assert "right on 3 of 12 known answers" in gold_problem(qualities, Exclusion())
    assert gold_problem(_gold([1], seen=3), Exclusion()) is None


def test_a_rule_that_leaves_out_more_than_half_fails():
    judged = [RaterJudgement(r, f"i{n}", "rated", "left", milliseconds=500) for r in range(3) for n in range(12)]
    rule = Exclusion(faster_than_s=1)
    assert "leaves out 3 of 3 raters" in gold_problem(rater_qualities(judged, QuestionKind.PAIRWISE, rule), rule)
    half = [*judged[:12], *(RaterJudgement(7, f"i{n}", "rated", "left", milliseconds=5000) for n in range(12))]
    assert gold_problem(rater_qualities(half, QuestionKind.PAIRWISE, rule), rule) is None


def test_one_side_with_nearly_all_votes_fails():
    assert "chose the left side 38 of 40 times" in side_problem(_votes((19, 20), (19, 20)))
    assert "chose the right side 20 of 20 times" in side_problem(_votes((0, 10), (0, 10)))
    assert side_problem(_votes((5, 5), (5, 5))) is None
    assert side_problem([]) is None


def test_a_clear_preference_with_even_sides_passes():
    assert side_problem(_votes((30, 30), (0, 30))) is None


def test_a_lean_to_the_side_where_one_variant_stood_more_often_fails():
    found = side_problem(_votes((120, 160), (30, 40)))
    assert found.startswith("Raters lean to the left, and a stood on the left 160 of 200 times beside b")
    assert "by about 15 %" in found
    assert side_problem(_votes((75, 100), (75, 100))) is None


def test_a_preference_is_no_lean_however_uneven_the_sides():
    assert side_problem(_votes((112, 160), (12, 40))) is None


def test_sides_that_were_never_turned_cannot_be_told_from_answers():
    assert "cannot be told apart" in side_problem(_votes((34, 40), (0, 0)))
    assert side_problem(_votes((22, 40), (0, 0))) is None


@pytest.mark.parametrize("preference", [0.5, 0.75, 0.98])
def test_shuffled_sides_rarely_block_a_preference(preference):
    draw = random.Random(3)
    blocked = 0
    for _ in range(400):
        sides = [draw.random() < 0.5 for _ in range(80)]
        votes = [SideVote(*("ab" if a else "ba"), (draw.random() < preference) == a) for a in sides]
        blocked += side_problem(votes) is not None
    assert blocked <= 4
