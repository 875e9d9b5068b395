"""Lists of right answers, and texts that are equal in another form, over all scorers that read a reference."""

import unicodedata

import pytest

from experiments.scoring.right_answers import right_answers
from tests.experiments.scoring.scored import score, value

COMPARERS = ["exact_match", "equals_label", "contains", "starts_with", "ends_with", "similarity", "rouge"]


@pytest.mark.parametrize("entry", COMPARERS)
@pytest.mark.parametrize("answer", ["Paris", "Lutetia"])
def test_any_answer_of_a_list_is_right(entry, answer):
    assert value(entry, answer, '["Paris", "Lutetia"]') == 1.0


@pytest.mark.parametrize("entry", ["exact_match", "equals_label", "contains", "starts_with", "ends_with"])
def test_no_other_answer_is_right(entry):
    assert value(entry, "Rome", '["Paris", "Lutetia"]') == 0.0


def test_the_reason_says_that_there_were_several():
    assert score("equals_label", "Rome", '["Paris", "Lutetia"]').reason.endswith("(best of 2 right answers)")


@pytest.mark.parametrize("entry", ["bleu", "chrf"])
def test_a_graded_scorer_takes_the_nearest_answer(entry):
    near, far = "the cat sat on the mat today", "a dog lay in the sun all day"
    assert value(entry, near, f'["{far}", "{near}"]') == value(entry, near, near)


def test_numbers_of_a_list_are_answers_too():
    assert value("numeric_answer", "It is 12.", "[7, 12]") == 1.0
    assert value("numeric_answer", "It is 8.", "[7, 12]") == 0.0


def test_the_list_itself_is_still_an_answer():
    assert value("exact_match", '["a", "b"]', '["a", "b"]') == 1.0


@pytest.mark.parametrize("reference", ["[1, {}]", "[[1]]", "[]", "[Paris", "[true]", '["", " "]', "Paris"])
def test_what_is_no_list_of_answers_is_one_answer(reference):
    assert right_answers(reference) == [reference]


def test_all_answers_can_be_asked_for():
    entry = {"contains": {"match": "all"}}
    assert value(entry, "Paris, once Lutetia", '["Paris", "Lutetia"]') == 1.0
    assert value(entry, "Paris", '["Paris", "Lutetia"]') == 0.0


def test_an_unwanted_answer_of_a_list_is_noticed():
    assert value({"contains": {"negate": True}}, "in Paris", '["Paris", "Lutetia"]') == 0.0


@pytest.mark.parametrize("entry", COMPARERS)
@pytest.mark.parametrize(
    ("output", "reference"),
    [
        (unicodedata.normalize("NFD", "Café à la crème"), "Café à la crème"),
        ("Café à la crème", unicodedata.normalize("NFD", "Café à la crème")),
        ("first line\r\nsecond line", "first line\nsecond line"),
        ("first line\nsecond line", "first line\r\nsecond line"),
        (unicodedata.normalize("NFD", "パリ"), "パリ"),
    ],
)
def test_the_same_text_in_another_form_is_equal(entry, output, reference):
    assert value(entry, output, reference) == 1.0


def test_options_and_columns_are_read_in_the_same_form():
    composed = "Crème"
    apart = unicodedata.normalize("NFD", composed)
    assert value({"contains": {"text": apart}}, composed) == 1.0
    assert value({"starts_with": {"texts": [apart]}}, composed) == 1.0
    assert value({"ends_with": {"column": "wanted"}}, composed, row={"wanted": apart}) == 1.0


@pytest.mark.parametrize(
    "answer", ["バグ。", "「バグ」", "バグ！", "答え：バグ".removeprefix("答え："), "（バグ）", "【バグ】", "バグ、"]
)
def test_marks_of_other_scripts_do_not_count_around_a_label(answer):
    assert value("equals_label", answer, "バグ") == 1.0


def test_label_sets_are_parted_by_marks_of_other_scripts():
    assert value("label_sets", "请求、错误，其他。", "其他, 请求, 错误") == 1.0
