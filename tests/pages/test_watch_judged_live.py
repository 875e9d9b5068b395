"""The page of a live test that a judge decides: what it says, what it has cost, and the link for people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from experiments.actions.live.score_live import score_waiting
from experiments.live.events import AnswerSample
from experiments.loading.live import measures
from tests.experiments.actions.live.test_judge_live import JUDGE, spec_with_judge
from tests.live_builders import KEY, call, met, record, started


@pytest.fixture
def judged(empty, monkeypatch):
    """An installation with a live test of which 40 answers were judged."""
    monkeypatch.setattr(measures, "refuse_unready", lambda *_given: None)
    live, now = started(empty, spec_with_judge()), datetime.now(UTC)
    events = []
    for i in range(40):
        said = AnswerSample(f"Answer {i}.", variables={"ticket": f"t{i}"})
        events += [met(live, f"u{i}", now), call(live, f"u{i}", now, id=f"c{i}", sample=said)]
    record(empty, events)
    score_waiting(empty)
    with empty.begin() as tx:
        [fingerprint] = [use.fingerprint for use in tx.experiments.scorers(tx.live.of_key(KEY).experiment_id)]
        row = {"metric": JUDGE["name"], "fingerprint": fingerprint, "value": 1.0, "reason": "as asked"}
        tx.live_work.keep_scores([f"c{i}" for i in range(40)], [{"call_id": f"c{i}", **row} for i in range(40)], at=now)
    return empty


def test_the_judges_part_says_what_is_missing_and_makes_the_raters_link(app, judged):
    page = app(judged).go("watch_live.py", exp=KEY)

    assert "Right: judge and people" in [header.value for header in page.at.header]
    assert "of its budget of $5" in page.words
    assert "Corrected from 50 ratings on, 20 of each variant." in page.words
    page.at.number_input(key="draw_answers_right").set_value(10)
    page.at.button(key="draw_right").click()
    page.run()
    assert "The raters' link" in page.words
    with judged.read() as tx:
        [draw] = tx.live_judging.draws(tx.live.of_key(KEY).id)
    assert (draw["answers"], draw["share"]) == (10, 0.25)
