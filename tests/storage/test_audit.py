"""The log of changes: what is edited is named by its event, and what is cut off is remembered outside it."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from experiments.actions.registry.promote import promote
from experiments.errors import BakeoffError
from storage.anchors import Anchor, AnchorFile
from storage.audit import event_hash
from storage.backup import backup, restore
from storage.store import Store, open_store
from tests.builders import ADA, made, run_to_end


def _write(store: Store, count: int) -> None:
    for i in range(count):
        with store.begin() as tx:
            tx.audit.append("ada", "did", f"thing:{i}", {"i": i, "share": i / 7, "name": "Ünï"})


def _execute(store: Store, *statements: str) -> None:
    with store.begin() as tx:
        for statement in statements:
            tx.session.execute(text(statement))


@pytest.fixture
def anchored(store: Store, tmp_path: Path) -> Store:
    """The store, noting its heads in a file."""
    store.anchors = AnchorFile(tmp_path / "heads.jsonl")
    return store


def test_an_untouched_chain_verifies(anchored: Store):
    _write(anchored, 5)
    report = anchored.verify_audit()
    assert (report.events, report.broken_at, report.faults) == (5, None, ())


def test_an_empty_log_verifies(anchored: Store):
    assert anchored.verify_audit().broken_at is None


EDITS = [
    "UPDATE audit_event SET actor = 'eve' WHERE sequence = 3",
    "UPDATE audit_event SET action = 'x' WHERE sequence = 3",
    "UPDATE audit_event SET subject = 'x' WHERE sequence = 3",
    "UPDATE audit_event SET details = '{}' WHERE sequence = 3",
    "UPDATE audit_event SET details = 'no json' WHERE sequence = 3",
    "UPDATE audit_event SET details = details || ' ' WHERE sequence = 3",
    "UPDATE audit_event SET at = '2020-01-01 00:00:00+00:00' WHERE sequence = 3",
    "UPDATE audit_event SET previous_hash = hash || 'x' WHERE sequence = 3",
    "UPDATE audit_event SET hash = 'x' WHERE sequence = 3",
]
REMOVALS = [
    "UPDATE audit_event SET sequence = 9 WHERE sequence = 3",
    "DELETE FROM audit_event WHERE sequence = 3",
    "DELETE FROM audit_event WHERE sequence < 3",
]


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_event_is_named(store: Store, change: str):
    _write(store, 5)
    _execute(store, change)
    report = store.verify_audit()
    assert report.broken_at == 3
    assert "Event 3 was changed." in [fault.message for fault in report.faults]


@pytest.mark.parametrize("change", REMOVALS)
def test_a_removed_event_leaves_a_gap(store: Store, change: str):
    _write(store, 5)
    _execute(store, change)
    assert "missing" in store.verify_audit().faults[0].message


def test_each_of_several_edits_is_named(store: Store):
    _write(store, 9)
    _execute(store, *(f"UPDATE audit_event SET actor = 'eve' WHERE sequence = {number}" for number in (2, 5, 9)))
    assert [fault.event for fault in store.verify_audit().faults] == [2, 5, 9]


def test_a_time_that_is_none_is_a_fault_and_stops_neither_reading_nor_writing(sqlite_store: Store):
    store = sqlite_store
    _write(store, 3)
    _execute(store, "UPDATE audit_event SET at = 'yesterday' WHERE sequence = 3")
    assert [fault.message for fault in store.verify_audit().faults] == ["Event 3 was changed."]
    with store.read() as tx, pytest.raises(BakeoffError) as refused:
        tx.audit.newest()
    assert refused.value.code == "damaged_log"
    _write(store, 1)
    assert store.verify_audit().events == 4


@pytest.mark.parametrize("which", ["sequence > 3", "sequence > 0"])
def test_a_removed_end_is_remembered_outside_the_table(anchored: Store, which: str):
    _write(anchored, 5)
    _execute(anchored, f"DELETE FROM audit_event WHERE {which}")
    report = anchored.verify_audit()
    assert report.broken_at == report.events + 1
    assert "the end of the log was removed" in report.faults[0].message


def test_a_removed_end_that_was_grown_again_is_remembered(anchored: Store):
    _write(anchored, 5)
    _execute(anchored, "DELETE FROM audit_event WHERE sequence > 3")
    _write(anchored, 4)
    report = anchored.verify_audit()
    assert (report.broken_at, "rewritten" in report.faults[0].message) == (4, True)


def test_a_chain_that_was_computed_anew_is_not_the_one_remembered(anchored: Store):
    _write(anchored, 3)
    with anchored.begin() as tx:
        previous = "0" * 64
        for event in list(tx.audit.all()):
            edited = replace(event, actor="eve")
            values = {"actor": "eve", "previous": previous}
            digest = event_hash(
                edited.sequence,
                edited.at,
                action=edited.action,
                subject=edited.subject,
                details=edited.details,
                **values,
            )
            tx.session.execute(
                text(
                    "UPDATE audit_event SET actor = 'eve', previous_hash = :previous, hash = :hash WHERE sequence = :n"
                ),
                {"previous": previous, "hash": digest, "n": edited.sequence},
            )
            previous = digest
    assert [fault.event for fault in anchored.verify_audit().faults] == [1, 3]


def test_a_head_that_was_kept_elsewhere_counts(store: Store):
    _write(store, 3)
    head = store.verify_audit().head
    _write(store, 2)
    assert store.verify_audit([Anchor(3, head, "an export")]).faults == ()
    _execute(store, "DELETE FROM audit_event WHERE sequence > 2")
    assert "An export remembers event 3" in store.verify_audit([Anchor(3, head, "an export")]).faults[0].message


def test_a_decision_whose_event_is_gone_or_whose_evidence_was_edited_is_named(store: Store):
    made(store, rows=120)
    run_to_end(store)
    done = promote(store, "sums", label="production", actor=ADA)
    assert store.verify_audit().faults == ()
    with store.read() as tx:
        at = next(e.sequence for e in tx.audit.newest() if e.action == "promoted")
    _execute(store, "UPDATE decision SET evidence = replace(evidence, 'sums', 'sumz')")
    assert f"evidence of the decision {done.decision_id}" in store.verify_audit().faults[0].message
    _execute(store, f"DELETE FROM audit_event WHERE sequence >= {at}")
    assert f"No event tells of the decision {done.decision_id}" in store.verify_audit().faults[0].message


def test_a_restored_backup_begins_the_memory_anew(tmp_path: Path, sqlite_store: Store):
    _write(sqlite_store, 3)
    backup(sqlite_store, tmp_path / "b.gz")
    target = open_store(f"sqlite:///{tmp_path / 'other.db'}")
    AnchorFile(tmp_path / "other.db.audit-heads.jsonl").note(Anchor(99, "x"))
    restore(target, tmp_path / "b.gz")
    _write(target, 1)
    assert (target.verify_audit().faults, target.verify_audit().events) == ((), 4)
    target.close()


def test_the_memory_survives_cut_lines_and_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storage.anchors.MOST_BYTES", 5_000)
    monkeypatch.setattr("storage.anchors.KEPT_LINES", 10)
    path = tmp_path / "heads.jsonl"
    file = AnchorFile(path)
    for number in range(1, 200):
        file.note(Anchor(number, "h" * 64))
    with path.open("a") as opened:
        opened.write('{"events": 2')
    assert file.read()[-1].events == 199
    assert path.stat().st_size < 6_000
    assert all(json.loads(line) for line in path.read_text().splitlines()[:-1])


def test_a_memory_that_cannot_be_written_keeps_nobody_from_working(sqlite_store: Store, tmp_path: Path):
    sqlite_store.anchors = AnchorFile(tmp_path / "no" / "such" / "folder.jsonl")
    _write(sqlite_store, 2)
    assert sqlite_store.verify_audit().events == 2


def test_events_of_many_threads_form_one_chain(anchored: Store):
    threads = [threading.Thread(target=_write, args=(anchored, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = anchored.verify_audit()
    assert (report.events, report.broken_at) == (40, None)


def test_the_event_goes_with_its_transaction(anchored: Store):
    with pytest.raises(ZeroDivisionError):
        _fail_after(anchored, lambda tx: tx.audit.append("ada", "did", "thing"))
    assert anchored.verify_audit() == anchored.verify_audit()
    assert (anchored.verify_audit().events, anchored.anchors.read()) == (0, [])


def _fail_after(store: Store, work) -> None:
    with store.begin() as tx:
        work(tx)
        raise ZeroDivisionError
