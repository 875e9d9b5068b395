"""What is said of raters, and who is left out."""

import pytest
from scipy import stats

from experiments.ratings.closing import is_over
from experiments.ratings.quality import RaterJudgement, excluded_raters, rater_qualities, rule_in_words, two_sided_coin
from experiments.ratings.session_file import Exclusion
from experiments.ratings.words import agreement_sentence, position_sentence
from experiments.vocabulary import QuestionKind
from tests.conftest import ManualClock

PAIR, SCALE = QuestionKind.PAIRWISE, QuestionKind.SCALE


def _votes(choices, *, rater=1, ms=5000, **more):
    return [
        RaterJudgement(rater, f"i{n}", "rated", choice, 0.5, milliseconds=ms, **more)
        for n, choice in enumerate(choices)
    ]


def _one(judgements, kind=PAIR, **rule):
    return rater_qualities(judgements, kind, Exclusion(**rule))[1]


def test_a_careful_rater_has_no_flags():
    found = _one(_votes(["left", "right", "both_good", "right", "left", "both_bad"] * 3))
    assert (found.done, found.flags, found.excluded, found.median_s) == (18, (), "", 5.0)
    assert (found.left_share, found.longest_same_run) == (0.5, 1)


def test_speed_habit_and_side_are_flagged():
    found = _one(_votes(["left"] * 20, ms=700))
    assert [flag.split(":")[0] for flag in found.flags] == [
        "Very fast",
        "The same answer 20 of 20 times.",
        "Left 20 of 20 times",
    ]
    assert found.longest_same_run == 20
    assert found.excluded == ""


def test_few_votes_are_not_judged():
    assert _one(_votes(["left"] * 9, ms=100)).flags == ()


@pytest.mark.parametrize(("choice", "swapped", "right"), [("left", False, 1), ("left", True, 0), ("right", True, 1)])
def test_known_answers_are_told_by_answers_not_by_sides(choice, swapped, right):
    found = _one([RaterJudgement(1, "g", "rated", choice, swapped=swapped, gold=True, expected="first")])
    assert (found.gold_right, found.gold_seen) == (right, 1)


def test_repeats_compare_what_was_preferred_and_a_neighbour_on_the_scale_is_the_same():
    pair = [
        RaterJudgement(1, "a", "rated", "left", 1.0),
        RaterJudgement(1, "a", "rated", "right", 1.0, swapped=True, repeat=True),
        RaterJudgement(1, "b", "rated", "both_good", 0.5),
        RaterJudgement(1, "b", "rated", "both_bad", 0.5, repeat=True),
        RaterJudgement(1, "c", "rated", "left", 1.0),
        RaterJudgement(1, "c", "rated", "left", 0.0, swapped=True, repeat=True),
        RaterJudgement(1, "d", "rated", "left", 1.0, repeat=True),
    ]
    assert (_one(pair).repeats_same, _one(pair).repeats_seen) == (2, 3)
    scale = [
        RaterJudgement(1, item, "rated", choice, repeat=repeat)
        for item, first, again in (("a", "4", "5"), ("b", "1", "3"))
        for choice, repeat in ((first, False), (again, True))
    ]
    found = _one(scale, SCALE)
    assert (found.repeats_same, found.repeats_seen) == (1, 2)


def test_skips_and_reports_are_counted_apart():
    found = _one(
        [RaterJudgement(1, "a", "skipped"), RaterJudgement(1, "b", "reported"), RaterJudgement(1, "c", "skipped")]
    )
    assert (found.done, found.skipped, found.reported, found.median_s, found.left_share) == (0, 2, 1, None, None)


@pytest.mark.parametrize(
    ("rule", "out"),
    [
        ({"gold_below": 0.6}, "right on 2 of 5 known answers"),
        ({"gold_below": 0.4}, ""),
        ({"gold_below": 0.6, "at_least": 6}, ""),
        ({"gold_below": None, "faster_than_s": 6}, "half of the votes in under 5.0 s"),
        ({"gold_below": None, "same_answer_above": 0.8}, "the same answer 14 of 15 times"),
        ({"gold_below": None}, ""),
    ],
)
def test_only_the_rule_leaves_people_out(rule, out):
    judged = _votes(["left"] * 10) + [
        RaterJudgement(
            1, f"g{n}", "rated", "left", gold=True, expected="first" if n < 2 else "second", milliseconds=5000
        )
        for n in range(4)
    ]
    judged.append(RaterJudgement(1, "g5", "rated", "right", gold=True, expected="first", milliseconds=5000))
    qualities = rater_qualities(judged, PAIR, Exclusion(**rule))
    assert qualities[1].excluded == out
    assert excluded_raters(qualities) == ({1} if out else set())


def test_the_rule_reads_as_a_sentence():
    assert "under 60% right on known answers" in rule_in_words(Exclusion())
    assert rule_in_words(Exclusion(gold_below=None)).startswith("Nobody is left out")


@pytest.mark.parametrize(("heads", "tosses"), [(0, 1), (3, 10), (5, 10), (9, 10), (18, 20), (499, 1000)])
def test_the_coin_is_the_exact_binomial_test(heads, tosses):
    assert two_sided_coin(heads, tosses) == pytest.approx(stats.binomtest(heads, tosses).pvalue)


def test_agreement_reads_in_plain_words():
    assert agreement_sentence(0.41, 0.3, 0.5, 0.7).startswith("Raters do not share a standard (0.41 of 1")
    lopsided = agreement_sentence(0.05, -0.1, 0.2, 0.9, gwet=0.88)
    assert lopsided.startswith("Raters agree; most votes are alike")
    assert agreement_sentence(0.05, -0.1, 0.2, 0.5, gwet=0.1).startswith("Raters do not share a standard (0.05 of 1")
    assert "though not firmly" in agreement_sentence(0.7, 0.6, 0.8, 0.9)
    assert agreement_sentence(0.9, 0.85, 0.95, 0.9).endswith("Two raters said the same 90 times of 100.")
    assert agreement_sentence(None, None, None, None, "no item was rated by two people").endswith("by two people.")


def test_a_lean_to_a_side_is_named():
    assert position_sentence(50, 100, 0.4, 0.6).endswith("no lean to a side.")
    assert "lean to the left" in position_sentence(80, 100, 0.7, 0.87)
    assert "lean to the right" in position_sentence(20, 100, 0.13, 0.3)
    assert position_sentence(0, 0, None, None) == "No vote for a side yet."


def test_when_a_session_is_over():
    clock = ManualClock()
    now = clock()
    later = clock.now.replace(hour=12)
    open_session = {"closed_at": None, "closes_at": None, "full_since": None, "close_when_full": True}
    assert not is_over(now, **open_session)
    assert is_over(now, **{**open_session, "closed_at": now})
    assert is_over(later, **{**open_session, "closes_at": now})
    assert not is_over(now, **{**open_session, "closes_at": later})
    assert is_over(later, **{**open_session, "full_since": now})
    assert not is_over(now, **{**open_session, "full_since": now})
    assert not is_over(later, **{**open_session, "full_since": now, "close_when_full": False})
