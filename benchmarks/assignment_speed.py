"""Assignments per second of processor time, with the exposure object that each makes.

    python benchmarks/assignment_speed.py [--units 200000] [--rounds 5]

The best round counts: on a machine that does other work too, the slower ones measure that work.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

from experiments.live.assignment import BUCKETS, LiveTest, assign, cumulative_limits
from experiments.live.events import exposure_of

CASES = {
    "everybody takes part": {},
    "a layer, a holdout, everybody else": {"layer": "checkout", "holdout": BUCKETS // 20},
    "targeting and slices": {"targeting": {"plan": frozenset({"pro", "team"})}, "slices": ("plan",)},
}
CONTEXT = {"plan": "pro", "language": "en"}


def live_test(**changes: object) -> LiveTest:
    given = {
        "key": "refund-reply",
        "experiment": "refund reply",
        "phase": 1,
        "seed": "5f0c2b7e9a1d4c3b8e7f6a5d4c3b2a19",
        "control": "A",
        "variants": ("A", "B"),
        "limits": cumulative_limits([50, 50]),
        "served": {},
    }
    return LiveTest(**{**given, **changes})  # type: ignore[arg-type]


def per_second(live: LiveTest, units: list[str], now: datetime) -> float:
    begun = time.process_time()
    for unit in units:
        found = assign(live, unit, CONTEXT)
        exposure_of(live, unit, found, CONTEXT, at=now, source="chat")
    return len(units) / (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    units, now = [f"user-{number}" for number in range(asked.units)], datetime.now(UTC)
    for name, changes in CASES.items():
        live = live_test(**changes)
        best = max(per_second(live, units, now) for _ in range(asked.rounds))
        print(f"{name}: {best:,.0f} assignments per CPU second")


if __name__ == "__main__":
    main()
