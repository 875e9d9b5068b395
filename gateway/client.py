"""A client for Bakeoff in one file: copy it into your application. It needs Python 3.9 and nothing else.

    bakeoff = Client("http://bakeoff.internal:8501", key="bk_…", remember_in="/var/lib/app/bakeoff.json")
    met = bakeoff.assign("refund-reply", unit="user-17", context={"plan": "pro"}, default={"messages": MINE})
    answer = call_my_model(met.value["messages"], met.value.get("model"))
    bakeoff.report("refund-reply", unit="user-17", metric="resolved", value=1)

It **never raises** and never waits longer than ``timeout_s``: what cannot be fetched comes from memory, from the file
``remember_in``, or is the default that you gave. Every answer says which (``reason``) and what went wrong
(``error_code``). Reports are sent by a thread, in batches, with a key each, so that sending again counts once.
"""

from __future__ import annotations

import atexit
import http.client
import json
import os
import queue
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

FETCHED, CACHED, STALE, DEFAULT = "FETCHED", "CACHED", "STALE", "DEFAULT"
MOST_REMEMBERED = 10_000
CACHE_S = 3.0
"""A promotion, a rollback or the stop of a live test reaches applications within 5 seconds: the server's live routes
look for changes every second, and the rest is for the request."""
MOST_WAITING = 100_000
BATCH = 500
PAUSE_AFTER_FAILURE_S = 5.0


@dataclass(frozen=True)
class Result:
    """What you asked for, or the next best.

    ``reason``: ``FETCHED`` now, ``CACHED`` lately, ``STALE`` (the last known) or ``DEFAULT``. ``error_code`` says why
    it is not the newest: ``UNREACHABLE``, ``HTTP_404`` …; None when nothing went wrong.
    """

    value: Any
    reason: str
    error_code: str | None = None


