"""The session file: defaults, and every mistake told with its place."""

import pytest

from experiments.errors import BakeoffError
from experiments.ratings.session_file import SessionSpec, parse_session, session_from
from experiments.vocabulary import MetricKind


def test_an_empty_file_asks_which_of_two_answers_is_better():
    spec = parse_session("")
    assert (spec.metric_name(), spec.question_text()) == ("preferred", "Which answer is better?")
    assert [(c.key, c.value, c.score) for c in spec.choices()] == [
        ("1", "left", 1.0),
        ("2", "both_good", 0.5),
        ("3", "both_bad", 0.5),
        ("4", "right", 0.0),
    ]


@pytest.mark.parametrize(
    ("given", "kind", "unit"),
    [
        ({}, MetricKind.PREFERENCE, "points"),
        ({"kind": "scale"}, MetricKind.ORDINAL, "score"),
        ({"kind": "thumbs"}, MetricKind.BINARY, "points"),
        (
            {"kind": "categories", "categories": [{"value": "a", "score": 0}, {"value": "b", "score": 1}]},
            "binary",
            None,
        ),
        (
            {"kind": "categories", "categories": [{"value": "a", "score": 0}, {"value": "b", "score": 2}]},
            "ordinal",
            None,
        ),
    ],
)
def test_the_kind_of_question_decides_what_the_metric_is(given, kind, unit):
    definition = session_from(given).definition()
    assert definition.kind == kind
    assert unit in (None, definition.unit)


def test_anchors_are_the_labels_of_the_scale():
    choices = session_from({"kind": "scale", "anchors": {"1": "Useless", "5": "Ready to send"}}).choices()
    assert [c.label for c in choices] == ["Useless", "2", "3", "4", "Ready to send"]
    assert [c.score for c in choices] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("overlapp: 2", "Did you mean 'overlap'"),
        ("kind: categories", "2 to 9 different values"),
        ("rows: {pick: random}", "needs a 'count'"),
        ("rows: {pick: stratified, count: 5}", "by: COLUMN"),
        ("anchors: {'1': x}", "belong to the kind 'scale'"),
        ("kind: scale\nanchors: {'7': x}", "words for 1 to 5"),
        ("metric: '2nd'", "not a metric name"),
        ("closes_at: '2026-03-31T18:00:00'", "needs a zone"),
        ("gold: [{answer: first}]", "'unit', or 'first' and 'second'"),
        ("gold: [{first: a, second: b, answer: A}]", "none of"),
        ("kind: thumbs\ngold: [{unit: t1, answer: up}]", "needs 'variant'"),
        ("kind: scale\ngold: [{text: x, answer: 9}]", "none of 1, 2, 3, 4, 5"),
        ("overlap: 0", "line 1"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, told: str):
    with pytest.raises(BakeoffError) as caught:
        parse_session(text)
    assert told in str(caught.value)
    assert "line" in caught.value.message


def test_a_form_is_told_the_field():
    with pytest.raises(BakeoffError, match="overlap"):
        session_from({"overlap": 99})


def test_a_stored_session_reads_back_the_same():
    spec = session_from({"kind": "scale", "gold": [{"text": "x", "answer": 5}], "closes_at": "2026-03-31T18:00:00Z"})
    assert SessionSpec.model_validate(spec.model_dump(mode="json")) == spec
