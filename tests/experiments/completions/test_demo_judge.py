"""The simulated judge reads the rubric and the fenced answer, in every form of verdict, and errs now and then."""

from __future__ import annotations

import pytest

from experiments.completions.demo import simulated_answer
from experiments.demo_models.support_knowledge import knowledge
from experiments.judges import JudgeCase, bind_judge
from experiments.judges.verdicts import WHOLE, Unreadable, read_verdicts
from experiments.judges.votes import JudgeVote, scores_of

TOPIC = knowledge().topics[0]
COMPLETE = f"{TOPIC.answers['en']} {TOPIC.steps['en']}"
TICKET = {"ticket": "I want my money back, please refund it."}


def verdicts(case: JudgeCase, *, sample: int = 0, **options) -> dict[str, object]:
    """Criterion → word of the simulated judge's verdict, read as strictly as any other."""
    judge = bind_judge({"judge": {"model": "demo/judge", "rubric": "Names the next step.", **options}})
    found = read_verdicts(judge.spec, simulated_answer(judge.calls(case)[0].request, sample).text)
    assert not isinstance(found, Unreadable), found
    return {name: finding.word for name, finding in found.items()}


def share_right(answer: str, expected: str, **options) -> float:
    said = [verdicts(JudgeCase(answer, {"ticket": f"{TICKET['ticket']} {i}"}), **options)[WHOLE] for i in range(60)]
    return said.count(expected) / len(said)


def test_it_passes_what_the_rubric_asks_for_and_fails_what_lacks_it_mostly():
    assert 0.8 < share_right(COMPLETE, "pass") < 1.0
    assert 0.8 < share_right(TOPIC.answers["en"], "fail") < 1.0


def test_the_small_model_judges_worse():
    small = share_right(COMPLETE, "pass", model="demo/small")
    assert 0.5 < small < share_right(COMPLETE, "pass", model="demo/large")


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"scale": {1: "bad", 5: "good"}}, set("12345")),
        ({"categories": {"negative": 0, "positive": 1}}, {"negative", "positive"}),
        ({"output": "text"}, {"pass", "fail"}),
        ({"output": "json"}, {"pass", "fail"}),
    ],
)
def test_it_answers_in_the_form_that_is_asked_for(options, allowed):
    assert set(verdicts(JudgeCase(COMPLETE, TICKET), **options).values()) <= allowed


def test_each_criterion_has_its_own_verdict():
    found = verdicts(JudgeCase(COMPLETE, TICKET), criteria={"step": "Names the next step.", "sorry": "Apologises."})
    assert found == {"step": "pass", "sorry": "fail"}


def test_a_reference_is_compared_by_its_number():
    options = {"rubric": "Is correct.", "reference": True}
    right = [verdicts(JudgeCase(f"That makes 12 {i}.. so 12", {}, reference="12"), **options)[WHOLE] for i in range(20)]
    wrong = [verdicts(JudgeCase(f"That makes 13 {i}.. so 13", {}, reference="12"), **options)[WHOLE] for i in range(20)]
    assert right.count("pass") > 15
    assert wrong.count("fail") > 15


def test_of_two_answers_it_mostly_prefers_the_one_that_does_more_in_either_order():
    judge = bind_judge({"judge": {"model": "demo/judge", "rubric": "Names the next step.", "pairwise": True}})
    values = []
    for i in range(40):
        case = JudgeCase(COMPLETE, {"ticket": f"Refund {i}"}, other=TOPIC.answers["en"])
        votes = []
        for call in judge.calls(case):
            found = read_verdicts(judge.spec, simulated_answer(call.request, call.sample).text)
            assert isinstance(found, dict)
            votes.append(JudgeVote(call.model, call.swapped, call.sample, found))
        values.append(scores_of(judge.spec, votes)["judge"].value)
    assert values.count(1.0) > 28
    assert values.count(0.0) < 5


def test_at_temperature_zero_it_says_the_same_again():
    case = JudgeCase(COMPLETE, TICKET)
    assert len({str(verdicts(case, sample=i)) for i in range(5)}) == 1