class Client:
    """Safe to share between threads. ``close`` sends what is still waiting."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = 1.0,
        cache_s: float = CACHE_S,
        remember_in: str | None = None,
    ) -> None:
        self._base = urlsplit(base_url.rstrip("/"))
        self._headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
        self._timeout_s = timeout_s
        self._cache_s = cache_s
        self._remember_in = remember_in
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Any]] = {}
        self._not_before = 0.0
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
        self._reporting: threading.Thread | None = None
        self._closing = threading.Event()
        self.lost_reports = 0
        self._restore()
        atexit.register(self.close)

    def prompt(self, name: str, label: str = "production", default: object = None) -> Result:
        """What a label of a prompt serves: ``messages``, ``model``, ``parameters``, ``version``."""
        path = "/api/v1/prompts/" + quote(name, safe="") + "?label=" + quote(label, safe="")
        return self._known_or_fetched("prompt " + name + " " + label, "GET", path, None, default)

    def assign(
        self,
        experiment: str,
        unit: str,
        context: Mapping[str, Any] | None = None,
        default: object = None,
    ) -> Result:
        """What a unit meets in a live test: ``variant``, ``messages``, ``model``, ``parameters``, ``exposure``.

        A unit meets the same each time, so a copy from memory is as good; without any, ``default`` (your control).
        """
        body = {"experiment": experiment, "unit": unit, "context": dict(context or {})}
        known_as = "assign " + json.dumps(body, sort_keys=True, default=str)
        return self._known_or_fetched(known_as, "POST", "/api/v1/assignments", body, default)

    def report(
        self,
        experiment: str,
        unit: str,
        metric: str,
        value: float,
        *,
        at: str | None = None,
        exposure: str | None = None,
        idempotency_key: str | None = None,
    ) -> bool:
        """Puts an outcome on its way; False when too many are waiting already (``lost_reports`` counts them)."""
        told = {"experiment": experiment, "unit": unit, "metric": metric, "value": value}
        told["idempotency_key"] = idempotency_key or uuid.uuid4().hex
        told["at"] = at or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if exposure:
            told["exposure"] = exposure
        try:
            self._waiting.put_nowait(told)
        except queue.Full:
            self.lost_reports += 1
            return False
        self._start_reporting()
        return True

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Waits until everything reported so far has been taken; False when that takes too long."""
        end = time.monotonic() + timeout_s
        while self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)
        return not self._waiting.unfinished_tasks

    def close(self) -> None:
        """Sends what is waiting, for a few seconds at most, and ends the thread."""
        if self._reporting is not None and not self._closing.is_set():
            self.flush()
        self._closing.set()

    # --- fetching ------------------------------------------------------------------------------------------------

    def _known_or_fetched(
        self,
        known_as: str,
        method: str,
        path: str,
        body: object,
        default: object,
    ) -> Result:
        now = time.monotonic()
        with self._lock:
            known = self._known.get(known_as)
            paused = now < self._not_before
        if known is not None and now - known[0] < self._cache_s:
            return Result(known[1], CACHED)
        status, value = (0, None) if paused else self._call(method, path, body)
        if status == 200 and isinstance(value, dict):
            self._remember(known_as, value)
            return Result(value, FETCHED)
        if status in (404, 410):
            with self._lock:
                self._known.pop(known_as, None)  # it is over: what was known of it counts no more
            return Result(default, DEFAULT, "HTTP_" + str(status))
        if status == 0 and not paused:
            with self._lock:
                self._not_before = time.monotonic() + PAUSE_AFTER_FAILURE_S
        problem = "HTTP_" + str(status) if status else "UNREACHABLE"
        if known is not None:
            return Result(known[1], STALE, problem)
        return Result(default, DEFAULT, problem)

    def _call(self, method: str, path: str, body: object) -> tuple[int, Any]:
        """HTTP status and JSON body; 0 when there was no whole answer."""
        secure = self._base.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._base.hostname or "", self._base.port, timeout=self._timeout_s)
        try:
            content = None if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
            connection.request(method, self._base.path + path, content, self._headers)
            answer = connection.getresponse()
            raw = answer.read(20_000_000)
            return answer.status, json.loads(raw) if raw else None
        except (OSError, http.client.HTTPException, ValueError, TypeError, RecursionError):
            return 0, None
        finally:
            connection.close()

    # --- remembering ---------------------------------------------------------------------------------------------

    def _remember(self, known_as: str, value: object) -> None:
        with self._lock:
            before = self._known.pop(known_as, None)
            self._known[known_as] = (time.monotonic(), value)
            while len(self._known) > MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            snapshot = None
            if self._remember_in and (before is None or before[1] != value):
                snapshot = {name: kept for name, (_, kept) in self._known.items()}
        if snapshot is not None:
            self._write(snapshot)

    def _write(self, snapshot: Mapping[str, Any]) -> None:
        new = f"{self._remember_in}.{os.getpid()}.{threading.get_ident()}"
        try:
            with open(new, "w", encoding="utf-8") as file:
                json.dump(snapshot, file)
            os.replace(new, str(self._remember_in))
        except (OSError, ValueError, TypeError):
            return  # memory still has it

    def _restore(self) -> None:
        if not self._remember_in:
            return
        try:
            with open(self._remember_in, encoding="utf-8") as file:
                kept = json.load(file)
            long_ago = time.monotonic() - 10 * self._cache_s - 1
            self._known = {str(name): (long_ago, value) for name, value in kept.items()}
        except (OSError, ValueError, AttributeError):
            self._known = {}

    # --- reporting -----------------------------------------------------------------------------------------------

    def _start_reporting(self) -> None:
        with self._lock:
            if self._reporting is None or not self._reporting.is_alive():
                self._reporting = threading.Thread(target=self._report, name="bakeoff-reports", daemon=True)
                self._reporting.start()

    def _report(self) -> None:
        while not self._closing.is_set():
            try:
                batch = [self._waiting.get(timeout=0.5)]
            except queue.Empty:
                continue
            while len(batch) < BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            self._deliver(batch)
            for _ in batch:
                self._waiting.task_done()

    def _deliver(self, batch: list[dict[str, Any]]) -> None:
        """Sends a batch until it is taken. A key of its own in each makes sending twice count once."""
        pause = 0.2
        while not self._closing.is_set():
            status, _ = self._call("POST", "/api/v1/outcomes", {"outcomes": batch})
            if status and status not in (408, 429) and status < 500:
                if status >= 400:
                    self.lost_reports += len(batch)
                return
            self._closing.wait(pause)
            pause = min(2 * pause, 30.0)
        self.lost_reports += len(batch)
