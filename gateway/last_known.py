"""What the gateway answers from: live tests, prompts, keys and prices as they were last seen in the database.

A thread looks for changes every second; requests never wait for it. Each change is kept on disk, so that a start while
the database is gone goes on from there.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from experiments.actions.installation.manage_keys import note_use
from experiments.background import Loop, loop_state
from experiments.errors import BakeoffError
from experiments.live.config import LiveConfig
from experiments.plans.pricing import PriceBook
from experiments.views.live.access import Access, load_access
from storage.records import ApiKeyRecord
from storage.store import Store

logger = logging.getLogger(__name__)

Load = Callable[[Store, LiveConfig], LiveConfig]
"""The present configuration, given the last known one: the same object when nothing changed."""

EVERY_S = 1.0
FIRST_LOOK_S = 5.0


class LastKnown:
    """The last known configuration; cheap to read from any thread.

    ``reachable`` says whether the last look at the database succeeded, ``looked_at`` (``time.monotonic()``) when that
    was the last time. ``used`` gives the ids of the keys that were used, ``also`` is done with each look.
    """

    def __init__(
        self,
        store: Store,
        file: Path,
        load: Load,
        used: Callable[[], set[str]] = set,
        *,
        also: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._file = file
        self._load = load
        self._used = used
        self._also = also
        self._config = LiveConfig()
        self._access = Access()
        self._prices = self._access.price_book()
        self._stopping = threading.Event()
        self._looked = threading.Event()
        self._thread: threading.Thread | None = None
        self.reachable = False
        self.looked_at: float | None = None
        self.changed_at = 0.0

    def config(self) -> LiveConfig:
        """The live tests and what each prompt label serves."""
        return self._config

    def keys(self) -> Mapping[str, ApiKeyRecord]:
        """The keys by id."""
        return self._access.keys

    def prices(self) -> PriceBook:
        """The prices that count."""
        return self._prices

    def start(self) -> None:
        """Reads what was kept on disk, then begins to look; returns after the first look, or when that takes long."""
        self._restore()
        self._thread = threading.Thread(target=self._run, name="last-known", daemon=True)
        self._thread.start()
        self._looked.wait(FIRST_LOOK_S)

    def stop(self) -> None:
        """Ends the thread; one that hangs in the database is left to end with the process."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(FIRST_LOOK_S)
            self._thread = None

    def look(self) -> bool:
        """Whether the database could be read; what changed counts from now on and is kept on disk."""
        try:
            config, access = self._load(self._store, self._config), load_access(self._store)
            self._also()
        except BakeoffError as error:
            if self.reachable:
                logger.warning("the gateway goes on from what it last knew: %s", error.message)
            self.reachable = False
            return False
        changed = config is not self._config or access != self._access
        self._config, self._access = config, access
        if changed:
            self._prices = access.price_book()
            self.changed_at = monotonic()
            self._keep()
        self.reachable, self.looked_at = True, monotonic()
        self._note_use()
        return True

    def _run(self) -> None:
        state = loop_state(Loop.CONFIGURATION)
        while not self._stopping.is_set():
            try:
                if self.look():
                    state.works()
            except Exception as error:  # the last known configuration still counts
                state.failed(error)
                self.reachable = False
            self._looked.set()
            self._stopping.wait(EVERY_S)

    def _note_use(self) -> None:
        records = [self._access.keys[key_id] for key_id in list(self._used()) if key_id in self._access.keys]
        try:
            note_use(self._store, records, self._store.clock())
        except BakeoffError as error:
            logger.warning("the day of a key's use was not kept: %s", error.message)

    def _keep(self) -> None:
        content = json.dumps({"live": self._config.to_json(), "access": self._access.to_json()})
        new = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._file)
        except OSError as error:
            logger.error("the last known configuration could not be kept on disk: %s", error.strerror)

    def _restore(self) -> None:
        try:
            values = json.loads(self._file.read_text("utf-8"))
            config, access = LiveConfig.from_json(values["live"]), Access.from_json(values["access"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("the configuration kept on disk cannot be read (%s)", type(error).__name__)
            return
        self._config, self._access, self._prices = config, access, access.price_book()
        self.changed_at = monotonic()
