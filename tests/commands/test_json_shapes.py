"""What programs read from the terminal: names and kinds that do not change."""

import csv
import io
import json

import pytest

from tests.commands.test_command_line import EXPERIMENT

RESULTS = {
    "experiment": str, "state": str, "simulated": bool, "verdict": dict, "health": list, "comparisons": list,
    "agreement": list, "judges": list, "cost": dict, "counts": dict,
}  # fmt: skip
VERDICT = {"outcome", "winner", "sentence", "reasons", "deciding_rule", "more_units_needed"}
COMPARISON = {
    "metric", "role", "slice", "control", "treatment", "status", "estimate", "lower", "upper", "p_value",
    "adjusted_p_value", "relative", "method", "interval", "sequential", "n_units", "n_clusters", "n_missing", "better",
    "control_mean", "treatment_mean", "warnings",
}  # fmt: skip
OUTPUTS = [
    "experiment", "run", "variant", "model", "example_id", "repetition", "status", "text", "messages", "variables",
    "reference", "finish_reason", "served_model", "prompt_tokens", "completion_tokens", "cost_usd", "cost_status",
    "latency_ms", "first_token_ms", "cached", "error_kind", "error_message", "created_at",
]  # fmt: skip
ATTEMPTS = [
    "attempt_id", "experiment", "variant", "model", "example_id", "repetition", "purpose", "state", "http_status",
    "cost_usd", "cost_status", "started_at", "ended_at", "error_kind",
]  # fmt: skip
ANALYSIS = {"variant", "unit_id", "metric", "value"}
SLICED = EXPERIMENT + "slices: [kind]\n"


@pytest.fixture
def ran(bakeoff, tmp_path):
    """A home with one finished experiment."""
    from tests.builders import questions_csv

    (tmp_path / "questions.csv").write_bytes(questions_csv(40))
    (tmp_path / "sums.yaml").write_text(SLICED)
    assert bakeoff("run", "sums.yaml", "--yes").code == 0
    return bakeoff


def test_results_have_every_key_of_the_interface(ran):
    found = json.loads(ran("results", "sums", "--json").out)

    assert {key: type(found[key]) for key in RESULTS} == RESULTS
    assert set(found["verdict"]) >= VERDICT
    assert found["verdict"]["outcome"] in ("ship", "keep_control", "keep_collecting", "cannot_decide")
    assert {key for c in found["comparisons"] for key in COMPARISON - set(c)} == set()
    assert {c["slice"] for c in found["comparisons"]} >= {None, "kind=odd", "kind=even"}
    assert set(found["comparisons"][0]["n_missing"]) == {"A", "B"}
    assert all(set(check) >= {"check", "status", "message"} for check in found["health"])
    assert set(found["cost"]) >= {"total_usd", "estimated_usd", "unknown_calls", "by_variant"}
    assert set(found["cost"]["by_variant"]) == {"A", "B"}
    assert {k: found["counts"][k] for k in ("planned", "ok", "failed", "from_cache")} == {
        "planned": 80, "ok": 80, "failed": 0, "from_cache": 0,
    }  # fmt: skip


def test_a_number_that_cannot_be_estimated_is_null_and_says_why(bakeoff, tmp_path):
    from tests.builders import questions_csv

    (tmp_path / "questions.csv").write_bytes(questions_csv(4))
    (tmp_path / "sums.yaml").write_text(EXPERIMENT)
    bakeoff("run", "sums.yaml", "--yes")

    first = json.loads(bakeoff("results", "sums", "--json").out)["comparisons"][0]

    assert first["status"] == "too_few_units"
    assert [first[key] for key in ("estimate", "lower", "upper", "p_value")] == [None] * 4


@pytest.mark.parametrize(("what", "columns"), [("outputs", OUTPUTS), ("attempts", ATTEMPTS)])
def test_exports_have_the_columns_of_the_interface_in_both_formats(ran, what, columns):
    lines = [json.loads(line) for line in ran("export", "sums", "--what", what).out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(ran("export", "sums", "--what", what, "--format", "csv").out)))

    assert (len(lines), len(rows)) == (80, 80)
    assert [column for column in columns if column not in lines[0]] == []
    assert [column for column in columns if column not in rows[0]] == []


def test_the_analysis_table_has_the_slices_as_columns(ran):
    rows = [json.loads(line) for line in ran("export", "sums", "--what", "analysis").out.splitlines()]

    assert set(rows[0]) >= ANALYSIS | {"kind", "status", "repetition"}
    assert {row["metric"] for row in rows} >= {"has_key", "cost_usd", "latency_ms"}
    assert {row["variant"] for row in rows} == {"A", "B"}


def test_plan_prompts_keys_and_promotion_answer_in_json(ran):
    plan = json.loads(ran("plan", "sums.yaml", "--json").out)
    assert set(plan) >= {"experiment", "rows", "repeats", "variants", "calls", "cost", "seconds", "size"}
    assert set(plan["size"]) >= {"units_needed", "available", "power_available", "enough", "table"}
    promoted = json.loads(ran("promote", "sums", "--to", "production", "--json").out)
    assert set(promoted) >= {"prompt", "label", "version", "variant", "decision"}
    assert json.loads(ran("prompts", "list", "--json").out)[0]["labels"]["production"] == promoted["version"]
    key = json.loads(ran("keys", "create", "--name", "app", "--scopes", "read", "--json").out)
    assert set(key) >= {"id", "key", "scopes"}
    assert json.loads(ran("keys", "list", "--json").out)[0]["id"] == key["id"]
