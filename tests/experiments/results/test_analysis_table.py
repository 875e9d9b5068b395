"""The analysis table: ids, clusters and states of rows."""

import pandas as pd
import pytest

from experiments.results.analysis_table import build, cluster_ids, data_hash, unit_ids, with_units


def test_rows_are_known_by_their_name_or_their_content():
    assert unit_ids(["t1", None, "t1", ""], ["h" * 20, "k" * 20, "m" * 20, "k" * 20]) == [
        "t1",
        "k" * 16,
        "t1#2",
        "k" * 16 + "#2",
    ]


def test_rows_with_the_same_inputs_belong_together():
    assert cluster_ids(["a", "b", "c"], ["a", "b", "c"], ["same", "other", "same"]) == ["a", "b", "a"]


def test_rows_of_one_name_belong_together():
    assert cluster_ids(["a", "a#2", "b"], ["a", "a", "b"], [1, 2, 3]) == ["a", "a", "b"]


@pytest.fixture
def examples():
    return pd.DataFrame(
        {
            "example_id": ["e1", "e2"],
            "position": [0, 1],
            "content_hash": ["h1", "h2"],
            "cell:id": ["t1", "t2"],
            "cell:lang": ["en", None],
            "cell:who": ["x", ""],
        }
    )


def test_a_row_without_a_cluster_is_its_own(examples):
    table = with_units(examples, unit="id", cluster="who", slices=["lang"])
    assert list(table["cluster_id"]) == ["x", "row t2"]
    assert list(table["lang"]) == ["en", "(empty)"]


def _outputs(**changes):
    given = {
        "output_id": ["o1", "o2", "o3"],
        "example_id": ["e1", "e1", "e2"],
        "variant_id": ["v1", "v2", "v1"],
        "repetition": [0, 0, 0],
        "status": ["ok", "failed", "ok"],
        "cached": [False, False, True],
        "cost_usd": [0.1, None, 0.2],
        "latency_ms": [100.0, None, 50.0],
        "first_token_ms": [None, None, None],
        "prompt_tokens": [10, None, 10],
        "completion_tokens": [5, None, 7],
    }
    return pd.DataFrame({**given, **changes})


@pytest.fixture
def table(examples):
    scores = pd.DataFrame({"output_id": ["o1", "o3"], "metric": ["good", "good"], "value": [1.0, None]})
    ratings = pd.DataFrame(columns=["output_id", "metric", "rater_id", "value"])
    units = with_units(examples, unit="id", cluster=None)
    return build(_outputs(), scores, ratings, units, variants={"v1": "A", "v2": "B"}, metrics=["good"])


def _row(table, metric, unit, variant):
    [row] = table[(table["metric"] == metric) & (table["unit_id"] == unit) & (table["variant"] == variant)].to_dict(
        "records"
    )
    return row


def test_a_failed_output_is_an_error_in_every_metric(table):
    assert {_row(table, m, "t1", "B")["status"] for m in ("good", "cost_usd", "latency_ms")} == {"error"}


def test_a_score_without_a_value_is_skipped(table):
    assert _row(table, "good", "t2", "A")["status"] == "skipped"


def test_an_answer_from_the_cache_keeps_its_cost_and_loses_its_latency(table):
    assert _row(table, "cost_usd", "t2", "A")["value"] == 0.2
    assert _row(table, "latency_ms", "t2", "A")["status"] == "skipped"


def test_tokens_add_up(table):
    assert _row(table, "total_tokens", "t1", "A")["value"] == 15


def test_equal_evidence_gives_an_equal_hash_whatever_the_order(examples):
    units = with_units(examples, unit="id", cluster=None)
    scores = pd.DataFrame({"output_id": ["o1", "o3"], "metric": ["good", "good"], "value": [1.0, 0.0]})
    ratings = pd.DataFrame(columns=["output_id", "metric", "rater_id", "value"])
    arguments = {"variants": {"v1": "A", "v2": "B"}, "metrics": ["good"]}
    one = build(_outputs(), scores, ratings, units, **arguments)
    two = build(_outputs().iloc[::-1], scores.iloc[::-1], ratings, units.iloc[::-1], **arguments)
    other = build(_outputs(cost_usd=[0.1, None, 0.3]), scores, ratings, units, **arguments)
    assert data_hash(one) == data_hash(two)
    assert data_hash(one) != data_hash(other)
