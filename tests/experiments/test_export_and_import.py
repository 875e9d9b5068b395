"""What is exported comes back: export, import and export again give the same rows."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.results.open_results import open_results
from experiments.datasets.imported_outputs import read_outputs
from experiments.datasets.output_columns import CALL_RECORDS, EXPORTED, OutputOptions
from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError
from experiments.exports import neutralised, restored, write_csv, write_jsonl
from experiments.views.results.exports import export_rows
from storage.store import Store
from tests.builders import ADA

_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
_ODD = st.builds(str.__add__, st.sampled_from(["=", "'=", "''+", "@", "-5", "'", "'-5", "\t", "\r\n", "＝"]), _TEXT)
SCORER = [{"contains": {"text": "a", "name": "has_a"}}]
SAME = tuple(name for name in EXPORTED if name not in ("experiment", "created_at", "variables", "cost_status"))
_ROW = {
    "experiment": "e", "run": 1, "model": "m", "repetition": 0, "messages": [{"role": "user", "content": "q"}],
    "served_model": "m", "cost_status": "known", "cached": False, "created_at": "2026-01-01", "tool_calls": None,
    "simulated": False, "cached_prompt_tokens": 3, "reasoning_tokens": 4, "latency_ms": 12.5, "cost_usd": 0.001,
}  # fmt: skip


def _rows(texts: list[str], question: str) -> list[dict]:
    """Two variants, of which one was cut in some rows and asked more than once."""
    rows = []
    for number, text in enumerate(texts):
        for variant in "AB":
            cut = variant == "B" and number % 2
            rows.append(
                {
                    **_ROW,
                    "variant": variant,
                    "example_id": f"x{number}",
                    "status": "ok",
                    "text": text + variant,
                    "variables": {"question": question, "text": f"t{number}", "n": str(number)},
                    "reference": text,
                    "finish_reason": "length" if cut else "stop",
                    "response_class": "cut_at_length" if cut else "answer",
                    "attempts": 2 if cut else 1,
                    "prompt_tokens": 5 + number,
                }
            )
    return rows


def _written(rows, kind: str) -> bytes:
    file = io.StringIO(newline="")
    write_csv(rows, EXPORTED, file, mark=True) if kind == "csv" else write_jsonl(rows, file)
    return file.getvalue().encode()


@given(st.one_of(_TEXT, _ODD))
@settings(deadline=None)
def test_the_guard_against_formulas_can_be_taken_off(text: str):
    assert restored(neutralised(text)) == text


@given(st.lists(st.one_of(_TEXT, _ODD), min_size=2, max_size=4), st.sampled_from(["csv", "jsonl"]))
@settings(deadline=None, max_examples=60)
def test_every_answer_of_an_export_is_read_as_it_was(texts: list[str], kind: str):
    rows = _rows(texts, "=1+1")
    found = read_outputs(read_table(_written(rows, kind), filename=f"e.{kind}"))
    assert [output.text for output in found.outputs] == [row["text"] for row in rows]
    assert [output.response_class for output in found.outputs] == [row["response_class"] for row in rows]
    assert not CALL_RECORDS & set(found.input_columns)
    assert {example.values["question"] for example in found.examples} == {"=1+1"}
    assert [example.values["variables.text"] for example in found.examples] == [f"t{n}" for n in range(len(texts))]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_export_import_export_is_the_same(store: Store, kind: str):
    """The call's own records (attempts, messages) stay with the first experiment; all else is there again."""
    texts = ["a", "'=b", "=c", "-5", "größe 質問", ""]
    content = _written(_rows(texts, "q"), kind)
    exported = []
    for name in ("first", "second", "third"):
        import_outputs(store, content, filename=f"e.{kind}", experiment=name, actor=ADA, scorers=SCORER)
        columns, rows = export_rows(store, name, "outputs")
        exported.append([dict(row) for row in rows])
        content = _written(exported[-1], kind)
        assert columns == EXPORTED
    assert [[row[name] for name in SAME] for row in exported[1]] == [
        [row[name] for name in SAME] for row in exported[0]
    ]
    assert exported[2] == [
        {**row, "experiment": "third", "created_at": new["created_at"]}
        for row, new in zip(exported[1], exported[2], strict=True)
    ]
    assert {row["response_class"] for row in exported[2]} == {"answer", "cut_at_length"}


def test_a_csv_export_opens_in_a_spreadsheet_and_comes_back(store: Store):
    content = _written(_rows(["größe", "b"], "質問"), "csv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert next(csv.reader(io.StringIO(content.decode("utf-8-sig")))) == list(EXPORTED)
    assert read_table(content, filename="e.csv").columns == EXPORTED


def test_units_clusters_and_slices_reach_the_analysis(store: Store):
    lines = ["example_id,variant,output,customer,plan,ticket,score:good"]
    lines += [
        f"r{n},{v},text,c{n // 4},{'pro' if n % 2 else 'free'},t{n},{(n + (v == 'B')) % 2}"
        for n in range(40)
        for v in "AB"
    ]
    import_outputs(
        store,
        "\n".join(lines).encode(),
        filename="a.csv",
        experiment="grouped",
        actor=ADA,
        options=OutputOptions(unit="ticket", cluster="customer", slices=("plan",)),
    )
    columns, rows = export_rows(store, "grouped", "analysis")
    good = [row for row in rows if row["metric"] == "good"]
    assert {"unit_id", "cluster_id", "plan"} <= set(columns)
    assert {row["unit_id"] for row in good} == {f"t{n}" for n in range(40)}
    assert {row["cluster_id"] for row in good} == {f"c{n}" for n in range(10)}
    found = open_results(store, "grouped", actor=ADA)["comparisons"]
    assert {c["n_clusters"] for c in found if c["metric"] == "good" and c["slice"] is None} == {10}
    assert any(c["slice"] for c in found)


@pytest.mark.parametrize("column", ["score:q", "rating:q", "cost_usd", "latency_ms", "prompt_tokens"])
@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e155", "1.1e12", "NaN", "Infinity", "1e999"])
def test_numbers_beyond_what_can_be_analysed_are_refused_by_line(column: str, number: str):
    lines = [
        f"example_id,variant,output,{column}",
        *(f"{n},{v},t,1" for n in range(2) for v in "AB"),
        f"3,A,t,{number}",
    ]
    with pytest.raises(BakeoffError, match="line 6") as caught:
        read_outputs(read_table("\n".join(lines).encode(), filename="a.csv"))
    assert column in caught.value.message


def test_a_column_of_times_is_no_score():
    lines = ["example_id,variant,output,at,score:q"]
    lines += [f"{n},{v},t,{1764500000000 + 7 * n * (v == 'A')},1" for n in range(6) for v in "AB"]
    found = read_outputs(read_table("\n".join(lines).encode(), filename="a.csv"))
    assert [metric.name for metric in found.metrics] == ["q"]


@pytest.mark.parametrize("key", ["\\ud800", "a\\u0000"])
def test_a_key_that_cannot_be_stored_is_refused_in_a_sentence_that_can_be_sent(key: str):
    with pytest.raises(BakeoffError) as caught:
        read_table(f'{{"{key}": "x"}}'.encode(), filename="a.jsonl")
    assert caught.value.code == "bad_character"
    caught.value.message.encode()
