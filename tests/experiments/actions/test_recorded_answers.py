"""Answers produced elsewhere: all of the file or nothing, errors with their place, and our own exports come back."""

import io
import math

import pytest

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.results.open_results import open_results
from experiments.errors import BakeoffError, Conflict
from experiments.exports import write_csv, write_jsonl
from experiments.views.results.exports import export_rows
from experiments.views.runs.experiments import experiment_names
from storage.store import Store
from tests.builders import ADA, made, run_to_end

HEAD = "example_id,question,variant,output,score:right\n"
GOOD = HEAD + "".join(
    f"{i},q{i},{v},text {v}{i},{int(v == 'new' or i % 3 > 0)}\n" for i in range(30) for v in ("old", "new")
)


def _imported(store: Store, text: str, name: str = "recorded", filename: str = "answers.csv", **more):
    return import_outputs(store, text.encode(), filename=filename, experiment=name, actor=ADA, **more)


def test_scores_of_a_file_lead_to_a_verdict(store: Store):
    done = _imported(store, GOOD)
    result = open_results(store, "recorded", actor=ADA)

    assert done.outputs == 60
    assert [c["control"] for c in result["comparisons"]][:1] == ["old"]
    assert result["comparisons"][0]["estimate"] == pytest.approx(10 / 30)
    counts = result["counts"]
    assert (counts["planned"], counts["ok"], counts["failed"], counts["from_cache"]) == (60, 60, 0, 0)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (GOOD.replace("output", "answer text", 1), "missing_columns", "output"),
        (GOOD.replace("3,q3,old,text old3,0", "3,q3,old,text old3,nan"), None, "line 8"),
        (GOOD.replace("3,q3,old,text old3,0", "3,q3,old,text old3,much"), None, "line 8"),
        (GOOD.replace("3,q3,old,text old3,0", "3,another question,old,text old3,0"), "inputs_differ", "line"),
        (GOOD + "3,q3,old,a second answer,1\n", None, "line 62"),
        (HEAD + "1,q1,old,x,1\n", None, "variant"),
        (HEAD, None, "no rows"),
        (GOOD + "31,q31,old\n", None, "line 62"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_nothing_is_kept(
    store: Store, text: str, code: str | None, said: str
):
    with pytest.raises(BakeoffError) as error:
        _imported(store, text)

    assert code in (None, error.value.code)
    assert said in str(error.value)
    assert experiment_names(store, archived=True) == []
    with store.read() as tx:
        assert tx.datasets.all() == []


def test_a_name_that_is_taken_keeps_the_old_answers(store: Store):
    _imported(store, GOOD)
    before = open_results(store, "recorded", actor=ADA)["analysis"]["data_hash"]

    with pytest.raises(Conflict) as error:
        _imported(store, GOOD.replace(",1\n", ",0\n"))

    assert error.value.code == "name_taken"
    assert open_results(store, "recorded", actor=ADA)["analysis"]["data_hash"] == before


@pytest.mark.parametrize(("filename", "write"), [("a.csv", write_csv), ("a.jsonl", write_jsonl)])
def test_exported_answers_come_back_with_the_same_numbers(store: Store, filename: str, write):
    made(store, rows=30)
    run_to_end(store)
    columns, rows = export_rows(store, "sums", "outputs")
    file = io.StringIO(newline="")
    write(rows, columns, file) if filename.endswith("csv") else write(rows, file)

    has_key = {"contains": {"text": '"answer"', "name": "has_key"}}
    _imported(store, file.getvalue(), "again", filename, scorers=[has_key])

    before, after = (open_results(store, name, actor=ADA) for name in ("sums", "again"))
    kept = ("estimate", "lower", "upper", "p_value", "n_units", "control_mean", "treatment_mean")
    first, second = (next(c for c in r["comparisons"] if c["metric"] == "has_key") for r in (before, after))
    assert {k: first[k] for k in kept} == {k: second[k] for k in kept}
    assert after["cost"]["total_usd"] == pytest.approx(before["cost"]["total_usd"])


@pytest.mark.parametrize("value", ["1e13", "-1e13", "1e308", "1e155"])
def test_numbers_beyond_what_can_be_analysed_are_refused_with_their_line(store: Store, value: str):
    with pytest.raises(BakeoffError, match="line 8") as refused:
        _imported(store, GOOD.replace("3,q3,old,text old3,0", f"3,q3,old,text old3,{value}"))
    assert "1e+12" in str(refused.value)
    assert experiment_names(store, archived=True) == []


@pytest.mark.parametrize("value", ["1e12", "-1e12", "5e-324", "-0.0"])
def test_numbers_at_the_limits_are_kept_and_analysed(store: Store, value: str):
    _imported(store, GOOD.replace("3,q3,old,text old3,0", f"3,q3,old,text old3,{value}"))
    _columns, rows = export_rows(store, "recorded", "analysis")
    assert [
        row["value"] for row in rows if (row["unit_id"], row["variant"], row["metric"]) == ("3", "old", "right")
    ] == [float(value)]
    comparison = open_results(store, "recorded", actor=ADA)["comparisons"][0]
    assert all(math.isfinite(comparison[number]) for number in ("estimate", "lower", "upper"))
