"""Whatever takes text takes every script, and refuses what one of the databases cannot keep, in a sentence."""

import csv
import io
import json
from pathlib import Path

import openpyxl
import pytest

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.installation.change_settings import set_price
from experiments.actions.installation.manage_keys import create_key
from experiments.actions.live.control_live import force_unit, pause_live, resume_live
from experiments.actions.live.stop_live import stop_live
from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.actions.registry.save_check import save_check
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.runs.create_experiment import create_experiment
from experiments.errors import BakeoffError
from experiments.experiment_file import parse_experiment
from experiments.live.events import checked_outcome
from experiments.prompts.content import Message, chat_prompt, text_prompt
from experiments.prompts.rendering import render
from experiments.views.registry.prompts import get_prompt, label_history
from experiments.views.results.exports import export_rows
from storage.store import Store
from tests.builders import ADA, questions_csv, spec_of
from tests.live_builders import KEY, started

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = [
    "Ünï cödé",
    "e\u0301te\u0301",
    "שלום עולם",
    "مرحبا بالعالم",
    "日本語の質問",
    "हिन्दी",
    "👩‍👩‍👧 ok",
    "a\u202eb",
]
UNSTORABLE = ["a\x00b", "\x00", "a\ud800b", "\udfff"]
HUGE = "x" * 10_000_000


def _saved(store: Store, text: str = "Answer: {{x}}", **more):
    return save_prompt(store, "reply", text_prompt(text, model="demo/small"), actor=ADA, **more)


def _experiment(store: Store, text: str) -> None:
    done = import_dataset(store, questions_csv(4), filename="q.csv", name="questions", actor=ADA)
    create_experiment(store, spec_of(hypothesis=text), dataset_version_id=done.version.id, actor=ADA)


def _label(store: Store, text: str) -> None:
    _saved(store)
    set_label(store, "reply", label="staging", at="1", actor=ADA, reason=text)


def _back(store: Store, text: str) -> None:
    for at in (_saved(store), _saved(store, "Kindly: {{x}}")):
        set_label(store, "reply", label="staging", at=str(at.number), actor=ADA)
    roll_back(store, "reply", label="staging", actor=ADA, reason=text)


def _paused(store: Store, text: str) -> None:
    started(store)
    pause_live(store, KEY, actor=ADA, reason=text)
    resume_live(store, KEY, actor=ADA)
    stop_live(store, KEY, actor=ADA, reason=text)


def _forced(store: Store, text: str) -> None:
    started(store)
    force_unit(store, KEY, text, "B", actor=ADA)


def _logged(store: Store, text: str) -> None:
    with store.begin() as tx:
        tx.audit.append("ada", "did", "thing", {"why": text, text: [text]})


