"""What looks like a hole and is none is named; what is ordinary text is left alone."""

import time

import pytest

from experiments.prompts.lookalikes import lookalikes

NAMES = ("question", "größe", "customer name")


@pytest.mark.parametrize(
    "text",
    [
        "{question}",
        "{Question}",
        "{question!r:>10}",
        "{question[0]}",
        "{row.question}",
        "{größe}",
        "{customer name}",
        "${question}",
        "#{question}",
        "%(question)s",
        "{{question | upper}}",
        "{{#if question}}",
        "{{ question[0] }}",
        "{% if question %}",
        "<%= question %>",
        "{# question #}",
        "@@@langfusePrompt:name=a|label=production@@@",
    ],
)
def test_a_hole_of_another_tool_is_certain_where_it_names_a_column(text: str):
    first = lookalikes([f"Answer: {text} please"], names=NAMES)[0]
    assert (first.text, first.certain) == (text, True)
    assert text in first.sentence()


@pytest.mark.parametrize("text", ["{{x | upper}}", "{% endif %}", "<question>", "[question]", "$question", "{{1}}"])
def test_what_may_be_meant_as_text_is_named_without_certainty(text: str):
    assert [one.certain for one in lookalikes([f"Answer: {text} please"], names=NAMES)] == [False]


@pytest.mark.parametrize(
    "text",
    [
        "<question>{{question}}</question>",
        "<question>Which one?</question>",
        '{"question": 1, "a": {"b": 2}}',
        r"\frac{question}{2} x^{question}",
        "{x} and {thing}",
        "[question](https://example.org)",
        "function f() { return 1; }",
        "a < question and question > b",
        "costs $5",
    ],
)
def test_ordinary_text_is_left_alone(text: str):
    assert lookalikes([text], names=NAMES) == ()


def test_without_known_columns_single_braces_count_only_in_a_prompt_without_variables():
    assert [one.text for one in lookalikes(["Answer: {question}"])] == ["{question}"]
    assert lookalikes(["{{a}} as {b}"]) == ()


@pytest.mark.parametrize(
    "piece", ["{", "{{", "<", "[", "{% ", "${", "{a", "[a ", "{#", "%(", "@@@a:", "{ ", "{a" + " " * 9]
)
def test_hostile_prompts_are_read_quickly(piece: str):
    started = time.process_time()
    lookalikes([piece * (100_000 // len(piece))], names=NAMES)
    assert time.process_time() - started < 10
