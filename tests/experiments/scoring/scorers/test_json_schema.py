import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from tests.experiments.scoring.scored import score, value

TICKET = {
    "type": "object",
    "required": ["intent"],
    "properties": {
        "intent": {"enum": ["billing", "bug"]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "uniqueItems": True},
    },
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "properties": {"price": {"type": "number", "minimum": 0}}}},
}


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ('{"intent": "bug"}', None),
        ('{"intent": "bug", "items": [{"price": 1}, {"price": 2}]}', None),
        ("{}", "the top level: 'intent' is a required property"),
        ('{"intent": "x"}', "intent: 'x' is not one of ['billing', 'bug']"),
        ('{"intent": "bug", "items": [{"price": "1"}]}', "items[0].price: '1' is not of type 'number'"),
        ('{"intent": "bug", "items": [{"price": 1}, {"price": 1.0}]}', "items: two items are the same"),
        ('{"intent": "bug", "x": 1}', "the top level: the property 'x' is not allowed"),
        ("", "the output is empty"),
        ("no json", "line 1, column 1: Expecting value"),
    ],
)
def test_the_reason_names_the_first_violation(output, reason):
    found = score({"json_schema": {"schema": TICKET}}, output)

    assert (found.value, found.reason) == (float(reason is None), reason)


def test_a_fence_is_accepted_only_on_demand():
    output = '```json\n{"intent": "bug"}\n```'

    assert value({"json_schema": {"schema": TICKET}}, output) == 0.0
    assert value({"json_schema": {"schema": TICKET, "allow_fence": True}}, output) == 1.0


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "https://example.com/schema.json"}, "points outside the schema"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "points outside the schema"),
        ({"$ref": "#/$defs/nothing"}, "points to nothing"),
        ({"type": "objekt"}, "is no JSON schema: at type"),
        ({"properties": {"a": {"pattern": "("}}}, "is no JSON schema"),
        ("object", "should be a mapping"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_when_the_file_is_read(schema, message):
    with pytest.raises(BakeoffError, match=message.replace("(", r"\(")):
        bind({"json_schema": {"schema": schema}})


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties", "additionalProperties"])
def test_a_pattern_that_runs_away_gives_no_score(keyword):
    runaway = "^(a|aa)+$"
    schemas = {
        "pattern": {"additionalProperties": {"pattern": runaway}},
        "patternProperties": {"patternProperties": {runaway: True}},
        "additionalProperties": {"patternProperties": {runaway: True}, "additionalProperties": False},
    }
    long = "a" * 60 + "b"

    found = score({"json_schema": {"schema": schemas[keyword]}}, f'{{"{long}": "{long}"}}')

    assert (found.value, found.reason) == (None, "the pattern took longer than 250 ms")


def test_a_long_list_of_objects_is_checked_for_doubles_in_linear_time():
    items = ",".join(f'{{"n": {n}}}' for n in range(50_000))

    assert value({"json_schema": {"schema": {"uniqueItems": True}}}, f"[{items}]") == 1.0


@pytest.mark.parametrize(
    ("pattern_properties", "expected"), [({"^n": {"type": "number"}}, 0.0), ({"^x": {"type": "number"}}, 1.0)]
)
def test_pattern_properties_check_the_keys_they_match(pattern_properties, expected):
    assert value({"json_schema": {"schema": {"patternProperties": pattern_properties}}}, '{"n1": "a"}') == expected


def test_additional_properties_may_be_a_schema():
    schema = {"properties": {"a": True}, "additionalProperties": {"type": "string"}}

    assert value({"json_schema": {"schema": schema}}, '{"a": 1, "b": "x"}') == 1.0
    assert value({"json_schema": {"schema": schema}}, '{"a": 1, "b": 2}') == 0.0


def test_earlier_drafts_are_followed_when_the_schema_says_so():
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": True}

    assert value({"json_schema": {"schema": schema}}, "3") == 0.0
    assert value({"json_schema": {"schema": schema}}, "4") == 1.0


def test_the_schema_itself_is_kept_with_the_options():
    assert bind({"json_schema": {"schema": {"type": "object"}}}).options == {"schema": {"type": "object"}}
