import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from tests.experiments.scoring.scored import score, value

ENGLISH = "Thank you for your message. The refund will be with you in five days."
GERMAN = "Vielen Dank für Ihre Nachricht. Die Erstattung ist in fünf Tagen bei Ihnen."


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"code": "en"}, ENGLISH, 1.0),
        ({"code": "en"}, GERMAN, 0.0),
        ({"code": "de-AT"}, GERMAN, 1.0),
        ({"column": "locale"}, GERMAN, 1.0),
        ({"same_as_column": "ticket"}, ENGLISH, 1.0),
        ({"same_as_column": "ticket"}, GERMAN, 0.0),
    ],
)
def test_the_wanted_language_passes(options, output, expected):
    row = {"locale": "de_DE", "ticket": "Where is my order? I have been waiting for it since Monday."}

    assert value({"language": options}, output, row=row) == expected


def test_a_miss_tells_both_languages():
    assert score({"language": "en"}, GERMAN).reason == "looks like de, wanted en"


@pytest.mark.parametrize(
    ("options", "output", "row", "reason"),
    [
        ({"code": "en"}, "42", {}, "the language of the output cannot be told"),
        ({"code": "en"}, "", {}, "the language of the output cannot be told"),
        ({"column": "locale"}, ENGLISH, {"locale": "xx"}, "'xx' is not a language that can be told"),
        ({"same_as_column": "t"}, ENGLISH, {"t": "42"}, "the language of the column 't' cannot be told"),
        ({"column": "locale"}, ENGLISH, {}, "no value in the column 'locale'"),
    ],
)
def test_what_cannot_be_told_gives_no_score(options, output, row, reason):
    found = score({"language": options}, output, row=row)

    assert (found.value, found.reason) == (None, reason)


@pytest.mark.parametrize(
    ("options", "message"),
    [({}, "give one of"), ({"code": "en", "column": "x"}, "give one of"), ({"code": "klingon"}, "is not a language")],
)
def test_the_wanted_language_must_be_clear(options, message):
    with pytest.raises(BakeoffError, match=message):
        bind({"language": options})
