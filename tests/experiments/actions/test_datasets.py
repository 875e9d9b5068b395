"""Test sets are kept whole or not at all, version by version, and text-exact."""

import threading

import pytest

from experiments.actions.datasets.import_dataset import archive_dataset, import_dataset, set_roles
from experiments.errors import BakeoffError, Conflict, NotFound
from experiments.views.datasets.datasets import dataset_rows, get_dataset, list_datasets
from storage import datasets as storage_datasets
from storage.store import Store
from tests.builders import ADA, made, questions_csv

ROWS = b'id,question,answer\n007,"two\nlines, and a comma",NA\n008, spaced ,\n'


def _imported(store: Store, content: bytes = ROWS, name: str = "set", **more):
    return import_dataset(store, content, filename="a.csv", name=name, actor=ADA, **more)


def test_every_cell_comes_back_as_it_was(store: Store):
    version = _imported(store).version

    cells = [dict(row.cells) for row in dataset_rows(store, version.id)]
    assert cells == [
        {"id": "007", "question": "two\nlines, and a comma", "answer": "NA"},
        {"id": "008", "question": " spaced ", "answer": ""},
    ]


def test_the_same_rows_are_the_same_version_and_others_the_next(store: Store):
    first, again, other = _imported(store), _imported(store), _imported(store, ROWS + b"009,x,y\n")

    assert (again.version.id, again.is_new) == (first.version.id, False)
    assert (other.version.number, other.is_new, other.version.content_hash != first.version.content_hash) == (
        2,
        True,
        True,
    )
    assert get_dataset(store, "set@1").rows == 2
    assert get_dataset(store, "set").rows == 3


def test_a_file_that_breaks_late_keeps_nothing(store: Store):
    broken = questions_csv(200) + b'\nq200,"never closed'

    with pytest.raises(BakeoffError) as error:
        _imported(store, broken)

    assert "line 202" in error.value.message
    assert list_datasets(store) == []
    with store.read() as tx:
        assert tx.audit.newest(5) == []


def test_a_database_that_fails_in_the_middle_of_the_rows_keeps_nothing(store: Store, monkeypatch):
    def fail(*_args, **_named):
        raise RuntimeError("disk gone")

    monkeypatch.setattr(storage_datasets, "insert", fail)
    with pytest.raises(RuntimeError, match="disk gone"):
        _imported(store)
    monkeypatch.undo()

    assert list_datasets(store) == []
    assert _imported(store).version.number == 1


def test_two_who_upload_at_once_get_two_versions_or_one_is_told(store: Store):
    _imported(store)
    outcomes: list[object] = []
    barrier = threading.Barrier(2)

    def upload(extra: bytes) -> None:
        barrier.wait()
        try:
            outcomes.append(_imported(store, ROWS + extra).version.number)
        except Conflict as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=upload, args=(extra,)) for extra in (b"1,a,b\n", b"2,c,d\n")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = [number for number, *_ in get_dataset(store, "set").versions]
    kept = sorted(outcome for outcome in outcomes if isinstance(outcome, int))
    assert kept == list(range(2, 2 + len(kept)))
    assert numbers == [*reversed(kept), 1]
    assert len(kept) == 2 or "changed_meanwhile" in outcomes


def test_roles_must_name_columns_and_stay_as_they_were_else(store: Store):
    _imported(store)
    set_roles(store, "set", {"unit": "id", "reference": "answer", "slices": []}, actor=ADA)

    with pytest.raises(BakeoffError) as error:
        set_roles(store, "set", {"unit": "idd"}, actor=ADA)

    assert "'idd'" in error.value.message
    assert get_dataset(store, "set").roles["unit"] == "id"


def test_an_archived_set_is_hidden_keeps_its_experiments_and_takes_no_rows(store: Store):
    made(store, rows=4)
    archive_dataset(store, "questions", actor=ADA)

    assert list_datasets(store) == []
    assert get_dataset(store, "questions").experiments == 1
    with pytest.raises(Conflict):
        _imported(store, name="questions")
    archive_dataset(store, "questions", actor=ADA, archived=False)
    assert [name for name, *_ in list_datasets(store)] == ["questions"]


@pytest.mark.parametrize("name", ["", "  ", "a@1", "a\x00b", "x" * 500])
def test_a_name_that_cannot_be_used_is_refused(store: Store, name: str):
    with pytest.raises(BakeoffError) as error:
        _imported(store, name=name)

    assert error.value.code == "bad_name"
    assert list_datasets(store) == []


def test_a_set_or_version_that_is_not_there_is_named(store: Store):
    _imported(store)

    with pytest.raises(NotFound, match="nothing"):
        get_dataset(store, "nothing")
    with pytest.raises(NotFound, match="9"):
        get_dataset(store, "set@9")
