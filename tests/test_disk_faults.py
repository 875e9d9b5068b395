"""The n-th write fails, for every n: what was acknowledged is there afterwards, without a restart."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from experiments import background
from experiments.actions.runs.start_run import start_run
from experiments.errors import BakeoffError
from gateway import delivery
from gateway.delivery import Deliverer
from gateway.spill import Spill, SpillFull, open_spill
from storage import ledger
from storage.store import Store
from tests.builders import ADA, made, spec_of, work

CALLS = ("open", "write", "fdatasync", "ftruncate", "fsync")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_states", {})
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(ledger, "RETRY_S", 0.01)
    monkeypatch.setattr(delivery, "GATHER_S", 0.0)


@contextmanager
def failing_call(number: int, code: int) -> Iterator[list[str]]:
    """The call of that number (from 1) to the disk fails; yields the names of all calls that were made."""
    made_calls: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            works = getattr(os, name)

            def call(*arguments, _name=name, _works=works, **named):
                made_calls.append(_name)
                if len(made_calls) == number:
                    raise OSError(code, os.strerror(code))
                return _works(*arguments, **named)

            patch.setattr(os, name, call)
        yield made_calls


def appended(spill: Spill, groups: int) -> list[bytes]:
    """Appends groups of two events one after the other; those that were acknowledged."""
    acknowledged: list[bytes] = []

    async def go() -> None:
        for group in range(groups):
            events = [json.dumps({"id": f"{group}-{i}"}).encode() for i in range(2)]
            try:
                await spill.append(events)
            except SpillFull:
                continue
            acknowledged.extend(events)

    asyncio.run(go())
    return acknowledged


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_the_event_log_holds_what_it_acknowledged_whichever_write_fails(tmp_path: Path, code: int):
    number, calls = 0, [""]
    while number < len(calls):
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        spill = Spill(folder / "0", segment_bytes=120)
        spill.try_open()
        with failing_call(number, code) as calls:
            acknowledged = appended(spill, groups=6)
        assert len(acknowledged) >= 10, (number, calls[number - 1])
        later = appended(spill, groups=1)
        assert list(spill.left_over()) == acknowledged + later
        spill.close()
        again = open_spill(folder)
        assert list(again.left_over()) == acknowledged + later
        again.close()
    assert number > 12


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_delivery_goes_on_whichever_note_of_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int):
    """The thread used to end, and live results, limits and automatic stops were blind until a restart."""
    spill = open_spill(tmp_path)
    written, failed = Path.write_text, []

    def write_text(path: Path, *arguments, **named):
        if not failed:
            failed.append(path.name)
            raise OSError(code, os.strerror(code))
        return written(path, *arguments, **named)

    monkeypatch.setattr(Path, "write_text", write_text)
    delivered: list[bytes] = []

    def record(events):
        delivered.extend(events)
        return [None] * len(events)

    deliverer = Deliverer(spill, record)
    deliverer.start()
    for _ in range(3):
        acknowledged = appended(spill, groups=2)
        spill.wait_for_more(0.01)
    deliverer.stop()
    assert failed == ["delivered.new"]
    assert set(acknowledged) <= set(delivered)
    assert spill.pending == 0
    assert background.failing_loops() == []
    spill.close()


@contextmanager
def failing_statement(store: Store, number: int) -> Iterator[list[str]]:
    """The statement of that number (from 1) meets a full disk; yields the statements that were executed."""
    executed: list[str] = []

    def before(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("PRAGMA"):
            return
        executed.append(statement)
        if len(executed) == number:
            raise OperationalError(statement, parameters, sqlite3.OperationalError("database or disk is full"))

    event.listen(store.engine, "before_cursor_execute", before)
    try:
        yield executed
    finally:
        event.remove(store.engine, "before_cursor_execute", before)


def test_a_run_keeps_every_answer_whichever_write_of_its_books_fails(sqlite_store: Store):
    """Before, one failed commit cancelled every slot of the run and kept its lease for a minute."""
    number, writes = 0, 1
    while number < writes:
        number += 1
        name = f"sums {number}"
        made(sqlite_store, spec_of(name, limits={"cache": False}), rows=3)
        run = start_run(sqlite_store, name, actor=ADA)
        with failing_statement(sqlite_store, number) as executed:
            try:
                work(sqlite_store, run)
            except BakeoffError as refused:  # read at the start of a run, before anything is paid
                assert refused.code == "disk_full"
                work(sqlite_store, run)
        writes = min(len(executed), 40)
        with sqlite_store.read() as tx:
            kept = tx.runs.get(run.id)
            outputs = tx.runs.counts(run.id)
        assert (kept.state, sum(row["count"] for row in outputs)) == ("finished", 6)
        assert kept.reserved_usd == pytest.approx(0.0)
