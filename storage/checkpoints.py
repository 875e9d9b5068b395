"""Move SQLite's write-ahead log into the database file, in one process at a time.

Connections never do it by themselves (see ``storage.engine``): SQLite before 3.51.3 can corrupt a log that two
connections reset at once, and that is the SQLite of most Python installations.
"""

from __future__ import annotations

import logging
import threading

from filelock import FileLock, Timeout
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from storage.engine import is_sqlite

logger = logging.getLogger(__name__)

EVERY_S = 5.0


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
        lock = FileLock(f"{self._engine.url.database}.checkpoint.lock")
        while not self._stopping.is_set():
            try:
                with lock.acquire(timeout=0):
                    self._while_held()
            except Timeout:
                self._stopping.wait(EVERY_S)

    def _while_held(self) -> None:
        while True:
            stopping = self._stopping.wait(EVERY_S)
            self._checkpoint()
            if stopping:
                return

    def _checkpoint(self) -> None:
        try:
            connection = self._engine.raw_connection()
            try:
                # PASSIVE never waits for readers or writers; the log is reused once all of it is in the file.
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()
        except OperationalError as error:
            logger.warning("checkpoint failed: %s", error.orig)
