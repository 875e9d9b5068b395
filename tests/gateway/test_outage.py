"""The database goes away, processes are killed: every request is answered, and what was acknowledged is stored once."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from experiments.actions.installation.manage_keys import create_key, revoke_key
from gateway.live import LiveGateway
from storage.live_tables import ExposureRow, OutcomeRow
from storage.store import Store, open_store
from tests.builders import ADA
from tests.fake_provider import FakeProvider
from tests.gateway.conftest import Served, environ_of, go_live, served
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parent.parent.parent


class Traffic:
    """Requests at a steady rate, and what was acknowledged."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {key}"}
        self.acknowledged: dict[str, str] = {}
        self.outcomes: set[str] = set()
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.broken = False

    async def flow(self, seconds: float, *, per_second: float, start: int = 0) -> None:
        async with httpx.AsyncClient(headers=self.headers, timeout=10) as client:
            began, tasks = time.perf_counter(), []
            for number in range(int(seconds * per_second)):
                if self.broken:
                    break
                await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                tasks.append(asyncio.create_task(self._one(client, f"unit-{start + number}")))
            await asyncio.gather(*tasks)

    async def _one(self, client: httpx.AsyncClient, unit: str) -> None:
        body = {"experiment": "refund-reply", "unit": unit}
        told = body | {"metric": "resolved", "value": 1, "idempotency_key": unit}
        started = time.perf_counter()
        try:
            answer = await client.post(f"{self.address}/api/v1/assignments", json=body)
            self.times.append(time.perf_counter() - started)
            self.statuses[answer.status_code] += 1
            self.acknowledged[unit] = answer.json()["exposure"]
            reported = await client.post(f"{self.address}/api/v1/outcomes", json=told)
        except httpx.TransportError:
            self.broken = True
            return
        self.statuses[reported.status_code] += 1
        self.outcomes.add(unit)

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[int(len(ordered) * share)] * 1000


def assert_stored_once(store: Store, traffic: Traffic) -> None:
    with store.read() as tx:
        exposures = {e.unit: e.id for e in tx.session.exec(select(ExposureRow))}
        outcomes = Counter(o.unit for o in tx.session.exec(select(OutcomeRow)))
    assert {unit: exposures.get(unit) for unit in traffic.acknowledged} == traffic.acknowledged
    assert {unit: outcomes[unit] for unit in traffic.outcomes} == dict.fromkeys(traffic.outcomes, 1)


@pytest.mark.postgres
def test_an_outage_is_not_noticed_and_nothing_is_lost(postgres: PostgresServer, tmp_path: Path, provider: FakeProvider):
    store = open_store(postgres.fresh_database())
    go_live(store)
    with served(store, tmp_path / "home", environ_of(provider)) as gateway:
        traffic = Traffic(gateway.address, gateway.key)
        asyncio.run(traffic.flow(1, per_second=40))
        postgres.pause()
        try:
            asyncio.run(traffic.flow(3, per_second=40, start=40))
            _everything_else_goes_on(gateway)
            waiting = gateway.live.spill.pending
        finally:
            postgres.resume()
        asyncio.run(traffic.flow(0.5, per_second=40, start=160))
        gateway.until(lambda: gateway.live.known.reachable)
        gateway.delivered()
    assert set(traffic.statuses) == {200}
    assert waiting >= 200
    assert not traffic.broken
    # Who waits for an absent database waits 1 or 10 s, its time limits. How fast it is: benchmarks/gateway_outage.py.
    assert traffic.quantile_ms(0.1) < 1000
    assert_stored_once(store, traffic)
    store.close()


def _everything_else_goes_on(gateway: Served) -> None:
    """Chat, flags, and a reused key, with the database away."""
    headers = gateway.headers
    chat = httpx.post(
        f"{gateway.address}/v1/chat/completions",
        json={"model": "experiment:refund-reply", "user": "chatting", "variables": {"ticket": "x"}},
        headers=headers,
    )
    flag = httpx.post(
        f"{gateway.address}/ofrep/v1/evaluate/flags/refund-reply",
        json={"context": {"targetingKey": "flagging"}},
        headers=headers,
    )
    told = {"experiment": "refund-reply", "unit": "u", "metric": "resolved", "value": 1, "idempotency_key": "away"}
    first = httpx.post(f"{gateway.address}/api/v1/outcomes", json=told, headers=headers)
    again = httpx.post(f"{gateway.address}/api/v1/outcomes", json=told, headers=headers)
    changed = httpx.post(f"{gateway.address}/api/v1/outcomes", json=told | {"value": 0}, headers=headers)
    unknown = httpx.post(f"{gateway.address}/api/v1/outcomes", json=told | {"experiment": "no"}, headers=headers)
    assert [a.status_code for a in (chat, flag, first, again, changed, unknown)] == [200, 200, 200, 200, 409, 404]


@pytest.mark.postgres
def test_a_server_that_starts_without_its_database_goes_on_from_what_was_last_known(
    postgres: PostgresServer, tmp_path: Path, provider: FakeProvider
):
    store, home = open_store(postgres.fresh_database()), tmp_path / "home"
    go_live(store)
    revoked = create_key(store, "old", ["assign"], actor=ADA)
    revoke_key(store, revoked.record.id, actor=ADA)
    with served(store, home, environ_of(provider)) as gateway:
        key = gateway.key
        traffic = Traffic(gateway.address, key)
        gateway.until(lambda: gateway.live.known.keys().get(key.split("_")[1]))
        asyncio.run(traffic.flow(0.2, per_second=50))
    store.close()
    postgres.pause()
    try:
        with served(store, home, environ_of(provider), key=key) as gateway:
            later = Traffic(gateway.address, key)
            asyncio.run(later.flow(0.4, per_second=50))
            assert set(later.statuses) == {200}
            assert {later.acknowledged[unit] for unit in traffic.acknowledged} == set(traffic.acknowledged.values())
            refused = httpx.get(f"{gateway.address}/v1/models", headers={"X-API-Key": revoked.key})
            assert refused.status_code == 401
            assert gateway.live.spill.pending >= 10
    finally:
        postgres.resume()
    assert (home / "gateway" / "last-known.json").stat().st_mode & 0o077 == 0
    with served(store, home, environ_of(provider), key=key) as gateway:
        gateway.delivered()
    assert_stored_once(store, later)
    store.close()


@pytest.mark.faults
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, sqlite_template: Path):
    """A server process is killed in full traffic; another takes over what it left."""
    shutil.copy(sqlite_template, tmp_path / "bakeoff.db")
    url, home = f"sqlite:///{tmp_path / 'bakeoff.db'}", tmp_path / "home"
    store = open_store(url)
    go_live(store)
    key = create_key(store, "app", ["assign", "ingest"], actor=ADA).key
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    traffic = Traffic(f"http://127.0.0.1:{port}", key)
    command = [sys.executable, "-m", "tests.gateway.server", url, str(home), str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        _until_answering(traffic.address)

        async def killed_in_the_middle() -> None:
            flow = asyncio.create_task(traffic.flow(30, per_second=60))
            await asyncio.sleep(1.3)
            process.kill()
            await flow
            assert traffic.broken

        asyncio.run(killed_in_the_middle())
    assert len(traffic.acknowledged) > 20

    async def taken_over() -> None:
        live = LiveGateway(store, home, {})
        await live.start()
        while live.spill.pending:
            await asyncio.sleep(0.02)
        await live.stop()

    asyncio.run(taken_over())
    assert_stored_once(store, traffic)
    store.close()


def _until_answering(address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if httpx.get(f"{address}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
