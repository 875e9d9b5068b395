"""Move SQLite's write-ahead log into the database file, in one process at a time.

Connections never do it by themselves (see ``storage.engine``): SQLite before 3.51.3 can corrupt a log that two
connections reset at once, and that is the SQLite of most Python installations.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from experiments.background import Loop, LoopState, keep_running
from storage.engine import BUSY_TIMEOUT_MS, is_sqlite

EVERY_S = 5.0
LOOK_S = 0.5
LARGE_LOG_BYTES = 16_000_000
MOST_WAIT_MS = 500


class Checkpointer:
    """A thread that checkpoints while this process holds the lock; does nothing on PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; several processes may call this, one of them works."""
        if not is_sqlite(self._engine) or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after a last checkpoint."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        keep_running(Loop.CHECKPOINTS, self._checkpoint_while_alone, self._stopping)

    def _checkpoint_while_alone(self, state: LoopState) -> None:
        lock = FileLock(f"{self._engine.url.database}.checkpoint.lock")
        while not self._stopping.is_set():
            try:
                with lock.acquire(timeout=0):
                    self._while_held(state)
            except Timeout:
                self._stopping.wait(EVERY_S)

    def _while_held(self, state: LoopState) -> None:
        seconds = 0.0
        while True:
            stopping = self._stopping.wait(LOOK_S)
            seconds += LOOK_S
            if stopping or seconds >= EVERY_S or self._log_bytes() > LARGE_LOG_BYTES:
                self._checkpoint()
                state.works()
                seconds = 0.0
            if stopping:
                return

    def _checkpoint(self) -> None:
        """Move what is in the log into the file.

        PASSIVE waits for nobody, but in a busy run there is always a newer page, so the log would grow for as long as
        the run lasts. A large one is emptied: TRUNCATE holds writers back for the moment it takes, at most
        ``MOST_WAIT_MS`` where a reader is in the way, and comes again with the next look.
        """
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            if self._log_bytes() > LARGE_LOG_BYTES:
                cursor.execute(f"PRAGMA busy_timeout={MOST_WAIT_MS}")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            else:
                cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            connection.invalidate()
            raise OSError(str(error)) from None
        finally:
            connection.close()

    def _log_bytes(self) -> int:
        try:
            return Path(f"{self._engine.url.database}-wal").stat().st_size
        except OSError:
            return 0
