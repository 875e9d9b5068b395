"""Personal data: found when it is there, left alone when it only looks like it."""

import pytest

from experiments.datasets.personal_data import count_personal_data, iban_holds, luhn_holds, personal_kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to jo.doe+x@mail.example.org today", "email"),
        ("call +49 170 1234567 please", "phone"),
        ("call (415) 555-0132", "phone"),
        ("415-555-0132", "phone"),
        ("card 4111 1111 1111 1111 exp 12/29", "card"),
        ("5500-0000-0000-0004", "card"),
        ("378282246310005", "card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("pay to GB82WEST12345698765432.", "iban"),
    ],
)
def test_personal_data_is_found(text, kind):
    assert kind in personal_kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112",
        "0000 0000 0000 0000",
        "invoice 2026-01-31-000123",
        "3.14159265358979",
        "1234567890123456789012345",
        "DE89 3704 0044 0532 0130 01",
        "me@localhost, @handle, a @ b",
        "12345678",
        "version 1.2.3-4567",
        "2026-01-31 13:30:00",
        "the year 1999 and 24,000,000 people",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert personal_kinds(text) == frozenset()


def test_cells_are_counted_by_kind():
    counts = count_personal_data(["a@b.example", None, "", "c@d.example and +1 415 555 0132", "none"])

    assert counts == {"email": 2, "phone": 1}


# ISO/IEC 7812-1 annex B works through the number 1789372997 with the check digit 4; padded here to 13 digits the
# sum does not change, because leading zeros add nothing.
@pytest.mark.parametrize(
    ("number", "holds"), [("00017893729974", True), ("00017893729975", False), ("17893729974", False)]
)
def test_the_luhn_check_follows_its_standard(number, holds):
    assert luhn_holds(number) is holds


# Examples of the IBAN registry (SWIFT, release 99): Germany, United Kingdom, Norway (shortest), Malta.
@pytest.mark.parametrize(
    "account",
    ["DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"],
)
def test_the_iban_check_follows_its_standard(account):
    assert iban_holds(account)
    assert not iban_holds(account[:2] + "00" + account[4:])
