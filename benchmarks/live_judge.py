"""How often a live test of two equal variants ships when its judge favours one: ``python -m benchmarks.live_judge``.

Users have one answer each; both variants are equally good, the judge passes a larger share of B's bad answers, people
rate a random share. The result is read again and again; "ships null" counts tests in which any look puts B above A.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from experiments.results.comparisons.independent import outcome_from_sums
from experiments.stats.estimates import Estimate
from experiments.stats.live_correction import JudgedArm, corrected_arm
from experiments.stats.sequential import Reading
from experiments.vocabulary import MetricKind

USERS, LOOKS, SENSITIVITY, KIND_TO_A = 4000, 30, 0.95, 0.1


@dataclass(frozen=True)
class World:
    """The share of good answers, of B's bad answers that the judge passes, and of answers that people rate."""

    good: float
    kind_to_b: float
    rated: float


WORLDS = (
    World(0.7, 0.4, 0.05),
    World(0.95, 0.4, 0.05),
    World(0.7, 0.6, 0.2),
    World(0.7, 0.4, 0.02),
    World(0.9, 0.1, 0.05),
)


def arm(judge: np.ndarray, people: np.ndarray, rated: np.ndarray) -> JudgedArm:
    """The sums of users with one judged answer each."""
    users = np.flatnonzero(rated)
    score = judge[users]
    return JudgedArm(
        len(judge), float(judge.sum()), float(judge @ judge), users, np.ones(len(users)), score, score, people[users]
    )


def ships(world: World, seed: int, *, corrected: bool) -> bool:
    """Whether any look puts B above A."""
    rng, reading = np.random.default_rng(seed), Reading(0.05, USERS)
    drawn = []
    for kind in (KIND_TO_A, world.kind_to_b):
        people = (rng.random(USERS) < world.good).astype(float)
        judge = np.where(people == 1, rng.random(USERS) < SENSITIVITY, rng.random(USERS) < kind).astype(float)
        drawn.append((judge, people if corrected else judge, (rng.random(USERS) < world.rated) | (not corrected)))
    for seen in np.unique(np.geomspace(100, USERS, LOOKS).astype(int)):
        arms = [arm(*(column[:seen] for column in columns)) for columns in drawn]
        rated = [len(one.people) for one in arms]
        if min(rated) < 20 or sum(rated) < 50:
            continue
        control, treatment = (corrected_arm(one).sums for one in arms)
        found = outcome_from_sums(control, treatment, kind=MetricKind.SCORE, guardrail=False, reading=reading)
        if isinstance(found, Estimate) and found.lower > 0:
            return True
    return False


def main() -> None:
    """Print one line per world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    runs = parser.parse_args().runs
    print("good  B's bad passed  rated   ships null  judge alone")
    for world in WORLDS:
        corrected, alone = (np.mean([ships(world, seed, corrected=c) for seed in range(runs)]) for c in (True, False))
        print(f"{world.good:.2f}  {world.kind_to_b:14.2f}  {world.rated:5.2f}  {corrected:10.3f}  {alone:11.3f}")


if __name__ == "__main__":
    main()
