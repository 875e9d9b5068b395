"""The database stops, processes are killed: is every request answered, how fast, and is all of it stored once?

    python benchmarks/gateway_outage.py [--seconds 60] [--per-second 50] [--kills 5]

A server process, a real PostgreSQL (from the tests' package), and steady traffic of assignments with an outcome each.
First the database is stopped for ``--seconds``; then the server is killed with signal 9 at ``--kills`` random moments,
and started again each time. At the end each acknowledged exposure and outcome must be in the database exactly once.
Aims: every request answered during the outage, p99 of an assignment at most 250 ms, nothing lost, nothing twice.
Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.gateway_latency import free_port, prepared  # noqa: E402
from tests.postgres import PostgresServer  # noqa: E402


@dataclass
class Ledger:
    """What the callers know."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    outcomes: set[str] = field(default_factory=set)
    times_ms: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    units: int = 0


async def traffic(address: str, key: str, ledger: Ledger, *, seconds: float, per_second: float) -> None:
    """Steady calls, each on its own; one that the server's death cuts off is counted as unanswered."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=20)) as session:

        async def one(unit: str) -> None:
            body = {"experiment": "benchmark", "unit": unit}
            started = time.perf_counter()
            try:
                async with session.post(f"{address}/api/v1/assignments", json=body) as answer:
                    ledger.answers[answer.status] += 1
                    if answer.status == 200:
                        exposure = (await answer.json())["exposure"]
                        ledger.times_ms.append((time.perf_counter() - started) * 1000)
                        ledger.acknowledged[unit] = exposure
                told = body | {"metric": "resolved", "value": 1, "idempotency_key": unit}
                async with session.post(f"{address}/api/v1/outcomes", json=told) as answer:
                    ledger.answers[answer.status] += 1
                    if answer.status == 200:
                        ledger.outcomes.add(unit)
            except (aiohttp.ClientError, TimeoutError):
                ledger.unanswered += 1

        began, tasks = time.perf_counter(), []
        for number in range(int(seconds * per_second)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            ledger.units += 1
            tasks.append(asyncio.create_task(one(f"unit-{ledger.units}")))
        await asyncio.gather(*tasks)


async def until_answering(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{address}/healthz"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


def started(url: str, home: Path, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", "tests.gateway.server", url, str(home), str(port)], cwd=ROOT)
    asyncio.run(until_answering(f"http://127.0.0.1:{port}"))
    return process


def stored(url: str) -> tuple[dict[str, str], Counter[str]]:
    """Unit → exposure, and how many outcomes each unit has."""
    from sqlmodel import select

    from storage.live_tables import ExposureRow, OutcomeRow
    from storage.store import open_store

    store = open_store(url)
    with store.read() as tx:
        exposures = {e.unit: e.id for e in tx.session.exec(select(ExposureRow))}
        outcomes = Counter(o.unit for o in tx.session.exec(select(OutcomeRow)))
    store.close()
    return exposures, outcomes


def missing(url: str, ledger: Ledger, within_s: float = 60) -> tuple[int, int, int]:
    """Acknowledged exposures that are not stored, outcomes that are not, and outcomes that are there twice."""
    end = time.monotonic() + within_s
    while True:
        exposures, outcomes = stored(url)
        lost = sum(exposures.get(unit) != identity for unit, identity in ledger.acknowledged.items())
        lost_outcomes = sum(outcomes[unit] == 0 for unit in ledger.outcomes)
        twice = sum(count > 1 for count in outcomes.values())
        if (lost, lost_outcomes) == (0, 0) or time.monotonic() > end:
            return lost, lost_outcomes, twice
        time.sleep(0.5)


def outage(options: argparse.Namespace, postgres: PostgresServer, home: Path) -> bool:
    url, port, ledger = postgres.fresh_database(), free_port(), Ledger()
    key = prepared(home, url)
    process = started(url, home, port)
    address = f"http://127.0.0.1:{port}"
    try:
        asyncio.run(traffic(address, key, Ledger(units=10**6), seconds=2, per_second=options.per_second))
        postgres.pause()
        asyncio.run(traffic(address, key, ledger, seconds=options.seconds, per_second=options.per_second))
        postgres.resume()
        found = missing(url, ledger)
    finally:
        process.kill()
        process.wait()
    ordered = sorted(ledger.times_ms)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    print(f"database stopped for {options.seconds:.0f} s under {options.per_second:.0f} assignments a second")
    print(f"  answers: {dict(ledger.answers)}, unanswered: {ledger.unanswered}")
    print(f"  assignment: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {ordered[-1]:.0f} ms")
    print(f"  lost exposures {found[0]}, lost outcomes {found[1]}, outcomes stored twice {found[2]}")
    return set(ledger.answers) == {200} and not ledger.unanswered and found == (0, 0, 0) and p99 <= 250


def kills(options: argparse.Namespace, postgres: PostgresServer, home: Path) -> bool:
    url, port, ledger = postgres.fresh_database(), free_port(), Ledger()
    key = prepared(home, url)
    chance = random.Random(7)
    for _ in range(options.kills):
        process = started(url, home, port)

        async def until_killed(process: subprocess.Popen[bytes] = process) -> None:
            flow = asyncio.create_task(
                traffic(f"http://127.0.0.1:{port}", key, ledger, seconds=3, per_second=options.per_second)
            )
            await asyncio.sleep(chance.uniform(0.3, 2.7))
            process.kill()
            await flow

        asyncio.run(until_killed())
        process.wait()
    process = started(url, home, port)
    found = missing(url, ledger)
    process.kill()
    process.wait()
    print(
        f"killed {options.kills} times: {len(ledger.acknowledged)} exposures and {len(ledger.outcomes)} outcomes were"
    )
    print(f"  acknowledged; lost {found[0]} and {found[1]}, stored twice {found[2]}")
    return found == (0, 0, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=50)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    os.environ.pop("BAKEOFF_DATABASE_URL", None)
    postgres = PostgresServer()
    postgres.start()
    homes = [Path(mkdtemp(prefix="bakeoff-outage-")) for _ in range(2)]
    try:
        done = [outage(options, postgres, homes[0]), kills(options, postgres, homes[1])]
    finally:
        postgres.stop()
        for home in homes:
            shutil.rmtree(home, ignore_errors=True)
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
