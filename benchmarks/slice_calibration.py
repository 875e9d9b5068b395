"""How well the test of slices and the pooled estimates hold, on slices with a known truth.

    python -m benchmarks.slice_calibration [--runs 2000]

Prints, for each number of slices and kind of row difference: how often equal slices are said to differ (nominal 5 %),
how often a pooled interval holds its slice's true effect when slices differ (nominal 95 %), how often the slice's own
does, and how much narrower the pooled one is. Slices of yes/no with few rows that differ are left out, as in results.
"""

from __future__ import annotations

import argparse

import numpy as np

from experiments.results.comparisons.slice_differences import FEWEST_DIFFERING
from experiments.stats.heterogeneity import heterogeneity, partially_pooled

LARGEST = {"graded": np.inf, "yes/no, one row in three differs": 1 / 3, "yes/no, one row in ten differs": 0.1}
DESIGNS = (
    ("graded", 3, 20, 60),
    ("graded", 6, 20, 60),
    ("graded", 12, 20, 200),
    ("yes/no, one row in three differs", 6, 20, 60),
    ("yes/no, one row in ten differs", 6, 60, 200),
)
TRUE_GAIN, TRUE_SPREAD = 0.05, 0.08


def main() -> None:
    """Run all designs and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print("| Rows | Slices | Said to differ % | Pooled holds % | Own holds % | Width pooled / own |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, slices, fewest, most in DESIGNS:
        rng = np.random.default_rng(slices)
        said, held, own, widths, made = 0, 0, 0, [], 0
        for _ in range(runs):
            said += _p_value(_measured(rng, kind, np.full(slices, TRUE_GAIN), fewest, most)) <= 0.05
            truth = np.clip(rng.normal(TRUE_GAIN, TRUE_SPREAD, slices), -LARGEST[kind], LARGEST[kind])
            y, se, _sizes, which = _measured(rng, kind, truth, fewest, most)
            if len(y) < 3:
                continue
            pooled = partially_pooled(y, se)
            made += len(y)
            for i, group in enumerate(pooled.groups):
                held += group.lower <= truth[which[i]] <= group.upper
                own += abs(y[i] - truth[which[i]]) <= 1.96 * se[i]
                widths.append((group.upper - group.lower) / (2 * 1.96 * se[i]))
        print(
            f"| {kind} | {slices} of {fewest} to {most} | {100 * said / runs:.1f} | {100 * held / made:.1f} "
            f"| {100 * own / made:.1f} | {np.mean(widths):.2f} |"
        )


def _measured(rng, kind, truth, fewest, most):
    """Estimates, standard errors, sizes and positions of the slices that have a spread."""
    found = []
    for i, gain in enumerate(truth):
        size = int(rng.integers(fewest, most))
        if kind == "graded":
            rows = rng.normal(gain, 0.4, size)
        else:
            differ = LARGEST[kind]
            rows = rng.choice([-1, 0, 1], size, p=[(differ - gain) / 2, 1 - differ, (differ + gain) / 2])
        error = rows.std(ddof=1) / size**0.5
        if error > 0 and (kind == "graded" or (error * size) ** 2 >= FEWEST_DIFFERING):
            found.append((rows.mean(), error, size, i))
    return [list(column) for column in zip(*found, strict=True)] if found else [[], [], [], []]


def _p_value(measured):
    y, se, n, _ = measured
    return heterogeneity(y, se, n).p_value if len(y) > 1 else 1.0


if __name__ == "__main__":
    main()
