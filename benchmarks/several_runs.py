"""Several runs of one worker at once, on a real PostgreSQL: wall seconds, and deadlocks that the server counted.

    python -m benchmarks.several_runs [--runs 4] [--rows 500]

Each run asks two simulated variants about every row, so 4 × 500 rows are 4 × 1,000 calls.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from sqlalchemy import text

from experiments.actions.runs.start_run import start_run
from experiments.actions.runs.work import Worker
from experiments.completions import CompletionSettings, open_completions
from experiments.vocabulary import utc_now
from storage.engine import open_engine
from storage.store import Store
from tests.builders import ADA, made, spec_of
from tests.postgres import PostgresServer

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--rows", type=int, default=500)
    options = parser.parse_args()
    postgres = PostgresServer()
    postgres.start()
    try:
        store = Store(open_engine(postgres.fresh_database()), utc_now)
        for number in range(options.runs):
            name = f"sums {number}"
            made(store, spec_of(name, limits={"cache": False, "concurrency": 16}), rows=options.rows)
            start_run(store, name, actor=ADA)
        begun = time.perf_counter()
        asyncio.run(worked(store, options.runs))
        took = time.perf_counter() - begun
        with store.read() as tx:
            deadlocks = tx.session.execute(text(DEADLOCKS)).scalar()
        store.close()
    finally:
        postgres.stop()
    calls = 2 * options.runs * options.rows
    print(f"{options.runs} runs, {calls:,} calls: {took:.1f} s, {calls / took:,.0f} a second, {deadlocks} deadlocks")


async def worked(store: Store, runs: int) -> None:
    """Serve until every run is finished."""
    environment = {"BAKEOFF_DEMO_TIME_SCALE": "0"}
    completions = open_completions(CompletionSettings.from_env(environment), environ=environment)
    worker = Worker(store, completions)
    serving = asyncio.create_task(worker.serve())
    while not await asyncio.to_thread(finished, store, runs):
        await asyncio.sleep(0.2)
    worker.stop()
    await serving
    await completions.aclose()


def finished(store: Store, runs: int) -> bool:
    """Whether every run has ended well."""
    with store.read() as tx:
        return [run.state for run in tx.runs.newest_by_experiment().values()].count("finished") == runs


if __name__ == "__main__":
    main()