DOORS = {
    "prompt": lambda s, t: _saved(s, t + " {{x}}"),
    "message": lambda s, t: save_prompt(s, "r", chat_prompt([Message("user", t)], model="demo/small"), actor=ADA),
    "model": lambda s, t: save_prompt(s, "r", text_prompt("x", model=f"demo/{t}"), actor=ADA),
    "parameter": lambda s, t: save_prompt(
        s, "r", text_prompt("x", model="demo/small", parameters={"stop": [t], "extra_body": {t: t}}), actor=ADA
    ),
    "note": lambda s, t: _saved(s, note=t),
    "prompt name": lambda s, t: save_prompt(s, t, text_prompt("x", model="demo/small"), actor=ADA),
    "prompt that is looked up": get_prompt,
    "version that is looked up": lambda s, t: (_saved(s), set_label(s, "reply", label="staging", at=t, actor=ADA)),
    "reason of a label": _label,
    "reason of a rollback": _back,
    "hypothesis": _experiment,
    "name of a test set": lambda s, t: import_dataset(s, questions_csv(4), filename="q.csv", name=t, actor=ADA),
    "name of a key": lambda s, t: create_key(s, t, ["read"], actor=ADA),
    "model of a price": lambda s, t: set_price(
        s, f"openai/{t}", input_per_million=1.0, output_per_million=1.0, actor=ADA
    ),
    "text of a check": lambda s, t: save_check(
        s, "polite", {"judge": {"name": "polite", "model": "demo/judge", "rubric": t, "scale": "pass_fail"}}, actor=ADA
    ),
    "reason of a pause and a stop": _paused,
    "tester": _forced,
    "event of the log": _logged,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", UNSTORABLE)
def test_what_a_database_cannot_keep_is_refused_in_a_sentence(store: Store, door: str, text: str):
    with pytest.raises(BakeoffError) as refused:
        DOORS[door](store, text)
    told = f"{refused.value}".encode()  # half of a character cannot be sent
    assert refused.value.status in (400, 404)
    telling = (b"SELECT", b"INSERT", b"UPDATE", b"sqlalche", b"psycopg", str(ROOT).encode())
    assert not any(word in told for word in telling)
    assert store.verify_audit().faults == ()


@pytest.mark.parametrize("door", sorted({*DOORS} - {"prompt name", "model of a price"}))
@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_is_taken_or_refused_for_another_reason(sqlite_store: Store, door: str, text: str):
    try:
        DOORS[door](sqlite_store, text)
    except BakeoffError as refused:
        assert refused.code in {"bad_name", "no_such_prompt", "no_such_version", "no_such_label"}


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_is_stored_comes_back_as_it_was(store: Store, text: str):
    _saved(store, text, note=text)
    set_label(store, "reply", label="staging", at="1", actor=ADA, reason=text)
    version = get_prompt(store, "reply").version(1)
    assert (version.content.messages[0].content, version.note) == (text, text)
    assert label_history(store, "reply")[0].reason == text


def test_ten_megabytes_are_refused_or_cut_at_once(sqlite_store: Store):
    with pytest.raises(BakeoffError) as refused:
        _saved(sqlite_store, HUGE)
    assert refused.value.code == "too_large"
    content = text_prompt("Answer: {{x}}", model="demo/small")
    with pytest.raises(BakeoffError) as rendered:
        render(content, {"x": HUGE})
    assert rendered.value.status == 413
    assert len(_saved(sqlite_store, note=HUGE).note) <= 500


@pytest.mark.parametrize("text", UNSTORABLE)
def test_a_value_of_a_row_and_an_outcome_pass_the_same_rule(text: str, clock):
    content = text_prompt("Answer: {{x}}", model="demo/small")
    with pytest.raises(BakeoffError) as refused:
        render(content, {"x": text}, row="row 3")
    assert (refused.value.code, "{{x}} in row 3" in refused.value.message) == ("bad_character", True)
    for place in ("experiment", "unit", "metric"):
        given = {"experiment": "e", "unit": "u", "metric": "m", place: text}
        with pytest.raises(BakeoffError):
            checked_outcome(value=1.0, received_at=clock(), **given)


@pytest.mark.parametrize("escape", ['"\\0"', '"\\uD800"', '{"\\0": 1}'])
def test_a_file_with_such_an_escape_names_the_line(escape: str):
    with pytest.raises(BakeoffError) as refused:
        parse_experiment(f"name: x\nhypothesis: {escape}\n", source="x.yaml")
    assert (refused.value.code, "x.yaml, line 2" in refused.value.message) == ("bad_yaml", True)


def _as_csv(rows: list[list[str]]) -> tuple[str, bytes]:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return "rows.csv", file.getvalue().encode()


def _as_lines(rows: list[list[str]]) -> tuple[str, bytes]:
    head, *rest = rows
    return "rows.jsonl", "".join(json.dumps(dict(zip(head, row, strict=True))) + "\n" for row in rest).encode()


def _as_sheet(rows: list[list[str]]) -> tuple[str, bytes]:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return "rows.xlsx", file.getvalue()


def _rows(text: str) -> list[list[str]]:
    return [["id", "body"], ["1", text]]


def _answers(text: str) -> list[list[str]]:
    head = ["example_id", "question", "variant", "output", "score:good"]
    return [head, *([f"{n}{text}", text, variant, text, "1"] for n in "12" for variant in "AB")]


def _votes(text: str) -> list[list[str]]:
    head = ["question_id", "model_a", "model_b", "winner", "judge", "answer_a", "answer_b"]
    return [head, *([f"{n}{text}", "A", "B", "model_a", text, text, text] for n in "12")]


@pytest.mark.parametrize("form", [_as_csv, _as_lines, _as_sheet])
@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_comes_out_of_a_file_as_it_was(sqlite_store: Store, form, text: str):
    filename, content = form(_rows(text))
    done = import_dataset(sqlite_store, content, filename=filename, name="rows", actor=ADA)
    with sqlite_store.read() as tx:
        assert [example.cells["body"] for example in tx.datasets.examples(done.version.id)] == [text]


@pytest.mark.parametrize("rows", [_answers, _votes])
@pytest.mark.parametrize("form", [_as_csv, _as_lines, _as_sheet])
def test_every_script_comes_out_of_a_file_of_answers_as_it_was(sqlite_store: Store, rows, form):
    text = " · ".join(SCRIPTS)
    filename, content = form(rows(text))
    import_outputs(sqlite_store, content, filename=filename, experiment="rows", actor=ADA)
    _columns, outputs = export_rows(sqlite_store, "rows", "outputs")
    assert [(row["example_id"], row["text"]) for row in outputs] == [(f"{n}{text}", text) for n in "1122"]


@pytest.mark.parametrize("form", [_as_csv, _as_lines])  # a worksheet's cell holds 32,767 characters at most
@pytest.mark.parametrize("rows", [_rows, _answers, _votes])
def test_a_cell_of_ten_megabytes_is_refused_by_its_place(sqlite_store: Store, form, rows):
    table = rows("x")
    table[-1][1] = HUGE
    filename, content = form(table)
    read = import_dataset if rows is _rows else import_outputs
    named = {"name" if rows is _rows else "experiment": "rows"}
    with pytest.raises(BakeoffError, match=r"is 1,000,000\. Shorten it") as refused:
        read(sqlite_store, content, filename=filename, actor=ADA, **named)
    assert f"line {len(table) - (form is _as_lines)}" in refused.value.message
    with sqlite_store.read() as tx:
        assert (tx.datasets.all(), tx.experiments.all(archived=True)) == ([], [])
