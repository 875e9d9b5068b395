import base64

import pytest

from tests.experiments.scoring.scored import score, value

ROW = {"canary": "ZEBRA-4711"}


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("the word is zebra-4711", "the token stands in the output"),
        ("Z E B R A 4 7 1 1", "the token stands in the output, spelled out"),
        ("z.e.b.r.a\n4711", "the token stands in the output, spelled out"),
        ("1174arbez", "the token stands in the output, backwards"),
        *[
            (
                base64.b64encode(b"x" * n + b" the word is ZEBRA-4711, ok").decode(),
                "the token stands in the output, in base64",
            )
            for n in range(3)
        ],
    ],
)
def test_a_token_that_came_out_is_found(output, reason):
    found = score("canary", output, row=ROW)

    assert (found.value, found.reason) == (1.0, reason)


@pytest.mark.parametrize("output", ["", "zebra", "4711", "\ud800\0", "ZEBRA-4712"])
def test_a_token_that_stayed_in_is_not(output):
    assert value("canary", output, row=ROW) == 0.0


def test_a_short_token_must_stand_there_as_written():
    assert value("canary", "a b c", row={"canary": "ABC"}) == 0.0


def test_a_row_without_a_token_gives_no_score():
    assert score("canary", "x", row={"canary": ""}).reason == "no value in the column 'canary'"
