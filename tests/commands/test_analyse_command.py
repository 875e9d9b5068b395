"""``bakeoff analyse``: any table, no database; what is wrong is said in one line that names the place."""

import csv
import io
import json
import random
import re
from pathlib import Path

import pandas as pd
import pytest

from experiments.plans.plan import AnalysisPlan
from experiments.strict_yaml import parse_model

PLAN = """design: paired
control: A
plan:
  primary: {metric: helpful, smallest_effect: 0.03}
  guardrails:
    - {metric: cost_usd, margin: 0.10, relative: true}
metrics:
  helpful: {kind: binary}
slices: [language]
"""
COLUMNS = ("variant", "unit_id", "metric", "value", "language")
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "analyse-a-table.md"


def rows(n: int = 60) -> list[dict[str, object]]:
    """B is right more often and as expensive; the languages alternate."""
    draw = random.Random(7)
    found = []
    for i in range(n):
        hard = draw.random()
        for variant, skill in (("A", 0.4), ("B", 0.8)):
            told = {"variant": variant, "unit_id": f"q{i}", "language": "en" if i % 2 else "日本語"}
            found.append({**told, "metric": "helpful", "value": int(hard < skill)})
            found.append({**told, "metric": "cost_usd", "value": round(1e-4 * (1 + draw.random() / 20), 9)})
    return found


def as_csv(table: list[dict[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    return "plan.yaml"


def test_three_formats_give_one_answer_and_twice_the_same_bytes(bakeoff, tmp_path, plan):
    table = rows()
    (tmp_path / "t.csv").write_text(as_csv(table), encoding="utf-8")
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in table))
    pd.DataFrame(table).to_parquet(tmp_path / "t.parquet")

    texts = [bakeoff("analyse", f"t.{kind}", "--plan", plan, "--json").out for kind in ("csv", "jsonl", "parquet")]

    answers = [json.loads(text) for text in texts]
    assert {answer.pop("experiment") for answer in answers} == {"t.csv", "t.jsonl", "t.parquet"}
    assert answers[0] == answers[1] == answers[2]
    assert bakeoff("analyse", "t.csv", "--plan", plan, "--json").out == texts[0]


def test_the_json_has_the_promised_shape(bakeoff, tmp_path, plan):
    (tmp_path / "t.csv").write_text(as_csv(rows()), encoding="utf-8")

    found = json.loads(bakeoff("analyse", "t.csv", "--plan", plan, "--json").out)

    assert found["verdict"]["outcome"] == "ship"
    assert {"outcome", "winner", "sentence", "reasons", "deciding_rule", "more_units_needed"} <= set(found["verdict"])
    promised = (
        "metric role slice control treatment status estimate lower upper p_value adjusted_p_value relative method"
    )
    promised += " interval sequential n_units n_clusters n_missing better control_mean treatment_mean warnings"
    assert all(set(promised.split()) <= set(comparison) for comparison in found["comparisons"])
    assert {"experiment", "state", "simulated", "health", "agreement", "judges", "cost", "counts"} <= set(found)
    assert {c["slice"] for c in found["comparisons"]} == {None, "language=en", "language=日本語"}
    assert found["comparisons"][0]["method"] == "mcnemar_newcombe"


def test_the_text_leads_with_the_verdict(bakeoff, tmp_path, plan):
    (tmp_path / "t.csv").write_text(as_csv(rows()), encoding="utf-8")

    done = bakeoff("analyse", "t.csv", "--plan", plan)

    assert done.code == 0
    assert done.out.strip().splitlines()[0] == "B is better. You can promote it."


BAD_TABLES = {
    "text for a number": (
        lambda t: t.replace("helpful,1", "helpful,yes please", 1),
        r"line \d+: 'yes please' in 'value'",
    ),
    "infinite": (lambda t: t.replace("helpful,1", "helpful,inf", 1), r"line \d+: 'inf' in 'value' is no finite number"),
    "a column is missing": (lambda t: t.replace("unit_id", "unit", 1), r"no column 'unit_id'"),
    "a slice is missing": (lambda t: t.replace("language", "lang", 1), r"no column 'language'"),
    "a row without unit": (lambda t: t.replace("A,q3,", "A,,", 1), r"t\.csv, line \d+: the row has no 'unit_id'"),
    "a row without variant": (lambda t: t.replace("A,q3,", " ,q3,", 1), r"t\.csv, line \d+: the row has no 'variant'"),
    "a cell too many": (lambda t: t.replace("helpful,1", "helpful,1,2", 1), r"t\.csv, line \d+: 6 fields"),
    "nothing": (lambda _: "", r"t\.csv: the file is empty"),
    "no rows": (lambda t: t.splitlines()[0], r"no rows"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_one_line_with_its_place(bakeoff, tmp_path, plan, name):
    spoil, message = BAD_TABLES[name]
    (tmp_path / "t.csv").write_text(spoil(as_csv(rows())), encoding="utf-8")

    done = bakeoff("analyse", "t.csv", "--plan", plan)

    assert (done.code, done.out) == (2, "")
    assert len(done.err.strip().splitlines()) == 1
    assert re.search(message, done.err), done.err


BAD_PLANS = {
    "a misspelt key": (PLAN.replace("smallest_effect", "smalest_effect"), "line 4: unknown key 'smalest_effect'"),
    "an unknown design": (PLAN.replace("design: paired", "design: pared"), "line 1: 'design'"),
    "a metric nobody described": (
        PLAN.replace("metric: helpful", "metric: kind"),
        "'kind', which nobody has described",
    ),
    "broken YAML": ("design: [paired\n", "line 2, column 1"),
    "an effect below zero": (PLAN.replace("0.03", "-1"), "line 4"),
    "nothing": ("", "holds no keys"),
}


@pytest.mark.parametrize("name", BAD_PLANS)
def test_a_bad_plan_is_one_line_with_its_place(bakeoff, tmp_path, name):
    text, message = BAD_PLANS[name]
    (tmp_path / "t.csv").write_text(as_csv(rows()), encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(text)

    done = bakeoff("analyse", "t.csv", "--plan", "plan.yaml")

    assert (done.code, done.out) == (2, "")
    assert len(done.err.strip().splitlines()) == 1
    assert message in done.err


def test_the_plan_of_the_how_to_is_valid():
    example = re.search(r"```yaml\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    assert parse_model(AnalysisPlan, example[1], source="the page").plan.guardrails[1].aggregate == "p95"
