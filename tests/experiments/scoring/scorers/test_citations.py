import pytest

from experiments.scoring.scorers.citations import cited_numbers
from tests.experiments.scoring.scored import score, value

SOURCES = {"sources": "https://www.acme.io/help/\nhttps://acme.io/terms#refunds\n"}


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({}, "As shown [1].", 1.0),
        ({}, "See https://acme.io/help.", 1.0),
        ({}, "No source.", 0.0),
        ({}, "", 0.0),
        ({"style": "url"}, "As shown [1].", 0.0),
        ({"style": "number"}, "https://acme.io", 0.0),
        ({"at_least": 2}, "[1] and [1]", 0.0),
        ({"at_least": 2}, "[1] and [2]", 1.0),
        ({}, "\ud800[1]\0", 1.0),
    ],
)
def test_citations_are_counted(options, output, expected):
    assert value({"citations": options}, output) == expected


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("One [1] and two [2].", None),
        ("see http://acme.io/help#top, too", None),
        ("(https://acme.io/terms)", None),
        ("Three [3].", "cites [3], which is no source"),
        ("https://evil.io/help", "cites 'evil.io/help', which is no source"),
        ("none", "cites 0 sources, at least 1 wanted"),
    ],
)
def test_only_allowed_sources_may_be_cited(output, reason):
    assert score({"citations": {"sources_column": "sources"}}, output, row=SOURCES).reason == reason


def test_sources_may_bring_their_own_numbers():
    entry = {"citations": {"sources_column": "sources"}}
    row = {"sources": "[4] Terms\n[7] Help"}

    assert value(entry, "see [7]", row=row) == 1.0
    assert value(entry, "see [1]", row=row) == 0.0


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1][2, 3] [5-7] [^9]", {1, 2, 3, 5, 6, 7, 9}),
        ("[9-1]", {1, 9}),
        ("[0] [a] [12345]", set()),
        ("[1–3]", {1, 2, 3}),
    ],
)
def test_numbers_in_brackets_are_read(text, numbers):
    assert cited_numbers(text) == numbers
