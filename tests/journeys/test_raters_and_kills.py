"""Twenty raters at once, double submits, reloads, and a server that is killed under them: no rating lost or doubled.

On PostgreSQL two server processes share the raters.

``BAKEOFF_KILL_ROUNDS`` asks for more kills (``make faults-long``).
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

import httpx
import pytest

from storage.store import open_store
from tests.rating_builders import imported, opened, vote

ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = min(10, int(os.environ.get("BAKEOFF_KILL_ROUNDS", "2")))
RATERS, OVERLAP = 20, 2
# Many kills need votes that last as long: a second server goes on taking them while the killed one starts again.
ITEMS, PACE_S = (100, 0.0) if KILLS <= 2 else (300, 1.0)
CHOICES = ("left", "both_good", "both_bad", "right")
PATIENCE_S = 60


class KilledServer:
    """A server process on one port that can be killed and started again."""

    def __init__(self, url: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.rating_server", self._url, str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None
            try:
                httpx.get(self.base + "/api/v1/rate/state", timeout=5)
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class ScriptedRater(threading.Thread):
    """Rates until nothing is left; sends some votes twice, looks again now and then, and retries while it is down."""

    def __init__(self, base: str, path: str, number: int) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(base_url=base, timeout=20)
        self._path = path
        self._chance = random.Random(number)
        self.acknowledged: dict[str, str] = {}
        self.refused: list[str] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._rate()
        except BaseException as failure:  # told by the test's own thread
            self.failure = failure
        finally:
            self._client.close()

    def _rate(self) -> None:
        self._again(lambda: self._client.get(self._path))
        state = self._again(lambda: self._client.get("/api/v1/rate/state")).json()
        tasks, left, waited = state["tasks"], state["rater"]["left"], 0
        while tasks or (left and waited < 60):
            if not tasks:
                waited += 1
                time.sleep(0.5)
            votes = [
                vote(task["id"], self._chance.choice(CHOICES), seq=n) for n, task in enumerate(tasks[: self._batch()])
            ]
            time.sleep(PACE_S)
            answer = self._send(votes, have=[task["id"] for task in tasks[len(votes) :]])
            if votes and self._chance.random() < 0.2:
                other = [{**one, "choice": self._chance.choice(CHOICES)} for one in votes]
                self._send(other, have=[], keep=False)
            if self._chance.random() < 0.15:
                state = self._again(lambda: self._client.get("/api/v1/rate/state")).json()
                tasks, left = state["tasks"], state["rater"]["left"]
            else:
                gone = set(answer["gone"])
                tasks = [task for task in tasks[len(votes) :] if task["id"] not in gone] + answer["tasks"]
                left = answer["left"]

    def _batch(self) -> int:
        return self._chance.choice((1, 1, 1, 2, 3))

    def _send(self, votes, *, have, keep=True):
        body = {"votes": votes, "have": have}
        answer = self._again(lambda: self._client.post("/api/v1/rate/votes", json=body)).json()
        self.refused += [refusal["code"] for refusal in answer["refused"]]
        if keep:
            for one in votes:
                if one["seq"] in answer["acknowledged"]:
                    self.acknowledged[one["task"]] = one["choice"]
        return answer

    def _again(self, ask):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = ask()
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code < 500:
                assert answer.status_code in {200, 303}, answer.text
                return answer
            time.sleep(0.05)
        raise AssertionError("the server did not answer")


@pytest.mark.faults
def test_twenty_raters_and_a_killed_server_end_with_two_ratings_each(database_url: str):
    one_process = database_url.startswith("sqlite")
    planned = KILLS if one_process else max(1, KILLS // 2)
    store = open_store(database_url)
    session = opened(store, imported(store, rows=ITEMS), overlap=OVERLAP, raters=3 * RATERS)
    servers = [KilledServer(database_url) for _ in range(1 if one_process else 2)]
    for server in servers:
        server.start()
    raters = [ScriptedRater(servers[n % len(servers)].base, session.path, n) for n in range(RATERS)]
    for rater in raters:
        rater.start()
    kills = 0
    for n, stop_at in enumerate([(n + 1) * ITEMS * OVERLAP // (planned + 1) for n in range(planned)]):
        while sum(len(r.acknowledged) for r in raters) < stop_at and any(r.is_alive() for r in raters):
            time.sleep(0.005)
        kills += any(r.is_alive() for r in raters)
        servers[n % len(servers)].kill()
        servers[n % len(servers)].start()
    for rater in raters:
        rater.join(PATIENCE_S)
    for server in servers:
        server.kill()
    assert [r.failure for r in raters if r.failure] == []
    assert kills == planned
    with store.read() as tx:
        decided = list(tx.rating_tasks.decided(session.session_id))
    store.close()
    by_item = defaultdict(list)
    for row in decided:
        by_item[row["item_id"]].append(row["rater_id"])
    assert len(by_item) == ITEMS
    assert {len(people) for people in by_item.values()} == {OVERLAP}
    assert all(len(set(people)) == OVERLAP for people in by_item.values())
    kept = {row["task_id"]: row["choice"] for row in decided}
    promised = {task: choice for rater in raters for task, choice in rater.acknowledged.items()}
    assert {task: kept.get(task) for task in promised} == promised
    assert set(Counter(code for r in raters for code in r.refused)) <= {"unknown_task"}
    assert len(promised) == ITEMS * OVERLAP
