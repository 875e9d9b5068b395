"""Variables and columns."""

import pytest

from experiments.datasets.matching import check_column, match_columns, nearest
from experiments.errors import BakeoffError


@pytest.mark.parametrize(
    ("variable", "columns", "column", "how"),
    [
        ("body", ["id", "body"], "body", "same_name"),
        ("body", ["Body", "body"], "body", "same_name"),
        ("body", ["id", "BODY"], "BODY", "same_letters"),
        ("customer_name", ["Customer Name"], "Customer Name", "same_letters"),
        ("größe", ["GRÖSSE", "x"], "GRÖSSE", "same_letters"),
        ("body", ["Body", "BODY"], None, None),
        ("body", ["boddy"], None, None),
    ],
)
def test_a_variable_finds_its_column(variable, columns, column, how):
    match = match_columns([variable], columns).matches[0]

    assert (match.column, match.how) == (column, how)


def test_a_near_spelling_is_only_proposed():
    matching = match_columns(["ticket_body"], ["id", "ticket_bdoy"])

    assert (matching.missing, matching.matches[0].proposal) == (("ticket_body",), "ticket_bdoy")


def test_nothing_near_proposes_nothing():
    assert match_columns(["tone"], ["zebra", "x"]).matches[0].proposal is None


def test_a_mapping_wins_and_two_variables_may_share_a_column():
    matching = match_columns(["a", "b"], ["a", "c"], mapping={"a": "c", "b": "c"})

    assert matching.inputs() == {"a": "c", "b": "c"}
    assert [m.how for m in matching.matches] == ["given", "given"]


def test_the_example_is_the_first_text_that_is_not_empty():
    rows = [{"a": None}, {"a": " "}, {"a": "hello"}, {"a": "later"}]

    assert match_columns(["a"], ["a"], sample=rows).matches[0].example == "hello"


def test_a_mapping_to_an_unknown_column_names_the_nearest():
    with pytest.raises(BakeoffError) as caught:
        match_columns(["a"], ["body", "id"], mapping={"a": "bodi"})

    assert (caught.value.code, "'body'" in caught.value.hint) == ("unknown_column", True)


def test_a_mapping_of_an_unknown_variable_names_the_nearest():
    with pytest.raises(BakeoffError) as caught:
        match_columns(["ticket"], ["body"], mapping={"tiket": "body"})

    assert (caught.value.code, "'ticket'" in caught.value.hint) == ("unknown_variable", True)


def test_what_is_missing_is_told_with_its_proposal():
    matching = match_columns(["ticket_body", "tone", "id"], ["ticket_bdoy", "id"])

    with pytest.raises(BakeoffError) as caught:
        matching.require_complete()

    assert (caught.value.code, "{{ticket_body}}, {{tone}}" in caught.value.message) == ("missing_columns", True)
    assert "ticket_bdoy" in caught.value.hint


def test_a_complete_matching_passes():
    match_columns(["a"], ["a"]).require_complete()

    assert match_columns(["a"], ["a"]).missing == ()


def test_an_unknown_column_without_a_near_one_lists_what_there_is():
    with pytest.raises(BakeoffError) as caught:
        check_column("zzz", ["alpha", "beta"], role="the reference")

    assert "alpha, beta" in caught.value.hint


def test_nothing_is_near_an_empty_list():
    assert nearest("a", []) is None
