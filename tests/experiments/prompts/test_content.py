"""Prompts: templates without logic, versions by content, differences word by word."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.errors import BakeoffError
from experiments.prompts.content import (
    Message,
    chat_prompt,
    check_label_name,
    check_prompt_name,
    name_from,
    settings_changes,
    text_prompt,
    variables_of,
    word_diff,
)
from experiments.prompts.rendering import render

HOSTILE = [
    "{{ self.__init__.__globals__ }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "{0.__class__}",
    "%(x)s",
    "{{x|attr('y')}}",
    "<script>alert(1)</script>",
    "{{{{x}}}}",
    "{" * 100_000,
    "{{" * 50_000 + "a",
]


def _text(text: str):
    return text_prompt(text, model="demo/small")


def test_variables_are_named_once_in_order():
    assert variables_of(["{{b}} {{ a }} {{b}}", "{{c.d-e_1}}"]) == ("b", "a", "c.d-e_1")


@pytest.mark.parametrize(
    "name",
    [
        "質問",
        "größe",
        "customer name",
        "Kunden-Nr. 2",
        "प्रश्न",
        "คำถาม",
        "پرسش‌ها",
        "שאלה",
        "вопрос",
        "e\u0301tat",
        "_x",
        "a b c",
    ],
)
def test_a_name_in_any_script_and_with_spaces_is_a_variable(name: str):
    text = f"Q: {{{{{name}}}}} {{{{ {name} }}}}"
    assert variables_of([text]) == (name,)
    assert render(_text(text), {name: "v"}).messages[0]["content"] == "Q: v v"


@pytest.mark.parametrize(
    "text", ["{ {x}}", "{{}}", "{{1x}}", "{{x  y}}", "{{x\u00a0y}}", "{x}", "{{x}", "{{\nx}}", "{{x|upper}}"]
)
def test_braces_that_name_no_variable_stay_as_they_are(text: str):
    assert variables_of([text]) == ()
    assert render(_text(text), {}).messages[0]["content"] == text


def test_a_value_is_never_read_as_a_template_again():
    sent = render(_text("{{a}}-{{b}}"), {"a": "{{b}}", "b": "{{a}}"})
    assert sent.messages[0]["content"] == "{{b}}-{{a}}"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_templates_are_plain_text_and_quick(text: str):
    started = time.perf_counter()
    names = variables_of([text])
    sent = render(_text("x" + text), dict.fromkeys(names, "v"))
    assert time.perf_counter() - started < 2
    assert "__subclasses__" not in str(sent.messages) or "__subclasses__" in text
    assert len(sent.messages[0]["content"]) <= len(text) + 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_arrive_as_they_are(text: str):
    assert render(_text("<{{x}}>"), {"x": text}).messages[0]["content"] == f"<{text}>"


STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(STORABLE, STORABLE)
@settings(deadline=None, max_examples=200)
def test_every_value_arrives_exactly(before: str, value: str):
    sent = render(_text(f".{before.replace('{', '(')}{{{{x}}}}"), {"x": value})
    assert sent.messages[0]["content"].endswith(value)


def test_a_missing_value_is_named_with_its_row():
    with pytest.raises(BakeoffError) as error:
        render(_text("Hi {{name}}"), {"name": None}, row="row 7")
    assert error.value.code == "missing_variable"
    assert "{{name}}" in error.value.message
    assert "row 7" in error.value.message


def test_an_empty_value_is_a_value():
    assert render(_text("Hi {{name}}!"), {"name": ""}).messages[0]["content"] == "Hi !"


def test_an_absurdly_long_filled_prompt_is_refused_with_an_estimate():
    with pytest.raises(BakeoffError) as error:
        render(_text("{{x}}{{x}}{{x}}"), {"x": "y" * 2_000_000})
    assert error.value.code == "prompt_too_large"
    assert "tokens" in error.value.message


def test_equal_content_has_an_equal_hash_and_any_difference_another():
    base = chat_prompt([Message("system", "a"), Message("user", "b")], model="m/x", parameters={"t": 1, "s": 2})
    same = chat_prompt([Message("system", "a"), Message("user", "b")], model="m/x", parameters={"s": 2, "t": 1})
    others = [
        chat_prompt([Message("system", "a"), Message("user", "b ")], model="m/x", parameters={"t": 1, "s": 2}),
        chat_prompt([Message("user", "a"), Message("user", "b")], model="m/x", parameters={"t": 1, "s": 2}),
        chat_prompt([Message("system", "a"), Message("user", "b")], model="m/y", parameters={"t": 1, "s": 2}),
        chat_prompt([Message("system", "a"), Message("user", "b")], model="m/x", parameters={"t": 1}),
        text_prompt("b", model="m/x", parameters={"t": 1, "s": 2}),
    ]
    assert base.hash() == same.hash()
    assert len({base.hash(), *(o.hash() for o in others)}) == 6


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([], "empty_prompt"),
        ([Message("user", "  \n")], "empty_prompt"),
        ([Message("robot", "x")], "unknown_role"),
        ([Message("user", "x" * 1_000_001)], "too_large"),
    ],
)
def test_a_prompt_that_cannot_be_is_refused(messages, code):
    with pytest.raises(BakeoffError) as error:
        chat_prompt(messages, model="demo/small")
    assert error.value.code == code


@pytest.mark.parametrize("parameters", [{"x": float("nan")}, {"x": object()}, {"x": {1, 2}}])
def test_parameters_must_be_plain_json(parameters):
    with pytest.raises(BakeoffError) as error:
        text_prompt("x", model="demo/small", parameters=parameters)
    assert error.value.code == "bad_parameters"


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "a@b", "x" * 121, "ä", "-x", "a\n"])
def test_names_that_cannot_stand_in_an_address_are_refused(name: str):
    with pytest.raises(BakeoffError):
        check_prompt_name(name)


@pytest.mark.parametrize("label", ["", "Production", "a b", "1a", "x" * 41])
def test_labels_are_short_lower_case_words(label: str):
    with pytest.raises(BakeoffError):
        check_label_name(label)


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_a_name_can_be_made_from_any_text(text: str):
    assert check_prompt_name(name_from(f"a{text}"))


def test_a_diff_keeps_variables_whole():
    parts = word_diff("Reply to {{ticket}} now", "Reply to {{body}} now")
    assert [(p.kind, p.text) for p in parts] == [
        ("same", "Reply to "),
        ("removed", "{{ticket}}"),
        ("added", "{{body}}"),
        ("same", " now"),
    ]


def test_unlike_texts_are_shown_as_two_blocks():
    parts = word_diff("The quick brown fox", "Lorem ipsum dolor sit amet")
    assert [p.kind for p in parts] == ["removed", "added"]


@given(st.text(max_size=200), st.text(max_size=200))
@settings(deadline=None, max_examples=200)
def test_a_diff_gives_back_both_texts(before: str, after: str):
    parts = word_diff(before, after)
    assert "".join(p.text for p in parts if p.kind != "added") == before
    assert "".join(p.text for p in parts if p.kind != "removed") == after


def test_changed_settings_are_told_one_by_one():
    before = text_prompt("x", model="a/b", parameters={"temperature": 0.2, "seed": 1})
    after = text_prompt("x", model="a/c", parameters={"temperature": 0.5})
    assert settings_changes(before, after) == ("model: a/b → a/c", "seed: 1 → not set", "temperature: 0.2 → 0.5")


def test_a_lone_space_between_two_changes_is_part_of_the_change():
    parts = word_diff("Sort it and answer kindly: {{body}}", "Read this and answer kindly: {{body}}")

    assert [(part.kind, part.text) for part in parts] == [
        ("removed", "Sort it"),
        ("added", "Read this"),
        ("same", " and answer kindly: {{body}}"),
    ]


def test_lines_that_both_changed_stay_lines_of_their_own():
    parts = word_diff("one two three\nsame words here\nfour", "five two three\nsame words here\nsix")

    assert [part.text for part in parts if part.kind == "same"] == [" two three\nsame words here\n"]
