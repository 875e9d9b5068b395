"""Are judges corrected honestly? Simulated experiments with a known truth, a judge with known errors, and few labels.

For each kind of judge: how often the 95 % interval of the corrected effect holds the true effect, how often that of the
raw effect does, how wide the corrected interval is against that of the people's labels alone, and how often an
experiment without any true effect ships because of the judge.

    python -m benchmarks.judge_calibration            # about three minutes
    python -m benchmarks.judge_calibration --quick    # about half a minute
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.plans.plan import MetricDefinition, Plan, PrimaryMetric
from experiments.results.analysis import Analysis, analyse
from experiments.results.comparisons.judge_evidence import JudgeEvidence
from experiments.results.decision import decide
from experiments.vocabulary import Direction, MetricKind, VerdictOutcome

ROWS, LABELLED = 300, 100
METRICS = {"m": MetricDefinition("m", MetricKind.BINARY, Direction.HIGHER)}


@dataclass(frozen=True, slots=True)
class SimulatedJudge:
    """Chances of saying yes to a good and to a bad answer, for the control and for the challenger."""

    name: str
    control: tuple[float, float]
    challenger: tuple[float, float]


JUDGES = (
    SimulatedJudge("good", (0.95, 0.05), (0.95, 0.05)),
    SimulatedJudge("mediocre", (0.85, 0.25), (0.85, 0.25)),
    SimulatedJudge("lenient", (0.97, 0.50), (0.97, 0.50)),
    SimulatedJudge("likes the challenger", (0.90, 0.10), (0.95, 0.45)),
    SimulatedJudge("dislikes the challenger", (0.95, 0.20), (0.70, 0.05)),
    SimulatedJudge("coin", (0.50, 0.50), (0.50, 0.50)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One simulated experiment; intervals are (lower, upper), None where there is none."""

    corrected: tuple[float, float] | None
    raw: tuple[float, float] | None
    people: tuple[float, float]
    shipped: bool


def simulate(judge: SimulatedJudge, *, effect: float, runs: int, seed: int = 0) -> Iterator[Outcome]:
    """Experiments of 300 paired rows, 100 of them rated; the challenger is truly better by ``effect``."""
    rng = np.random.default_rng(seed)
    plan = Plan(primary=PrimaryMetric(metric="m", smallest_effect=0.05))
    for _ in range(runs):
        hard = rng.normal(0, 1, ROWS)
        # one threshold per variant on a shared latent difficulty: rates 0.5 and 0.5 + effect, rows correlated
        truth = {
            name: (hard + rng.normal(0, 1, ROWS)) / 2**0.5 < _quantile(0.5 + shift)
            for name, shift in (("A", 0.0), ("B", effect))
        }
        said = {
            name: np.where(truth[name], *(rng.random(ROWS) < chance for chance in chances)).astype(float)
            for name, chances in (("A", judge.control), ("B", judge.challenger))
        }
        yield _outcome(plan, truth, said)


def _quantile(share: float) -> float:
    from scipy import stats

    return float(stats.norm.ppf(share))


def _outcome(plan: Plan, truth: dict[str, np.ndarray], said: dict[str, np.ndarray]) -> Outcome:
    units = [f"u{i}" for i in range(ROWS)]
    table = pd.concat(
        [pd.DataFrame({"variant": v, "unit_id": units, "metric": "m", "value": said[v]}) for v in said],
        ignore_index=True,
    )
    labels = pd.concat(
        [
            pd.DataFrame({"variant": v, "unit_id": units[:LABELLED], "value": truth[v][:LABELLED].astype(float)})
            for v in truth
        ],
        ignore_index=True,
    )
    analysis: Analysis = analyse(
        table, plan=plan, metrics=METRICS, control="A", judges=[JudgeEvidence("m", "m@1", labels)]
    )
    [primary] = analysis.overall("m")
    corrected = dict(analysis.judges[0].corrected).get("B")
    gap = truth["B"][:LABELLED].astype(float) - truth["A"][:LABELLED]
    half = 1.96 * gap.std(ddof=1) / LABELLED**0.5
    raw = (primary.lower, primary.upper) if primary.lower is not None and primary.upper is not None else None
    return Outcome(
        corrected=(corrected.lower, corrected.upper) if corrected else None,
        raw=raw,
        people=(float(gap.mean() - half), float(gap.mean() + half)),
        shipped=decide(plan, analysis).outcome is VerdictOutcome.SHIP,
    )


def coverage(outcomes: list[Outcome], which: str, truth: float) -> float:
    """Share of the intervals there are that hold the truth."""
    found = [interval for o in outcomes if (interval := getattr(o, which)) is not None]
    return sum(lower <= truth <= upper for lower, upper in found) / max(1, len(found))


def main() -> None:
    """Print one line per judge."""
    parser = argparse.ArgumentParser(description="Coverage of judge-corrected effects.")
    parser.add_argument("--quick", action="store_true")
    runs = 200 if parser.parse_args().quick else 1000
    print(f"{'judge':24} {'corrected':>10} {'raw':>6} {'there':>6} {'width':>6} {'ships null':>11}   ({runs} runs)")
    for judge in JUDGES:
        real = list(simulate(judge, effect=0.15, runs=runs, seed=1))
        null = list(simulate(judge, effect=0.0, runs=runs, seed=2))
        known = [o for o in real if o.corrected is not None]
        widths = [(o.corrected[1] - o.corrected[0]) / (o.people[1] - o.people[0]) for o in known if o.corrected]
        print(
            f"{judge.name:24} {coverage(real, 'corrected', 0.15):10.3f} {coverage(real, 'raw', 0.15):6.3f} "
            f"{len(known) / runs:6.2f} {np.mean(widths) if widths else float('nan'):6.2f} "
            f"{sum(o.shipped for o in null) / runs:11.3f}"
        )


if __name__ == "__main__":
    main()
