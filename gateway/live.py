"""Everything behind the live routes, started and stopped with the server: what is known, what is kept, who may call."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from experiments.actions.live.record_events import record_events
from experiments.completions import CompletionSettings, open_completions
from experiments.errors import BakeoffError, Unavailable
from experiments.live.assignment import Served
from experiments.live.config import LiveConfig
from experiments.live.events import GatewayCall, event_from_json
from experiments.loading.find import find_prompt, find_version
from experiments.loading.live.phases import served_version
from experiments.views.live.config import live_version, load_live
from gateway.chat_plan import Planner
from gateway.delivery import Deliverer
from gateway.exposing import ExposureRecorder
from gateway.gateway_settings import GatewaySettings
from gateway.key_check import KeyGate
from gateway.last_known import LastKnown
from gateway.month_budget import MonthBudget
from gateway.spill import Spill, open_spill
from storage.records import ApiKeyRecord
from storage.store import Store

if TYPE_CHECKING:
    from gateway.calls import Calls

Value = TypeVar("Value")

FOLDER = "gateway"
SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes (delivery, a page) keeps the event loop waiting; Python's own 5 ms would show."""
MOST_YOUNG = 20_000
DATABASE_WITHIN_S = 1.0
DATABASE_THREADS = 4


class LiveGateway:
    """One per server process. ``start`` it in the event loop that serves, before the first request; ``stop`` it last.

    ``home`` is BAKEOFF_HOME: the event log and the last known configuration live in it. One that was not started knows
    no key, so it lets nobody in.
    """

    spill: Spill
    exposures: ExposureRecorder
    planner: Planner
    deliverer: Deliverer

    def __init__(self, store: Store, home: Path, environ: Mapping[str, str]) -> None:
        self.store = store
        self.environ = environ
        self.settings = GatewaySettings.from_env(environ)
        self._folder = home / FOLDER
        self._calls: Calls | None = None
        self.gate = KeyGate(self._keys, self._look_up_key, limits=self.settings.limits, clock=store.clock)
        self.budget = MonthBudget(store)
        file = self._folder / "last-known.json"
        self.known = LastKnown(store, file, _load, self.gate.used.copy, also=self.budget.look)
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="live-database")

    async def start(self) -> None:
        """Takes the event log, reads what was last known, and begins to deliver. Does not fail without a database."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        _spare_collections()
        self.spill = await asyncio.to_thread(open_spill, self._folder / "events")
        self.exposures = ExposureRecorder(self.spill, self.store.clock)
        self.planner = Planner(self.known, self.exposures, self._look_up_version)
        self.deliverer = Deliverer(self.spill, self._record)
        await asyncio.to_thread(self.known.start)
        self.deliverer.start()

    async def stop(self) -> None:
        """Ends in good order: what is on its way to the disk arrives there, what waits for the database may wait on."""
        if self._calls is not None:
            await self.calls.aclose()
        await asyncio.to_thread(self.deliverer.stop)
        await asyncio.to_thread(self.known.stop)
        await asyncio.to_thread(self.spill.close)
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def calls(self) -> Calls:
        """Calls to providers; what they need is imported when the first one is made."""
        if self._calls is None:
            from gateway.calls import Calls

            completions = open_completions(CompletionSettings.from_env(self.environ), environ=self.environ)
            self._calls = Calls(
                completions,
                self.environ,
                self.spill,
                prices=self.known.prices,
                budget=self.budget,
                clock=self.store.clock,
                deadline_s=self.settings.deadline_s,
            )
            _spare_collections()
        return self._calls

    def numbers(self) -> dict[str, tuple[str, str, float]]:
        """Numbers for Prometheus: name → (type, explanation, value)."""
        return {
            "gateway_events_waiting": ("gauge", "Events on disk that the database has not yet.", self.spill.pending),
            "gateway_events_dropped": ("counter", "Events that the disk did not take.", self.spill.dropped),
            "gateway_events_set_aside": ("counter", "Events that the database refused.", self.deliverer.set_aside),
            "gateway_calls_abandoned": (
                "counter",
                "Calls whose caller left before the answer was complete.",
                self._calls.abandoned if self._calls is not None else 0,
            ),
            "gateway_database_reachable": ("gauge", "1 while the database answers.", int(self.known.reachable)),
        }

    async def in_database(self, work: Callable[[], Value], *, within_s: float = DATABASE_WITHIN_S) -> Value:
        """What the work returns, done in a thread while the database answers.

        Raises:
            Unavailable: ``database_unavailable`` at once while the database is known to be gone, or after the time;
                the work may then still be done later. Whatever the work raises.
        """
        if not self.known.reachable:
            raise _away()
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        done, _ = await asyncio.wait((running,), timeout=within_s)
        if not done:
            self.known.reachable = False
            running.add_done_callback(_seen)
            raise _away()
        return running.result()

    def _keys(self) -> Mapping[str, ApiKeyRecord]:
        return self.known.keys()

    async def _look_up_key(self, key_id: str) -> ApiKeyRecord | None:
        def work() -> ApiKeyRecord | None:
            with self.store.read() as tx:
                return tx.keys.get(key_id)

        try:
            return await self.in_database(work)
        except BakeoffError:
            return None

    def _look_up_version(self, name: str, number: int) -> Served:
        with self.store.read() as tx:
            prompt = find_prompt(tx, name)
            return served_version(prompt.name, find_version(tx, prompt, str(number)))

    def _record(self, events: Sequence[bytes]) -> list[str | None]:
        decoded = [event_from_json(json.loads(event)) for event in events]
        codes = [one.code for one in record_events(self.store, decoded)]
        taken = (event for event, code in zip(decoded, codes, strict=True) if code is None)
        self.budget.recorded(event.id for event in taken if isinstance(event, GatewayCall))
        return codes


def _spare_collections() -> None:
    """A full collection would walk through all that is loaded: 150 ms in which nobody is answered.

    Python's own threshold of 700 objects is that of a few requests at the same time: all of them would seem to last.
    """
    gc.freeze()
    gc.set_threshold(MOST_YOUNG)


def _load(store: Store, known: LiveConfig) -> LiveConfig:
    return known if live_version(store) == known.version else load_live(store)


def _away() -> BakeoffError:
    return Unavailable("database_unavailable", "The database cannot be reached.", "Try again later.")


def _seen(running: asyncio.Future[Value]) -> None:
    if not running.cancelled():
        running.exception()
