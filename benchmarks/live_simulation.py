"""A simulated product with known truth: is the verdict right, does its interval cover, does watching fool it?

    python benchmarks/live_simulation.py [--users 20000] [--repetitions 200] [--gain 0.03] [--no-database]

First one product of heavy and light users with a real gain, through the database: exposures and outcomes as they
arrive, sums in SQL, the verdict. Then the same product many times over, with and without a gain, looked at after every
500 users: how often it ships, and how often the interval of the last look holds the truth. There the sums are made in
memory (a test holds them equal to those of the database), the assignment is the real one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from experiments.actions.live.record_events import record_events
from experiments.actions.live.start_live import start_live
from experiments.actions.results.open_results import open_results
from experiments.actions.runs.create_experiment import create_experiment
from experiments.experiment_file import ExperimentSpec
from experiments.live.assignment import LiveTest, assign, cumulative_limits
from experiments.live.events import checked_outcome, exposure_of
from experiments.plans.plan import MetricDefinition
from experiments.results.decision import decide
from experiments.results.live_analysis import LiveSums, analyse_sums
from experiments.results.peeking import Look
from experiments.stats.summaries import UnitSums
from experiments.views.live.config import load_live
from experiments.vocabulary import Actor, Direction, MetricKind, Role, VerdictOutcome
from storage import schema
from storage.engine import open_engine
from storage.store import Store

ADA = Actor("ada", Role.ADMIN)
EVERY = 500
SPEC = ExperimentSpec.model_validate(
    {
        "name": "simulated product",
        "variants": [
            {"name": "A", "prompt": "Reply to {{ticket}}.", "model": "demo/small"},
            {"name": "B", "prompt": "Reply to {{ticket}}. End with the next step.", "model": "demo/small"},
        ],
        "plan": {"primary": {"metric": "resolved", "smallest_effect": 0.02}, "stopping": "sequential"},
        "live": {"key": "simulated", "split": {"A": 50, "B": 50}, "outcomes": [{"metric": "resolved"}]},
    }
)
METRICS = {"resolved": MetricDefinition("resolved", MetricKind.BINARY, Direction.HIGHER)}


@dataclass(frozen=True)
class Product:
    """Users of one repetition: requests and successes of each, and which of them meet B."""

    requests: np.ndarray
    successes: np.ndarray
    treated: np.ndarray


def product(rng: np.random.Generator, treated: np.ndarray, gain: float) -> Product:
    """One user in ten is heavy (about 20 requests), the others make about 2; users differ in how often they succeed."""
    users = len(treated)
    heavy = rng.random(users) < 0.1
    requests = 1 + rng.poisson(np.where(heavy, 19, 1))
    own = (1 - gain) * rng.beta(6, 4, users)  # leaves room for the gain, so that nobody's chance is cut at 1
    return Product(requests, rng.binomial(requests, own + gain * treated), treated)


def live_test(seed: str) -> LiveTest:
    return LiveTest("simulated", "simulated product", 1, seed, "A", ("A", "B"), cumulative_limits([50, 50]), {})


def looks(made: Product) -> Iterator[LiveSums]:
    """The sums after every 500 users."""
    for end in range(EVERY, len(made.requests) + 1, EVERY):
        arms = {}
        for name, flag in (("A", False), ("B", True)):
            mine = made.treated[:end] == flag
            arms[name] = UnitSums.of(made.successes[:end][mine].astype(float), made.requests[:end][mine].astype(float))
        yield LiveSums({"resolved": arms}, {name: arm.units for name, arm in arms.items()}, days=8.0)


def watched(made: Product) -> tuple[bool, tuple[float, float, float]]:
    """Whether it shipped at any look, and estimate with interval at the last."""
    seen: list[Look] = []
    shipped, last = False, (0.0, 0.0, 0.0)
    for sums in looks(made):
        analysis = analyse_sums(sums, plan=SPEC.plan, metrics=METRICS, control="A", looks=seen)
        primary = analysis.comparisons[0]
        if primary.estimate is not None and primary.lower is not None and primary.upper is not None:
            last = (primary.estimate, primary.lower, primary.upper)
        shipped = shipped or decide(SPEC.plan, analysis).outcome is VerdictOutcome.SHIP
        seen.append(analysis.as_look())
    return shipped, last


def repeated(users: int, repetitions: int, gain: float) -> None:
    shipped = covered = 0
    begun = time.perf_counter()
    for repetition in range(repetitions):
        live = live_test(f"seed-{gain}-{repetition}")
        treated = np.array([assign(live, f"user-{number}").variant == "B" for number in range(users)])
        made = product(np.random.default_rng(repetition), treated, gain)
        ships, (_, lower, upper) = watched(made)
        shipped += ships
        covered += lower <= gain <= upper
    took = time.perf_counter() - begun
    print(
        f"gain {100 * gain:g} points, {repetitions} × {users:,} users, {users // EVERY} looks each: "
        f"shipped {shipped}, last interval held the truth {covered} times ({took:.0f} s)"
    )


def through_the_database(users: int, gain: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = [datetime(2026, 3, 2, tzinfo=UTC)]
        store = Store(open_engine(f"sqlite:///{Path(folder) / 'live.db'}"), lambda: clock[0])
        schema.upgrade(store.engine)
        create_experiment(store, SPEC, dataset_version_id=None, actor=ADA)
        start_live(store, SPEC.name, actor=ADA)
        live = load_live(store).tests["simulated"]
        units = [f"user-{number}" for number in range(users)]
        met = [assign(live, unit) for unit in units]
        made = product(np.random.default_rng(1), np.array([m.variant == "B" for m in met]), gain)
        begun, events = time.perf_counter(), []
        for unit, found, requests, successes in zip(units, met, made.requests, made.successes, strict=True):
            events.append(exposure_of(live, unit, found, None, at=clock[0], source="simulation"))
            for number in range(requests):
                events.append(
                    checked_outcome(
                        experiment="simulated",
                        unit=unit,
                        metric="resolved",
                        value=float(number < successes),
                        received_at=clock[0],
                    )
                )
        for start in range(0, len(events), 500):
            assert all(recorded.ok for recorded in record_events(store, events[start : start + 500]))
        stored = time.perf_counter() - begun
        clock[0] += timedelta(days=8)
        begun = time.perf_counter()
        result = open_results(store, SPEC.name, actor=ADA)
        analysed = time.perf_counter() - begun
        found, outcome = result["comparisons"][0], result["verdict"]["outcome"]
        print(
            f"through the database: {users:,} users, {len(events):,} events stored in {stored:.1f} s "
            f"({len(events) / stored:,.0f} a second), analysed in {analysed:.2f} s; {outcome}, "
            f"{100 * found['estimate']:+.2f} points ({100 * found['lower']:+.2f} to {100 * found['upper']:+.2f}), "
            f"truth {100 * gain:+.2f}"
        )
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--gain", type=float, default=0.03)
    parser.add_argument("--no-database", action="store_true")
    asked = parser.parse_args()
    if not asked.no_database:
        through_the_database(asked.users, asked.gain)
    repeated(asked.users, asked.repetitions, 0.0)
    repeated(asked.users, asked.repetitions, asked.gain)


if __name__ == "__main__":
    main()
