"""One metric on different users who come in clusters: teams, customers, classes."""

from __future__ import annotations

import numpy as np

from experiments.results.comparisons.arm_units import ArmUnits
from experiments.results.comparisons.question import Question, Study
from experiments.stats.arm_clusters import ClusteredArm, clustered_difference, clustered_placements
from experiments.stats.clustered import Codes
from experiments.stats.estimates import NotEstimable, Outcome
from experiments.stats.methods import Facts, Shape, choose
from experiments.vocabulary import Design, MetricKind


def assigned(study: Study, variant: str) -> int:
    """What the split drew for a variant: its clusters, where each met one variant only, else its users."""
    table = study.table
    mine = table.units_of(variant) & study.mask
    if table.clusters is None:
        return int(mine.sum())
    others = [table.units_of(name) & study.mask for name in table.variants if name != variant]
    own = np.unique(table.clusters[mine])
    met = [np.unique(table.clusters[other]) for other in others]
    crossed = any(len(np.intersect1d(own, other)) for other in met)
    return int(mine.sum()) if crossed else len(own)


def in_clusters(control: ArmUnits, treatment: ArmUnits) -> bool:
    """Whether some users share a cluster, inside a variant or across both."""
    if control.clusters is None or treatment.clusters is None:
        return False
    codes = np.concatenate((control.clusters, treatment.clusters))
    return len(np.unique(codes)) < len(codes)


def clustered_outcome(question: Question, control: ArmUnits, treatment: ArmUnits) -> Outcome:
    """The comparison with clusters as units; few of them are a named state that names the column."""
    codes, size, crossed = _codes(control, treatment)
    facts = Facts(
        design=Design.INDEPENDENT,
        kind=question.kind,
        aggregate="mean",
        shape=Shape.CLUSTERS,
        independent_units=min(len(np.unique(own)) for own in codes),
        watched=question.reading.sequential,
        guardrail=question.guardrail,
    )
    method = choose(facts)
    if isinstance(method, NotEstimable):
        return NotEstimable(method.state, f"the column cluster_id: {method.message}")
    arms = (control, treatment)
    values = [(arm.held.y, arm.held.n) for arm in arms]
    if question.kind is MetricKind.ORDINAL:
        first, second = ((values_of, own) for (values_of, _), own in zip(values, codes, strict=True))
        return clustered_placements(first, second, size=size, crossed=crossed, reading=question.reading)
    first_arm, second_arm = (ClusteredArm.of(y, n, own, size=size) for (y, n), own in zip(values, codes, strict=True))
    return clustered_difference(first_arm, second_arm, crossed=crossed, reading=question.reading)


def _codes(control: ArmUnits, treatment: ArmUnits) -> tuple[list[Codes], int, bool]:
    """Cluster codes 0 … G − 1 of each arm's units, their number, and whether a cluster met both variants."""
    held = [arm.clusters for arm in (control, treatment) if arm.clusters is not None]
    names, codes = np.unique(np.concatenate(held), return_inverse=True)
    cut = len(held[0])
    split = [codes[:cut].astype(np.intp), codes[cut:].astype(np.intp)]
    crossed = len(np.unique(split[0])) + len(np.unique(split[1])) > len(names)
    return split, len(names), crossed
