from typing import Annotated, Literal

import pytest
from pydantic import Field

from experiments.errors import BakeoffError
from experiments.scoring import Score, ScoringContext
from experiments.scoring.options import OptionDescription, option_texts, options_form, prose


def sample(
    ctx: ScoringContext,
    *,
    schema: str,
    most: Annotated[int, Field(ge=1, le=9)] = 3,
    share: float = 0.5,
    how: Literal["any", "all"] = "any",
    texts: tuple[str, ...] | None = None,
) -> Score:
    """First line.

    More of it,
    on two lines.

    Options:
        schema: What it must look like.
        most: The most of it, which is told
            on two lines.

    Source: nobody, 1900.
    """
    return Score(1.0)


FORM = options_form(sample)


def test_options_are_read_with_their_defaults():
    values = FORM.read({"schema": "x", "share": 1})

    assert vars(values) == {"schema": "x", "most": 3, "share": 1.0, "how": "any", "texts": None}


def test_canonical_options_leave_defaults_out():
    assert FORM.canonical(FORM.read({"schema": "x", "most": 3, "texts": ["a"]})) == {"schema": "x", "texts": ["a"]}


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        ({"shema": "x"}, "unknown_option", "The scorer 'sample' has no option 'shema'. Did you mean 'schema'?"),
        ({}, "missing_option", "The scorer 'sample' needs the option 'schema'."),
        ({"schema": 42}, "bad_option", "should be a valid string. Put it in quotes to make it a text."),
        (
            {"schema": "x", "most": 10},
            "bad_option",
            "The option 'most' of the scorer 'sample' should be less than or equal",
        ),
        ({"schema": "x", "most": "3"}, "bad_option", "'most'"),
        ({"schema": "x", "most": True}, "bad_option", "'most'"),
        ({"schema": "x", "how": "some"}, "bad_option", "should be 'any' or 'all'"),
        ({"schema": "x", "texts": "a"}, "bad_option", "'texts'"),
        ({"schema": object()}, "bad_option", "are not plain values"),
        ({"schema": "x", "share": float("nan")}, "bad_option", "'share'"),
        ({"schema": "\ud800"}, "bad_option", "scorer 'sample'"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(raw, code, message):
    with pytest.raises(BakeoffError) as caught:
        FORM.read(raw)

    assert caught.value.code == code
    assert message in str(caught.value)


def test_options_are_described_for_docs_and_forms():
    described = {option.name: option for option in FORM.describe(sample.__doc__)}

    assert described["schema"] == OptionDescription("schema", "text", True, None, "What it must look like.")
    assert described["most"] == OptionDescription(
        "most", "whole number", False, 3, "The most of it, which is told on two lines.", (), 1, 9
    )
    assert described["how"].choices == ("any", "all")
    assert described["how"].type == "one of any, all"
    assert described["texts"].type == "list of texts"
    assert described["share"].type == "number"


def test_texts_and_prose_come_from_the_docstring():
    assert option_texts(sample.__doc__) == {
        "schema": "What it must look like.",
        "most": "The most of it, which is told on two lines.",
    }
    assert prose(sample.__doc__) == "First line. More of it, on two lines."
    assert option_texts("") == {}


def test_a_function_of_another_shape_is_refused():
    def positional(ctx: ScoringContext, text: str) -> Score:
        return Score(1.0)

    def untyped(ctx: ScoringContext, *, text=None) -> Score:
        return Score(1.0)

    def reserved(ctx: ScoringContext, *, threshold: float = 1.0) -> Score:
        return Score(1.0)

    def nothing() -> Score:
        return Score(1.0)

    for function, message in (
        (positional, "must be a keyword-only parameter"),
        (untyped, "must be a keyword-only parameter with a type"),
        (reserved, "'threshold' is reserved"),
        (nothing, "must take the scoring context"),
    ):
        with pytest.raises(TypeError, match=message):
            options_form(function)
