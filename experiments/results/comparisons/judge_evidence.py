"""What an analysis is told of a judge, and the people's labels laid beside its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.judges.behaviour import Behaviour
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.raters import LEVELS
from experiments.results.comparisons.unit_table import MetricValues
from experiments.stats.agreement import Agreement, RatingMatrix, krippendorff_alpha
from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.judge_correction import Calibration
from experiments.vocabulary import MetricKind

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class JudgeEvidence:
    """What is known of a metric's judge. ``labels`` are people's values of the same outputs.

    ``labels`` has the columns ``variant, unit_id, value`` and may have ``rater_id``; None or empty means that nobody
    checked the judge. ``position_bias`` is the share of comparisons that change when the sides are swapped.
    ``behaviour`` is what its votes tell. ``texts`` has ``variant, unit_id, length`` (characters of the answer) and
    ``talked_to`` (whether it speaks to its judge).
    """

    metric: str
    judge: str
    labels: pd.DataFrame | None = None
    position_bias: float | None = None
    behaviour: Behaviour | None = None
    texts: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """Outputs that have both judgements, as columns of equal length; ``between_people`` is alpha among people."""

    variant: Codes
    unit: Codes
    human: Floats
    judge: Floats
    between_people: float | None


@dataclass(frozen=True, slots=True)
class Beside:
    """A judge laid beside people: its values in the study, their labels, and the calibration for yes and no."""

    study: Study
    evidence: JudgeEvidence
    values: MetricValues
    labels: Labels | None
    calibration: Calibration | None

    def rated(self, least: int) -> Labels | None:
        """The labels when there are that many."""
        return self.labels if self.labels is not None and len(self.labels.human) >= least else None

    def texts(self) -> Texts | None:
        """What is known of the answers' texts."""
        return texts_of(self.study, self.evidence)


@dataclass(frozen=True, slots=True)
class Texts:
    """Length in characters and whether it speaks to its judge, (variants × units); NaN and False where unknown."""

    length: Floats
    talked_to: Flags


def labels_of(study: Study, values: MetricValues, evidence: JudgeEvidence) -> Labels | None:
    """People's mean and the judge's value for every output that has both; None when nobody rated any."""
    if evidence.labels is None or not len(evidence.labels):
        return None
    import pandas as pd

    table = evidence.labels
    variant, unit = _cells(study, table)
    human = pd.to_numeric(table["value"], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = (variant >= 0) & (unit >= 0) & np.isfinite(human)
    rater = np.zeros(len(table), dtype=np.intp)
    if "rater_id" in table.columns:
        rater = pd.factorize(table["rater_id"])[0].astype(np.intp)
    cell = variant[known] * study.table.n_units + unit[known]
    order = np.lexsort((human[known], cell))
    cells, position = np.unique(cell[order], return_inverse=True)
    people = totals(position, human[known][order]) / np.bincount(position)
    where = (cells // study.table.n_units, cells % study.table.n_units)
    if values.definition.kind is MetricKind.BINARY:
        people = np.where(people == 0.5, np.nan, people > 0.5)
    judge = values.value[where]
    both = np.isfinite(judge) & np.isfinite(people)
    among = (
        krippendorff_alpha(
            RatingMatrix(position.astype(np.intp), rater[known][order], human[known][order]),
            LEVELS[values.definition.kind],
        )
        if values.definition.kind in LEVELS and len(position)
        else None
    )
    return Labels(
        where[0][both],
        where[1][both],
        people[both],
        judge[both],
        among.alpha.estimate if isinstance(among, Agreement) else None,
    )


def texts_of(study: Study, evidence: JudgeEvidence) -> Texts | None:
    """What is known of the answers' texts; repetitions of a unit become their mean length."""
    if evidence.texts is None or not len(evidence.texts):
        return None
    variant, unit = _cells(study, evidence.texts)
    known = (variant >= 0) & (unit >= 0)
    shape = (len(study.table.variants), study.table.n_units)
    cell = (variant * shape[1] + unit)[known]
    size = shape[0] * shape[1]
    counts = np.bincount(cell, minlength=size)
    lengths = np.bincount(cell, weights=evidence.texts["length"].to_numpy(float)[known], minlength=size)
    length = np.divide(lengths, counts, out=np.full(size, np.nan), where=counts > 0).reshape(shape)
    talked = np.bincount(cell, weights=evidence.texts["talked_to"].to_numpy(float)[known], minlength=size) > 0
    return Texts(length, talked.reshape(shape))


def _cells(study: Study, table: pd.DataFrame) -> tuple[Codes, Codes]:
    """Codes of variant and unit of each row, −1 where the analysis knows no such thing."""
    variants = {name: code for code, name in enumerate(study.table.variants)}
    units = {name: code for code, name in enumerate(study.table.unit_names)}
    variant = table["variant"].map(lambda name: variants.get(str(name), -1)).to_numpy(dtype=np.intp)
    unit = table["unit_id"].map(lambda name: units.get(str(name), -1)).to_numpy(dtype=np.intp)
    return variant, unit
