import pytest

from experiments.errors import BakeoffError
from experiments.plans.plan import MetricDefinition
from experiments.scoring import Direction, MetricKind, bind, bind_all, is_judge


def test_a_bare_name_binds_with_the_defaults():
    bound = bind("exact_match")

    assert (bound.metric, bound.scorer, bound.version, bound.options) == ("exact_match", "exact_match", "2", {})
    assert bound.needs == {"reference"}
    assert bound.definition() == MetricDefinition("exact_match", MetricKind.BINARY, Direction.HIGHER, "points")


def test_name_renames_the_metric():
    bound = bind({"contains": {"text": "hello", "name": "says_hello"}})

    assert (bound.metric, bound.scorer, bound.options) == ("says_hello", "contains", {"text": "hello"})


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ({"regex": "a+"}, {"pattern": "a+"}),
        ({"equals_label": ["a", "b"]}, {"labels": ["a", "b"]}),
        ({"latency_bound": 300}, {"max_ms": 300.0}),
        ({"exact_match": None}, {}),
        ({"exact_match": {}}, {}),
    ],
)
def test_the_short_form_fills_the_main_option(entry, options):
    assert bind(entry).options == options


def test_the_entry_itself_is_left_alone():
    entry = {"contains": {"text": "a", "name": "x"}}

    bind(entry)

    assert entry == {"contains": {"text": "a", "name": "x"}}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("exact_match", {"exact_match": {"ignore_case": False}}, True),
        ({"contains": {"text": "a"}}, {"contains": {"text": "a", "name": "b"}}, True),
        ({"latency_bound": 300}, {"latency_bound": {"max_ms": 300.0}}, True),
        ("exact_match", {"exact_match": {"ignore_case": True}}, False),
        ("similarity", {"similarity": {"threshold": 0.8}}, False),
        ("exact_match", "numeric_answer", False),
    ],
)
def test_the_fingerprint_differs_exactly_when_scores_may(first, second, same):
    assert (bind(first).fingerprint == bind(second).fingerprint) is same


def test_the_fingerprint_of_a_release_stays():
    # A change here makes all stored scores of this scorer incomparable: bump the version on purpose, not by accident.
    assert bind("exact_match").fingerprint.startswith("e2a88755")


def test_a_threshold_makes_a_score_pass_or_fail_whichever_way_is_better():
    bound = bind({"prompt_leak": {"threshold": 0.1}})

    assert (bound.kind, bound.direction, bound.unit) == (MetricKind.BINARY, Direction.HIGHER, "points")


@pytest.mark.parametrize(
    ("entry", "columns", "needs"),
    [
        ({"contains": {"column": "keywords"}}, ("keywords",), set()),
        ({"language": {"same_as_column": "ticket"}}, ("ticket",), set()),
        ("canary", ("canary",), set()),
        ("contains", (), {"reference"}),
        ({"contains": "a"}, (), set()),
    ],
)
def test_columns_and_needs_follow_from_the_options(entry, columns, needs):
    bound = bind(entry)

    assert (bound.columns, bound.needs) == (columns, needs)


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("exact_mach", "unknown_scorer", "Did you mean 'exact_match'?"),
        ("", "unknown_scorer", "There is no scorer ''."),
        ({}, "bad_scorer", "must name one scorer, and holds no name"),
        ({"contains": None, "text": "a"}, "bad_scorer", "holds 'contains', 'text'. Indent the options below the name."),
        (["exact_match"], "bad_scorer", "must name one scorer"),
        ({"json_schema": "object"}, "bad_scorer", "needs its options by name"),
        ({"exact_match": {"ignorecase": True}}, "unknown_option", "Did you mean 'ignore_case'?"),
        ({"exact_match": {"names": "x"}}, "unknown_option", "Did you mean 'name'?"),
        ({"contains": {"text": "a", "name": 3}}, "bad_option", "'name' of the scorer 'contains' should be text"),
        ({"contains": {"text": "a", "name": "a/b"}}, "bad_option", "is not a plain name"),
        ({"similarity": {"threshold": "high"}}, "bad_option", "should be a number"),
        ({"similarity": {"threshold": True}}, "bad_option", "should be a number"),
        ({"exact_match": {"threshold": 0.5}}, "bad_option", "passes or fails by itself"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(entry, code, message):
    with pytest.raises(BakeoffError) as caught:
        bind(entry)

    assert caught.value.code == code
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("judge", True),
        ({"judge": {"name": "helpful"}}, True),
        ("exact_match", False),
        ({"contains": "judge"}, False),
        ([], False),
    ],
)
def test_judges_are_recognised(entry, expected):
    assert is_judge(entry) is expected


def test_all_code_scorers_are_bound_in_order():
    entries = ["exact_match", {"judge": {"name": "helpful", "model": "m"}}, {"regex": "a"}]

    assert [bound.metric for bound in bind_all(entries)] == ["exact_match", "regex"]


@pytest.mark.parametrize(
    "entries",
    [
        ["exact_match", "exact_match"],
        [{"contains": "a"}, {"contains": "b"}],
        [{"contains": {"text": "a", "name": "helpful"}}, {"judge": {"name": "helpful"}}],
        [{"contains": {"text": "a", "name": "cost_usd"}}],
        ["judge", {"judge": {}}],
    ],
)
def test_two_metrics_of_one_name_are_refused(entries):
    with pytest.raises(BakeoffError, match="Give one of them another 'name'"):
        bind_all(entries)
