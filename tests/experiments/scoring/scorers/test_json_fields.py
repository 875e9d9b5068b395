import pytest

from tests.experiments.scoring.scored import score, value

ORDER = '{"id": 7, "customer": {"name": "Ada", "vip": true}, "items": ["pen", "ink"], "note": null}'


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (ORDER, 1.0),
        ('{"note": null, "items": ["pen", "ink"], "customer": {"vip": true, "name": " Ada "}, "id": 7.0}', 1.0),
        ('{"id": 7, "customer": {"name": "ada", "vip": true}, "items": ["pen", "ink"], "note": null}', 5 / 6),
        ('{"id": 7, "customer": {"name": "Ada", "vip": 1}, "items": ["ink", "pen"], "note": null}', 3 / 6),
        ('{"id": 7}', 1 / 6),
        ("[]", 0.0),
        ("{}", 0.0),
    ],
)
def test_the_share_of_right_fields_is_counted(output, expected):
    assert value("json_fields", output, ORDER) == pytest.approx(expected)


@pytest.mark.parametrize("output", ["", "no json", "\ud800", "[" * 5000])
def test_an_output_that_is_no_json_scores_zero(output):
    assert value("json_fields", output, ORDER) == 0.0


def test_the_reason_names_some_fields():
    reason = score("json_fields", '{"id": 8, "items": ["pen"]}', ORDER).reason

    assert reason == "5 of 6 fields differ, such as 'id', 'customer.name', 'customer.vip'"


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"fields": ["customer.name"]}, '{"customer": {"name": "Ada"}}', 1.0),
        ({"fields": ["customer", "items[1]"]}, '{"customer": {"name": "Ada"}, "items": ["x", "ink"]}', 2 / 3),
        ({"ignore_case": True, "fields": ["customer.name"]}, '{"customer": {"name": "ADA"}}', 1.0),
        ({"tolerance": 0.5, "fields": ["id"]}, '{"id": 7.4}', 1.0),
        ({"count_extra": True, "fields": ["id", "x"]}, '{"id": 7, "x": 1}', 1 / 2),
        ({"allow_fence": False}, f"```json\n{ORDER}\n```", 0.0),
        ({}, f"```json\n{ORDER}\n```", 1.0),
    ],
)
def test_options_shape_the_comparison(options, output, expected):
    assert value({"json_fields": options}, output, ORDER) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "reference", "reason"),
    [
        ({}, "no json", "the reference is no JSON: line 1, column 1: Expecting value"),
        ({"fields": ["price"]}, ORDER, "the reference has none of these fields"),
    ],
)
def test_a_reference_without_fields_gives_no_score(options, reference, reason):
    found = score({"json_fields": options}, ORDER, reference)

    assert (found.value, found.reason) == (None, reason)
