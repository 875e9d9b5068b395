"""The write-ahead log of SQLite: emptied while somebody writes, and nothing of it is lost."""

import threading
import time
from pathlib import Path

import pytest

from storage import checkpoints
from storage.checkpoints import Checkpointer
from storage.store import Store

TIMES_EMPTIED = 3
PATIENCE_S = 60


def test_a_large_log_is_emptied_while_somebody_writes(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkpoints, "EVERY_S", 3600)
    monkeypatch.setattr(checkpoints, "LOOK_S", 0.02)
    monkeypatch.setattr(checkpoints, "LARGE_LOG_BYTES", 200_000)
    log = Path(f"{sqlite_store.engine.url.database}-wal")
    enough = threading.Event()
    acknowledged: list[str] = []

    def write() -> None:
        while not enough.is_set():
            key = f"row {len(acknowledged)}"
            with sqlite_store.begin() as tx:
                tx.installation.set_setting(key, "x" * 5000, actor="t", at=tx.clock())
            acknowledged.append(key)

    writer = threading.Thread(target=write)
    checkpointer = Checkpointer(sqlite_store.engine)
    checkpointer.start()
    writer.start()
    emptied, before, until = 0, 0, time.monotonic() + PATIENCE_S
    while emptied < TIMES_EMPTIED and time.monotonic() < until:
        size = log.stat().st_size if log.exists() else 0
        emptied, before = emptied + (size < before), size
        time.sleep(0.001)
    enough.set()
    writer.join()
    checkpointer.stop()

    assert emptied == TIMES_EMPTIED
    with sqlite_store.read() as tx:
        assert all(tx.installation.setting(key) == "x" * 5000 for key in acknowledged)
