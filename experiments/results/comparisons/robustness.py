"""Would it survive? The deciding comparison without one cluster, rater or unit, and with missing rows gone badly.

Everything is computed from sums: leaving out each of ten thousand clusters costs one pass. Limits keep the distance in
standard errors that the shown interval has, so that the evidence as it stands gives that very interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.results.comparisons.contributions import Contributions, contributions_of
from experiments.results.comparisons.question import Question, Study
from experiments.results.comparisons.rated import votes_between
from experiments.results.comparisons.rater_sums import NOBODY, means_without
from experiments.results.comparisons.targets import Target
from experiments.stats.clustered import Codes, Floats
from experiments.stats.estimates import Comparison, number
from experiments.vocabulary import Direction, MetricKind
from experiments.wording import metric_name

MOST_RATERS = 60
"""Beyond this many raters one of them carries next to nothing, and each costs a pass over all votes."""
SIDES = {"treatment": "better", "control": "worse", "unclear": "unclear"}


@dataclass(frozen=True, slots=True)
class Variation:
    """The comparison under one other circumstance; ``better`` as in a comparison, ``turns`` whether that differs.

    ``name`` is what was left out (the one that matters most), ``tried`` how many were, ``turned`` how many turn it.
    """

    estimate: float
    lower: float
    upper: float
    better: str
    turns: bool
    name: str | None = None
    tried: int = 1
    turned: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        numbers = {key: number(getattr(self, key)) for key in ("estimate", "lower", "upper")}
        plain = {key: getattr(self, key) for key in ("better", "turns", "name", "tried", "turned")}
        return {**numbers, **plain}


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """What the deciding comparison of one challenger hangs on. A part is None where it does not apply.

    ``missing`` rows have no value for both variants; in the worst case each went as far against the present reading as
    the metric allows. ``needed`` is the smallest number of them that turns it so, None when all do not.
    """

    treatment: str
    missing: int = 0
    needed: int | None = None
    worst_case: Variation | None = None
    leave_one_cluster_out: Variation | None = None
    leave_one_rater_out: Variation | None = None
    without_largest_unit: Variation | None = None
    without_repeats: Variation | None = None
    sentence: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        parts = ("leave_one_cluster_out", "leave_one_rater_out", "without_largest_unit", "without_repeats")
        found = {name: getattr(self, name) for name in parts}
        return {
            "treatment": self.treatment,
            "missing": {
                "worst_case": None if self.worst_case is None else self.worst_case.to_json(),
                "tipping_point": {"missing": self.missing, "needed": self.needed},
            },
            **{name: None if part is None else part.to_json() for name, part in found.items()},
            "sentence": self.sentence,
        }


def robustness_of(study: Study, primary: Target, overall: Sequence[Comparison]) -> Robustness | None:
    """The robustness of the challenger that is furthest ahead; None where its comparison has no numbers.

    Percentiles, ranks of different users and ratios on the same rows are no sums; there is nothing of them.
    """
    mine = [c for c in overall if (c.metric, c.aggregate) == (primary.metric, primary.aggregate) and c.ok]
    mine = [c for c in mine if c.slice is None and c.standard_error and c.gain() is not None]
    if not mine or study.reading is None:
        return None
    chosen = max(mine, key=_gain)
    question = study.question(primary, chosen.treatment, reading=study.reading)
    if question is None or primary.aggregate != "mean":
        return None
    held = contributions_of(question, study.design)
    if held is None:
        return None
    return _Trial(chosen, held, question).result()


def _gain(comparison: Comparison) -> float:
    gain = comparison.gain()
    return -np.inf if gain is None else gain.estimate


@dataclass(frozen=True, slots=True)
class _Trial:
    """One comparison with what its clusters contribute."""

    comparison: Comparison
    held: Contributions
    question: Question

    def result(self) -> Robustness:
        """Every part, and the sentence on them."""
        worst, needed, missing = self._missing()
        parts = {
            "leave_one_cluster_out": self._without_each_cluster(),
            "leave_one_rater_out": self._without_each_rater(),
            "without_largest_unit": self._without_largest(),
            "without_repeats": self._without_repeats(),
        }
        treatment = self.comparison.treatment
        told = _sentence(self.comparison, parts, missing=missing, needed=needed, worst=worst)
        return Robustness(treatment=treatment, missing=missing, needed=needed, worst_case=worst, **parts, sentence=told)

    def _read(self, estimates: Floats, variances: Floats) -> tuple[Floats, Floats, Floats]:
        """Estimate and limits, at the distances in standard errors that the shown limits have."""
        c, now = self.comparison, self.held
        assert c.estimate is not None
        assert c.lower is not None
        assert c.upper is not None
        moved = estimates + (c.estimate - now.estimate)
        error = np.sqrt(np.maximum(variances, 0.0) / now.variance) if now.variance > 0 else np.zeros_like(variances)
        return moved, moved - (c.estimate - c.lower) * error, moved + (c.upper - c.estimate) * error

    def _better(self, lower: Floats, upper: Floats) -> Codes:
        """The side that each pair of limits shows: 1 treatment, −1 control, 0 unclear."""
        up, down = (lower > 0).astype(np.intp), (upper < 0).astype(np.intp)
        sides: Codes = up - down if self.comparison.direction is Direction.HIGHER else down - up
        return sides

    @property
    def _now(self) -> int:
        return {"treatment": 1, "control": -1}.get(self.comparison.better, 0)

    def _variation(
        self, estimates: Floats, variances: Floats, name_of: Callable[[int], str | None] | None
    ) -> Variation:
        """The one of many that matters most: one that turns the reading, else the one that moves it furthest."""
        moved, lower, upper = self._read(estimates, variances)
        better = self._better(lower, upper)
        turned = better != self._now
        turn = 1.0 if self.comparison.direction is Direction.HIGHER else -1.0
        against = turn * moved * (self._now or np.sign(turn * (self.comparison.estimate or 0.0)) or 1)
        worst = int(np.argmin(np.where(turned, -np.inf, 0.0) + np.where(turned, 0.0, against))) if len(moved) else 0
        if turned.any():
            among = np.flatnonzero(turned)
            worst = int(among[np.argmin(against[among])])
        alike = int((against[turned == turned[worst]] == against[worst]).sum())
        side = {1: "treatment", -1: "control", 0: "unclear"}[int(better[worst])]
        return Variation(
            float(moved[worst]),
            float(lower[worst]),
            float(upper[worst]),
            side,
            bool(turned[worst]),
            None if name_of is None or alike > 1 else name_of(worst),
            len(moved),
            int(turned.sum()),
        )

    def _without_each_cluster(self) -> Variation | None:
        table = self.question.table
        if table.clusters is None or self.held.fewest < 3:
            return None
        units = self.held.first_units()
        return self._variation(*self.held.without_each(), lambda place: f"of row {table.unit_names[units[place]]}")

    def _without_each_rater(self) -> Variation | None:
        question = self.question
        if not question.values.rated:
            return None
        raters = votes_between(question)[1] if question.kind is MetricKind.PREFERENCE else question.values.rows.rater
        codes = np.unique(raters[raters >= 0])
        if not 2 <= len(codes) <= MOST_RATERS:
            return None
        [with_all, *without] = means_without(question, np.array([NOBODY, *codes]))
        known = [(int(code), one) for code, one in zip(codes, without, strict=True) if one is not None]
        if not known or with_all is None:
            return None
        estimates, variances = (np.array([one[part] for _, one in known]) for part in (0, 1))
        if with_all[1] > 0:
            # variances of items are smaller than those of clusters; only how they change without a rater counts
            variances = variances * self.held.variance / with_all[1]
        return self._variation(estimates, variances, lambda place: self._rater(known[place][0]))

    def _rater(self, code: int) -> str:
        return f"rater {self.question.table.rater_names[code]}"

    def _without_largest(self) -> Variation | None:
        found = self.held.largest_unit()
        if found is None:
            return None
        unit, alone = found
        estimate, variance = self.held.without_unit(unit)
        name = self.question.table.unit_names[self.held.units[unit]] if alone else None
        beside = self.comparison.without_largest
        if beside is not None:
            # contributions are cut at a cap here, so what the unit moved is not its raw value
            interval = beside.interval
            side = int(self._better(np.array([interval.lower]), np.array([interval.upper]))[0])
            better = {1: "treatment", -1: "control", 0: "unclear"}[side]
            return Variation(interval.estimate, interval.lower, interval.upper, better, side != self._now, name)
        return self._variation(np.array([estimate]), np.array([variance]), lambda _: name)

    def _without_repeats(self) -> Variation | None:
        values = self.question.values
        if not (values.count[list(self.question.codes)] > 1).any() or (values.rows.repetition < 0).any():
            return None
        once = self.held.of_first_repetition(self.question)
        if once is None:
            return None
        return self._variation(np.array([once.estimate]), np.array([once.variance]), None)

    def _missing(self) -> tuple[Variation | None, int | None, int]:
        """Worst case, tipping point and number of missing rows.

        Source: Yan, Lee & Li (2009), J. Biopharm. Stat. 19, 1085–1098, the tipping-point analysis.
        """
        turn = 1.0 if self.comparison.direction is Direction.HIGHER else -1.0
        found: tuple[Variation | None, int | None, int] = (None, None, 0)
        for side in (self._now,) if self._now else (1, -1):
            steps = self.held.with_missing(self.question, against=-turn * side)
            if steps is None:
                return None, None, 0
            _, lower, upper = self._read(*steps)
            turned = np.flatnonzero(self._better(lower, upper) != self._now)
            needed = int(turned[0]) + 1 if len(turned) else None
            sooner = needed is not None and (found[1] is None or needed < found[1])
            if found[0] is None or sooner:
                found = (self._variation(steps[0][-1:], steps[1][-1:], None), needed, len(steps[0]))
        return found


def _sentence(
    comparison: Comparison,
    parts: dict[str, Variation | None],
    *,
    missing: int,
    needed: int | None,
    worst: Variation | None,
) -> str:
    """One sentence: what turns the reading, or that nothing tried does."""
    what = {
        "leave_one_cluster_out": ("without the cluster {}", "without any of several clusters"),
        "leave_one_rater_out": ("without {}", "without any of several raters"),
        "without_largest_unit": ("without the unit {}", "without one of the largest units"),
        "without_repeats": ("", "with one answer per row"),
    }
    turns = [
        f"{what[key][1] if part.name is None else what[key][0].format(part.name)} it would be {SIDES[part.better]}"
        for key, part in parts.items()
        if part is not None and part.turns
    ]
    if needed is not None:
        rows = f"{needed:,} of the {missing:,} missing rows"
        turns.append(f"it turns if {rows} had gone {'the other way' if comparison.better != 'unclear' else 'one way'}")
    metric, treatment = metric_name(comparison.metric), comparison.treatment
    subject = f"That {treatment} is {SIDES[comparison.better]} on {metric}"
    if comparison.better == "unclear":
        subject = f"That {metric} does not tell {treatment} from {comparison.control}"
    if turns:
        return f"{subject} hangs on little: {'; '.join(turns)}."
    tried = {
        "leave_one_cluster_out": "cluster",
        "leave_one_rater_out": "rater",
        "without_largest_unit": "unit",
    }
    single = [word for key, word in tried.items() if parts[key] is not None]
    told = [f"no single {' or '.join(single)} turns it"] if single else []
    if worst is not None:
        told.append(
            f"nor would its {missing:,} missing rows" if told else f"its {missing:,} missing rows do not turn it"
        )
    return f"{subject} would survive: {', '.join(told)}." if told else ""
