"""Test sets: a file is shown before it is kept, a bad one keeps nothing, columns get their meaning."""

import pytest

from experiments.errors import NotFound
from experiments.views.datasets.datasets import dataset_rows, get_dataset, list_datasets

ADD = "Add a test set"
GOOD = b"id,question,answer\n007,How much?,NA\n008,How many?,5\n"


def _uploaded(page, content, name="tickets.csv"):
    page.at.file_uploader(key="upload_file").set_value((name, content, "text/csv"))
    return page.run()


def test_an_empty_installation_asks_for_inputs(app, empty):
    page = app(empty).go("prepare_datasets.py")

    assert "No test set yet" in page.words
    assert "Upload 30 or more real inputs" in page.words
    assert page.at.file_uploader[0].label == "Drop a file here"


def test_a_file_is_understood_first_and_kept_text_exact(app, empty):
    page = _uploaded(app(empty).go("prepare_datasets.py"), GOOD)
    assert "**2 rows, 3 columns**" in page.words
    assert list_datasets(empty) == []

    page.press("Save test set")

    view = get_dataset(empty, "tickets")
    cells = [dict(row.cells) for row in dataset_rows(empty, view.version_id)]
    assert cells[0] == {"id": "007", "question": "How much?", "answer": "NA"}
    assert "Version 1 of tickets is saved." in page.words


BROKEN = [
    ("quote.csv", b'id,question\n1,"never closed\n2,x\n', "line 2"),
    ("wide.csv", b"id,question\n1,x,one too many\n", "line 2"),
    ("rows.jsonl", b'{"id": 1, "question": "x"}\n{"id": 2, "question": }\n', "line 2"),
    ("book.xlsx", b"this is no workbook", "book.xlsx"),
    ("rows.parquet", b"PAR1 but not really", "rows.parquet"),
    ("nothing.csv", b"", "empty"),
]


def test_a_file_that_cannot_be_read_says_where_and_keeps_nothing(app, empty):
    page = app(empty).go("prepare_datasets.py")

    for name, content, said in BROKEN:
        _uploaded(page, content, name)
        assert [said in error for error in page.errors] == [True], (name, page.errors)
        assert "Save test set" not in page.buttons
    assert list_datasets(empty) == []


def test_pasted_rows_with_a_repeat_are_warned_of_and_kept(app, empty):
    page = app(empty).go("prepare_datasets.py", do=ADD)
    page.at.text_area(key="upload_paste").set_value(
        "question,answer\nHow much is 2 plus 3?,5\nHow much is 2 plus 3?,5\n"
    )
    page.run()
    assert "Worth knowing before you use it" in page.words

    page.press("Save test set")

    assert get_dataset(empty, "pasted rows").rows == 2


def test_a_file_saved_from_the_list_of_test_sets_is_opened_there(app, finished):
    page = app(finished).go("prepare_datasets.py")
    page.at.button_group(key="do").set_value(ADD)
    page = _uploaded(page.run(), GOOD)
    page.press("Save test set")

    assert "Version 1 of tickets is saved." in page.words
    assert (page.at.selectbox(key="set").value, page.at.selectbox(key="version").value) == ("tickets", 1)
    page.at.selectbox(key="set").set_value("questions")
    assert "40 rows" in page.run().words


def test_roles_are_kept_and_offered_again(app, finished):
    page = app(finished).go("prepare_datasets.py", set="questions")
    page.at.selectbox(key="role_cluster_questions").set_value("kind")
    page.at.multiselect(key="role_slices_questions").set_value(["kind"])
    page.press("Save roles")

    roles = get_dataset(finished, "questions").roles
    assert (roles["cluster"], roles["slices"], roles["reference"]) == ("kind", ["kind"], "answer")
    assert page.at.selectbox(key="role_cluster_questions").value == "kind"


def test_a_second_file_becomes_the_next_version(app, finished):
    page = app(finished).go("prepare_datasets.py", set="questions").press("Upload a new version")
    page = _uploaded(page, b"id,question,answer,kind\nq1,How much is 1 plus 1?,2,odd\n", "more.csv")
    page.press("Save as a new version")

    assert [number for number, *_ in get_dataset(finished, "questions").versions] == [2, 1]
    assert get_dataset(finished, "questions@1").rows == 40


def test_an_archived_set_leaves_the_list_and_comes_back(app, finished):
    page = app(finished).go("prepare_datasets.py", set="questions").press("Archive it")
    assert list_datasets(finished) == []
    assert "No test set yet" in page.words

    page.at.session_state["archived"] = True
    page.go("prepare_datasets.py", do="Browse", set="questions").press("Bring it back")

    assert [name for name, *_ in list_datasets(finished)] == ["questions"]
    with pytest.raises(NotFound):
        get_dataset(finished, "nothing")
