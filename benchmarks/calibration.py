"""Does the engine keep its promises? Simulated experiments with a known truth, through the same door as real ones.

For every design: how often a difference is claimed where there is none (nominal 5 %, two-sided), how often the 95 %
interval holds the true difference, how often a real difference is found, and how wide the interval is compared with
1.96 true standard errors to each side (what somebody would draw who knew the spread). The last column is the false
positive rate of the analysis that is usually done instead.

    python -m benchmarks.calibration                 # about an hour of one core
    python -m benchmarks.calibration --share 0.1     # a quick look
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.calibration_designs import SCENARIOS, Scenario
from experiments.plans.plan import MetricDefinition
from experiments.results.analysis import Analysis, analyse
from experiments.results.comparisons.judges import JudgeEvidence
from experiments.results.peeking import Look
from experiments.vocabulary import Direction


@dataclass
class Tally:
    """What the runs of one scenario came to."""

    claims: int = 0
    runs: int = 0
    covered: int = 0
    found: int = 0
    naive: list[bool] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    estimates: list[float] = field(default_factory=list)
    skipped: int = 0


# --- running them ---------------------------------------------------------------------------------------------------


def analysed(scenario: Scenario, table: pd.DataFrame, seed: int, looks: tuple[Look, ...] = ()) -> Analysis:
    definition = MetricDefinition("m", scenario.kind, Direction.HIGHER, "score")
    judges: tuple[JudgeEvidence, ...] = ()
    if scenario.judged:
        labels = table[table["human"].notna()].drop(columns="value").rename(columns={"human": "value"})
        judges = (JudgeEvidence("m", "judge", labels),)
    return analyse(
        table,
        plan=scenario.plan(),
        metrics={"m": definition},
        control="A",
        seed=seed,
        looks=looks,
        judges=judges,
        **scenario.options,
    )


def watched(scenario: Scenario, table: pd.DataFrame, seed: int) -> tuple[Analysis, bool, bool]:
    """The last reading, whether any look claimed a difference, and whether any plain t-test did."""
    number = table["unit_id"].str[1:].astype(int)
    history: tuple[Look, ...] = ()
    claimed = naive = False
    for size in scenario.looks:
        part = table[number < size]
        found = analysed(scenario, part, seed, history)
        comparison = found.comparisons[0]
        claimed |= comparison.better != "unclear"
        if comparison.lower is not None and found.shows_effects:
            history = (*history, found.as_look())
        by_variant = [part.loc[part["variant"] == v, "value"].to_numpy() for v in "AB"]
        test = stats.ttest_ind if scenario.options else stats.ttest_rel
        naive |= bool(test(*by_variant).pvalue < 0.05)
    return found, claimed, naive


def run(scenario: Scenario, *, runs: int, seed: int) -> tuple[Tally, Tally]:
    """Tallies without and with the effect."""
    tallies = []
    for effect in (0.0, scenario.effect):
        truth, tally = scenario.truth(effect), Tally()
        for index in range(runs):
            rng = np.random.default_rng([seed, index, int(effect > 0)])
            table, naive_p = scenario.draw(rng, effect)
            if scenario.looks:
                found, claimed, naive = watched(scenario, table, index)
                tally.naive.append(naive)
            else:
                found = analysed(scenario, table, index)
                claimed = any(c.better != "unclear" for c in found.comparisons if c.slice is None)
                if naive_p is not None:
                    tally.naive.append(naive_p < 0.05)
            if scenario.judged:
                add_corrected(tally, found, truth)
            else:
                add(tally, found, claimed, truth)
        tallies.append(tally)
    return tallies[0], tallies[1]


def add(tally: Tally, found: Analysis, claimed: bool, truth: float) -> None:
    first = found.comparisons[0]
    tally.runs += 1
    if first.estimate is None or first.lower is None or first.upper is None:
        tally.skipped += 1
        return
    tally.claims += claimed
    tally.covered += first.lower <= truth <= first.upper
    tally.found += first.better == "treatment" or (claimed and found.sequential and first.estimate > 0)
    tally.widths.append(first.upper - first.lower)
    tally.estimates.append(first.estimate)


def add_corrected(tally: Tally, found: Analysis, truth: float) -> None:
    """The same of the difference that people's answers have put right; a judge beyond correction is skipped."""
    tally.runs += 1
    if not found.judges[0].corrected:
        tally.skipped += 1
        return
    interval = found.judges[0].corrected[0][1]
    tally.claims += interval.lower > 0 or interval.upper < 0
    tally.covered += interval.lower <= truth <= interval.upper
    tally.found += interval.lower > 0
    tally.widths.append(interval.upper - interval.lower)
    tally.estimates.append(interval.estimate)


def line(scenario: Scenario, null: Tally, real: Tally) -> str:
    ideal = 2 * 1.959964 * float(np.std(real.estimates))
    naive = f"{100 * np.mean(null.naive):.1f}" if null.naive else "–"
    cells = [
        scenario.name,
        str(null.runs),
        f"{100 * null.claims / null.runs:.1f}",
        f"{100 * (null.covered + real.covered) / (null.runs + real.runs - null.skipped - real.skipped):.1f}",
        f"{100 * real.found / real.runs:.0f}",
        f"{float(np.mean(real.widths)) / ideal:.2f}",
        naive,
    ]
    return "| " + " | ".join(cells) + " |"


HEAD = ("Design", "Runs", "False positives %", "Coverage %", "Power %", "Width ratio", "Naive false positives %")


def report(scenarios: Iterable[Scenario], *, share: float, seed: int) -> Iterator[str]:
    """The lines of the Markdown table, each as soon as it is known."""
    yield "| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD)
    for scenario in scenarios:
        started = time.perf_counter()
        null, real = run(scenario, runs=max(20, int(scenario.runs * share)), seed=seed)
        yield line(scenario, null, real)
        print(f"{scenario.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="part of the runs; 0.1 for a quick look")
    parser.add_argument("--after", type=int, default=0, help="how many of the designs to leave out, from the first on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios whose name holds this text")
    given = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS[given.after :] if given.only in scenario.name]
    command = "python -m benchmarks.calibration" + "".join(f" {argument}" for argument in sys.argv[1:])
    print(f"`{command}`\n")
    for text in report(chosen, share=given.share, seed=given.seed):
        print(text, flush=True)


if __name__ == "__main__":
    main()
