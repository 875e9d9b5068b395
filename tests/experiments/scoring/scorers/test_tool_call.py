import json

import pytest

from tests.experiments.scoring.scored import score, value

REFUND = '{"name": "refund", "arguments": {"order": 7, "amount": 9.5}}'


def call(name, arguments):
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("options", "arguments", "expected"),
    [
        ({}, '{"amount": 9.50, "order": 7}', 1.0),
        ({}, {"order": 7, "amount": 9.5}, 1.0),
        ({}, '{"order": 7}', 0.0),
        ({}, '{"order": 7, "amount": 9.5, "note": "x"}', 0.0),
        ({}, '{"order": "7", "amount": 9.5}', 0.0),
        ({"tolerance": 0.1}, '{"order": 7, "amount": 9.55}', 1.0),
        ({"arguments": "subset"}, '{"order": 7, "amount": 9.5, "note": "x"}', 1.0),
        ({"arguments": "subset"}, '{"order": 7}', 0.0),
        ({"arguments": "ignore"}, "{}", 1.0),
        ({}, "not json", 0.0),
        ({}, "[1]", 0.0),
        ({}, "", 0.0),
    ],
)
def test_arguments_are_compared(options, arguments, expected):
    assert value({"tool_call": options}, "", REFUND, tool_calls=(call("refund", arguments),)) == expected


def test_flat_calls_are_read_as_well():
    assert value("tool_call", "", REFUND, tool_calls=(json.loads(REFUND),)) == 1.0


@pytest.mark.parametrize(
    ("reference", "calls", "reason"),
    [
        (REFUND, (), "0 tool calls, expected 1"),
        (REFUND, (call("cancel", "{}"),), "called 'cancel', expected 'refund'"),
        (REFUND, (call("refund", "{}"),), "other arguments for 'refund'"),
        ("refund", (call("refund", '{"order": 1}'),), None),
        ("[]", (), None),
        ("[]", (call("refund", "{}"),), "1 tool calls, expected 0"),
        (REFUND, ({"arguments": "{}"},), "a tool call has no name"),
    ],
)
def test_the_reason_tells_the_difference(reference, calls, reason):
    assert score("tool_call", "", reference, tool_calls=calls).reason == reason


def test_several_calls_keep_their_order_unless_allowed_otherwise():
    reference = '[{"name": "find"}, {"name": "refund", "arguments": {"order": 7}}]'
    calls = (call("refund", '{"order": 7}'), call("find", '{"q": "x"}'))

    assert value("tool_call", "", reference, tool_calls=calls) == 0.0
    assert value({"tool_call": {"any_order": True}}, "", reference, tool_calls=calls) == 1.0


def test_in_any_order_a_general_call_leaves_the_particular_one_its_match():
    reference = '[{"name": "find"}, {"name": "find", "arguments": {"q": "a"}}]'
    calls = (call("find", '{"q": "a"}'), call("find", '{"q": "b"}'))

    assert value({"tool_call": {"any_order": True}}, "", reference, tool_calls=calls) == 1.0


@pytest.mark.parametrize("reference", ["not a call", '{"tool": 1}', "[1]", '{"name": 3}'])
def test_a_reference_that_is_no_call_gives_no_score(reference):
    found = score("tool_call", "", reference)

    assert found.value is None
    assert found.reason.startswith("the reference is no tool call")
