"""The one place that chooses: design × metric × shape and size of the data → method. Read it as a table.

The first row that fits is taken. ``at_least`` and ``at_most`` count independent units: rows, clusters, items,
or users of the smaller arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from experiments.stats.estimates import NotEstimable, State
from experiments.vocabulary import Design, MetricKind


class Shape(StrEnum):
    """What one independent unit brings."""

    YES_NO = "one yes or no per row"
    ROWS = "graded values or repeats per row"
    CLUSTERS = "rows inside clusters"
    ONE_VOTE = "one vote per item"
    VOTES = "several votes per item"
    USERS = "one value per user"
    REQUESTS = "several requests per user"
    BEFORE = "one value per user, and one from before"
    REQUESTS_BEFORE = "several requests per user, and values from before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the choice depends on. ``even``: values not very skewed, clusters not very unequal."""

    design: Design
    kind: MetricKind
    aggregate: str
    shape: Shape
    independent_units: int
    watched: bool = False
    guardrail: bool = False
    even: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row of the table; None fits anything. ``name`` stands in every result that the method made."""

    name: str
    design: Design
    kinds: tuple[MetricKind, ...]
    shapes: tuple[Shape, ...]
    aggregate: str = "mean"
    watched: bool = False
    guardrail: bool | None = None
    even: bool | None = None
    at_least: int
    at_most: int | None = None
    estimate: str
    test: str
    interval: str

    def fits(self, facts: Facts) -> bool:
        """Whether everything but the size fits."""
        return (
            self.design is facts.design
            and facts.kind in self.kinds
            and facts.shape in self.shapes
            and self.aggregate == facts.aggregate
            and self.watched == facts.watched
            and self.guardrail in {None, facts.guardrail}
            and self.even in {None, facts.even}
        )


_K = MetricKind
_P, _I = Design.PAIRED, Design.INDEPENDENT
_NUMBERS = (_K.SCORE, _K.BINARY, _K.ORDINAL, _K.COST, _K.LATENCY)
_ALL = (*_NUMBERS, _K.RATIO, _K.PREFERENCE)
_MEAN = "mean over rows of treatment − control"
_RATES = "rate − rate"
_ACS = "asymptotic confidence sequence"
_BOTH = (_P, _I)

METHODS: tuple[Method, ...] = (
    *(
        Method(
            name="quantile_always_valid" if watched else "quantile_cluster_bootstrap",
            design=design,
            kinds=_NUMBERS,
            shapes=tuple(Shape),
            aggregate=aggregate,
            watched=watched,
            at_least=size,
            estimate="difference of percentiles",
            test="read from the interval",
            interval=f"{_ACS} with bootstrap error" if watched else "percentiles of 10,000 cluster resamples",
        )
        for watched in (False, True)
        for design in _BOTH
        for aggregate, size in (("p50", 20), ("p95", 200))
    ),
    Method(
        name="paired_ratio",
        design=_P,
        kinds=(_K.RATIO,),
        shapes=(Shape.ROWS, Shape.CLUSTERS),
        at_least=15,
        estimate="total / total, difference",
        test="t on linearised rows",
        interval="the same, clusters − 1 df",
    ),
    Method(
        name="paired_ratio",
        design=_P,
        kinds=(_K.RATIO,),
        shapes=(Shape.ROWS, Shape.CLUSTERS),
        watched=True,
        at_least=30,
        estimate="total / total, difference",
        test="always-valid p",
        interval=f"{_ACS} on linearised rows",
    ),
    Method(
        name="paired_betting",
        design=_P,
        kinds=(_K.BINARY, _K.PREFERENCE),
        shapes=(Shape.YES_NO, Shape.ROWS, Shape.ONE_VOTE),
        watched=True,
        at_least=1,
        estimate=_MEAN,
        test="exact always-valid p (1 / capital of a mixture of bets)",
        interval="all means that the bets have not refuted",
    ),
    Method(
        name="paired_always_valid",
        design=_P,
        kinds=(*_NUMBERS, _K.PREFERENCE),
        shapes=tuple(Shape),
        watched=True,
        at_least=30,
        estimate=_MEAN,
        test="always-valid p (1 / e-value)",
        interval=f"{_ACS}, clusters as units",
    ),
    Method(
        name="sign_test",
        design=_P,
        kinds=(_K.PREFERENCE,),
        shapes=(Shape.ONE_VOTE,),
        at_least=6,
        estimate="win rate with half ties − 50 %",
        test="exact sign test on the votes that are no tie",
        interval="t on items",
    ),
    Method(
        name="mcnemar_tango",
        design=_P,
        kinds=(_K.BINARY,),
        shapes=(Shape.YES_NO,),
        guardrail=True,
        at_least=6,
        estimate=_RATES,
        test="McNemar mid-p; asymptotic from 1,000 discordant rows",
        interval="Tango's score interval",
    ),
    Method(
        name="mcnemar_newcombe",
        design=_P,
        kinds=(_K.BINARY,),
        shapes=(Shape.YES_NO,),
        guardrail=False,
        at_least=6,
        estimate=_RATES,
        test="McNemar mid-p; asymptotic from 1,000 discordant rows",
        interval="Newcombe square-and-add with correlation (method 10)",
    ),
    Method(
        name="sign_flip",
        design=_P,
        kinds=(_K.ORDINAL,),
        shapes=(Shape.ROWS,),
        at_least=6,
        at_most=2000,
        estimate=_MEAN,
        test="sign flips; all of them up to 16 rows, else 10,000",
        interval="the shifts that the flips do not reject",
    ),
    Method(
        name="paired_t",
        design=_P,
        kinds=(*_NUMBERS, _K.PREFERENCE),
        shapes=(Shape.ROWS, Shape.VOTES),
        even=True,
        at_least=20,
        estimate=_MEAN,
        test="t on row differences",
        interval="the same, rows − 1 df",
    ),
    Method(
        name="t_and_sign_flip",
        design=_P,
        kinds=(*_NUMBERS, _K.PREFERENCE),
        shapes=(Shape.ROWS, Shape.VOTES),
        at_least=20,
        estimate=_MEAN,
        test="very skewed: the larger p of t and sign flips",
        interval="the span of both",
    ),
    Method(
        name="sign_flip",
        design=_P,
        kinds=(*_NUMBERS, _K.PREFERENCE),
        shapes=(Shape.ROWS, Shape.VOTES),
        at_least=6,
        estimate=_MEAN,
        test="sign flips; all of them up to 16 rows, else 10,000",
        interval="the shifts that the flips do not reject",
    ),
    Method(
        name="paired_cluster_t",
        design=_P,
        kinds=(*_NUMBERS, _K.PREFERENCE),
        shapes=(Shape.CLUSTERS,),
        even=True,
        at_least=15,
        estimate=_MEAN,
        test="cluster-robust t (CR1)",
        interval="the same, clusters − 1 df",
    ),
    Method(
        name="cluster_t_and_sign_flip",
        design=_P,
        kinds=(*_NUMBERS, _K.PREFERENCE),
        shapes=(Shape.CLUSTERS,),
        at_least=6,
        estimate=_MEAN,
        test="the larger p of cluster-robust t and sign flips of whole clusters",
        interval="the span of both",
    ),
    Method(
        name="boschloo_newcombe",
        design=_I,
        kinds=(_K.BINARY,),
        shapes=(Shape.YES_NO,),
        at_least=6,
        at_most=29,
        estimate=_RATES,
        test="Boschloo's exact test",
        interval="Newcombe hybrid score (method 10)",
    ),
    Method(
        name="score_miettinen_nurminen",
        design=_I,
        kinds=(_K.BINARY,),
        shapes=(Shape.YES_NO,),
        guardrail=True,
        at_least=30,
        estimate=_RATES,
        test="score z with N/(N − 1)",
        interval="Miettinen–Nurminen",
    ),
    Method(
        name="score_newcombe",
        design=_I,
        kinds=(_K.BINARY,),
        shapes=(Shape.YES_NO,),
        guardrail=False,
        at_least=30,
        estimate=_RATES,
        test="score z with N/(N − 1)",
        interval="Newcombe hybrid score (method 10)",
    ),
    *(
        Method(
            name=name,
            design=_I,
            kinds=kinds,
            shapes=(Shape.CLUSTERS,),
            watched=watched,
            at_least=15 if watched else 6,
            estimate=estimate,
            test="always-valid p" if watched else "t on the jackknife over clusters",
            interval=f"{_ACS}, clusters left out in turn" if watched else "the same, effective clusters − 1 df",
        )
        for watched in (False, True)
        for name, kinds, estimate in (
            ("cluster_jackknife_t", (_K.SCORE, _K.BINARY, _K.RATIO, _K.COST, _K.LATENCY), "total / total, difference"),
            ("cluster_placements_t", (_K.ORDINAL,), "P(treatment higher) + half P(tie) − 50 %"),
        )
    ),
    Method(
        name="brunner_munzel_permutation",
        design=_I,
        kinds=(_K.ORDINAL,),
        shapes=(Shape.USERS,),
        at_least=6,
        at_most=9,
        estimate="P(treatment higher) + half P(tie) − 50 %",
        test="Brunner–Munzel's statistic, 10,000 permutations of the users",
        interval="the same, permutation quantile",
    ),
    Method(
        name="brunner_munzel",
        design=_I,
        kinds=(_K.ORDINAL,),
        shapes=(Shape.USERS,),
        at_least=10,
        estimate="P(treatment higher) + half P(tie) − 50 %",
        test="Brunner–Munzel",
        interval="the same, Satterthwaite df",
    ),
    Method(
        name="brunner_munzel",
        design=_I,
        kinds=(_K.ORDINAL,),
        shapes=(Shape.USERS,),
        watched=True,
        at_least=30,
        estimate="P(treatment higher) + half P(tie) − 50 %",
        test="always-valid p",
        interval=f"{_ACS} on placements",
    ),
    *(
        Method(
            name=name,
            design=_I,
            kinds=kinds,
            shapes=(shape,),
            watched=watched,
            at_least=50,
            estimate=f"total / total per arm{adjusted}, difference",
            test="always-valid p" if watched else "Welch t with delta-method variance over users",
            interval=f"{_ACS} on users" if watched else "the same, Satterthwaite df",
        )
        for watched in (False, True)
        for name, shape, kinds, adjusted in (
            ("cuped_ratio", Shape.REQUESTS_BEFORE, (_K.BINARY, _K.RATIO), " adjusted for values from before"),
            ("delta_ratio", Shape.REQUESTS, (_K.BINARY, _K.RATIO, _K.COST, _K.LATENCY), ""),
        )
    ),
    *(
        Method(
            name=name,
            design=_I,
            kinds=(_K.SCORE, _K.COST, _K.LATENCY, _K.BINARY),
            shapes=(shape,),
            watched=watched,
            at_least=30,
            estimate=estimate,
            test="always-valid p" if watched else "Welch t",
            interval=_ACS if watched else "Welch t",
        )
        for watched in (False, True)
        for name, shape, estimate in (
            ("cuped_welch_t", Shape.BEFORE, "difference of means adjusted for the value from before"),
            ("welch_t", Shape.USERS, "difference of means over users"),
            ("welch_t", Shape.YES_NO, _RATES),
        )
    ),
)


def choose(facts: Facts) -> Method | NotEstimable:
    """The first method of the table that fits, or why there is none."""
    fitting = [method for method in METHODS if method.fits(facts)]
    for method in fitting:
        if facts.independent_units >= method.at_least and facts.independent_units <= (method.at_most or 10**12):
            return method
    if not fitting:
        return NotEstimable(State.NEEDS_ROWS, f"{facts.kind} has no {facts.aggregate} for {facts.shape}")
    needed = min(method.at_least for method in fitting)
    state = State.TOO_FEW_CLUSTERS if facts.shape is Shape.CLUSTERS else State.TOO_FEW_UNITS
    return NotEstimable(state, f"{facts.independent_units} independent units are not enough; {needed} are needed")


def methods_table_markdown() -> str:
    """The table as Markdown, one line per row, for the documentation."""
    head = "| Design | Metric | Value | Read | Units | Method | Estimate | Test | Interval |"
    lines = [head, "|" + " --- |" * 9]
    lines += [_line(method) for method in METHODS]
    return "\n".join(lines) + "\n"


def _line(method: Method) -> str:
    kinds = "any" if method.kinds == _ALL else ", ".join(method.kinds)
    shapes = "any" if method.shapes == tuple(Shape) else "; ".join(method.shapes)
    role = {None: "", True: " (guardrail)", False: " (not a guardrail)"}[method.guardrail]
    size = f"{method.at_least} or more" if method.at_most is None else f"{method.at_least} to {method.at_most}"
    cells = (
        method.design,
        kinds + role,
        f"{method.aggregate}: {shapes}",
        "at any time" if method.watched else "once",
        size + (", even" if method.even else ""),
        f"`{method.name}`",
        method.estimate,
        method.test,
        method.interval,
    )
    return "| " + " | ".join(cells) + " |"
