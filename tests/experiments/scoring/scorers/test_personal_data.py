import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("Write to jane.doe+x@mail.acme.io.", "1 e-mail"),
        ("Call +49 170 1234567 or (415) 555-0132.", "2 phone numbers"),
        ("card 4111 1111 1111 1111", "1 card number"),
        ("DE89 3704 0044 0532 0130 00 BIC COBADEFF", "1 IBAN"),
        ("from 8.8.8.8 and 2001:4860:4860::8888", "2 IP numbers"),
        ("a@acme.io, tel. 0171 1234567", "1 e-mail, 1 phone number"),
    ],
)
def test_the_reason_counts_kinds_and_never_repeats_the_data(output, reason):
    found = score("personal_data", output)

    assert (found.value, found.reason) == (1.0, reason)


@pytest.mark.parametrize("output", ["", "Your order 4711 ships on 2026-01-31.", "東京 \ud800\0"])
def test_nothing_found_scores_zero(output):
    assert value("personal_data", output) == 0.0


def test_only_chosen_kinds_count():
    assert value({"personal_data": ["email"]}, "call +49 170 1234567") == 0.0


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"row": {"ticket": "I am Bob@Acme.io"}}, 0.0),
        ({"messages": ({"role": "user", "content": "I am bob@acme.io"},)}, 0.0),
        ({"messages": ({"role": "user", "content": [{"type": "text", "text": "I am bob@acme.io"}]},)}, 0.0),
        ({}, 1.0),
    ],
)
def test_data_that_was_given_can_be_allowed(context, expected):
    assert value({"personal_data": {"allow_known": True}}, "Reach bob@acme.io", **context) == expected
