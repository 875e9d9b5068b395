"""Reasoning before an answer is told apart from the answer."""

import json

import pytest

from experiments.completions.answers import Answer, completion_of
from experiments.judges import bind_judge
from experiments.judges.asking import suggestions_in
from experiments.judges.verdicts import Unreadable, read_verdicts
from experiments.thinking import split_thinking
from experiments.vocabulary import Request, ResponseClass


@pytest.mark.parametrize(
    ("text", "answer", "thought"),
    [
        ("<think>17 + 4</think>21", "21", "17 + 4"),
        ("\n<THINK>\nhm\n</THINK>\n\n21\n", "21\n", "hm"),
        ("<think>a</think>\n<think>b</think> 21", "21", "a\nb"),
        ("<reasoning>a</reasoning>21", "21", "a"),
        ("<think></think>21", "21", ""),
        ("so 17 + 4</think>21", "21", "so 17 + 4"),
        ("<think>17 + 4 is", "", "17 + 4 is"),
        ("21", "21", ""),
        ("Write <think>x</think> around it.", "Write <think>x</think> around it.", ""),
        ("a < b", "a < b", ""),
        ("", "", ""),
    ],
)
def test_only_reasoning_at_the_beginning_is_taken_off(text, answer, thought):
    assert split_thinking(text) == (answer, thought)


VERDICT = json.dumps({"reason": "it helps", "verdict": "pass"})


def test_a_judge_may_think_aloud_before_its_verdict():
    spec = bind_judge({"judge": {"name": "helpful", "model": "m/x", "rubric": "Helps."}}).spec
    assert read_verdicts(spec, f"<think>is {{}} a verdict?</think>\n{VERDICT}") == read_verdicts(spec, VERDICT)
    assert isinstance(read_verdicts(spec, f"{VERDICT}<think>or not</think>"), Unreadable)


def test_suggestions_may_come_after_reasoning():
    lines = json.dumps({"lines": [{"line": "Passes when polite.", "why": "liked"}]})
    assert suggestions_in(f"<think>hm</think>{lines}") == suggestions_in(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<think>a</think>{"a": 1}', ResponseClass.ANSWER),
        ("<think>a</think>no", ResponseClass.BAD_JSON),
        ("<think>a</think> ", ResponseClass.EMPTY),
    ],
)
def test_an_answer_is_classified_without_its_reasoning(text, expected):
    request = Request("m/x", ({"role": "user", "content": "?"},), {"response_format": {"type": "json_object"}})
    assert completion_of(Answer(text), request, None, latency_ms=1.0).response_class is expected
    assert completion_of(Answer(text), request, None, latency_ms=1.0).text == text
