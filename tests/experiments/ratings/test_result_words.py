"""What a result says of the people behind it."""

from __future__ import annotations

import re

import pytest

from experiments.ratings.result_words import rater_sentences
from tests.experiments.analysis_tables import normal_scores, plan, run
from tests.experiments.test_analysis_of_people import rated, votes


def _sentences(table, metric):
    return rater_sentences(run(table, plan(metric)).to_json(), "B")


def test_from_six_raters_on_it_says_both_for_these_and_for_raters_in_general() -> None:
    table = rated(40, 8)
    details = run(table, plan("grade")).to_json()["comparisons"][0]["details"]
    these, general, agreement = _sentences(table, "grade")

    assert these.startswith("For these 8 raters: +0.")
    assert general.startswith("For raters in general, with strict and mild ones evened out: +0.")
    for sentence, who in ((these, "these_raters"), (general, "general")):
        limits = [float(number) for number in re.findall(r"[+][\d.]+\d", sentence)][1:]
        assert limits == pytest.approx([details[f"{who}_lower"], details[f"{who}_upper"]], abs=0.006)
    assert re.match(r"Agreement beyond chance: Gwet's AC2 is 0\.\d\d of 1, very likely between .*; Kripp", agreement)


def test_fewer_raters_speak_for_themselves() -> None:
    first, agreement = _sentences(rated(40, 3), "grade")

    assert first == "The result speaks for its 3 raters, not for raters in general."
    assert "Krippendorff's alpha is 0." in agreement


def test_votes_are_in_points() -> None:
    shares = {("B", "A"): [1.0, 0.0, 1.0, 1.0] * 10}
    assert "points" in _sentences(votes(shares, raters=6), "liked")[0]


def test_one_vote_per_item_tells_no_agreement() -> None:
    said = _sentences(votes({("B", "A"): [1.0, 0.0, 1.0, 1.0] * 10}), "liked")
    assert said[-1].startswith("Whether raters agree is not known: ")


def test_nothing_is_said_where_people_do_not_decide() -> None:
    assert _sentences(normal_scores(40, gain=0.3), "score") == ()
