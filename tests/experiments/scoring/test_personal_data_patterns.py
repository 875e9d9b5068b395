import pytest

from experiments.scoring.personal_data_patterns import personal_data_in

ALL = ("email", "iban", "card", "ip", "phone")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jane.doe@acme.co.uk,", ("email", "jane.doe@acme.co.uk")),
        ("müller@größe.de", ("email", "müller@größe.de")),
        ("GB82WEST12345698765432", ("iban", "GB82WEST12345698765432")),
        ("DE89 3704 0044 0532 0130 00 ABC", ("iban", "DE89 3704 0044 0532 0130 00")),
        ("5500-0000-0000-0004", ("card", "5500-0000-0000-0004")),
        ("378282246310005", ("card", "378282246310005")),
        ("8.8.8.8", ("ip", "8.8.8.8")),
        ("+1 (415) 555-0132", ("phone", "+1 (415) 555-0132")),
        ("0049/170/1234567", ("phone", "0049/170/1234567")),
        ("415-555-0132", ("phone", "415-555-0132")),
        ("030 / 12345678", ("phone", "030 / 12345678")),
    ],
)
def test_each_kind_is_found_as_written(text, expected):
    assert personal_data_in(text, ALL) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "me@localhost, @handle, a @ b",
        "you@example.com, x@mail.example.org, y@host.invalid",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "DE89 3704 0044 0532 0130 01",
        "XX89 3704 0044 0532 0130 00",
        "10.0.0.1, 127.0.0.1, 192.168.1.1, 192.0.2.7",
        "version 1.2.3.4.5 and 999.1.1.1",
        "12:30:45, ::, a::b",
        "2026-01-31 13:30:00",
        "3.14159265358979",
        "order 1234567890",
        "1,234,567,890",
        "",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert personal_data_in(text, ALL) == []


def test_digits_of_a_card_are_no_phone_number_even_when_cards_do_not_count():
    assert personal_data_in("4111 1111 1111 1111", ("phone",)) == []
