"""The mean difference of a rated metric without one rater, from sums: one pass over the votes for each rater."""

from __future__ import annotations

import numpy as np

from experiments.results.comparisons.question import Question
from experiments.results.comparisons.rated import votes_between
from experiments.stats.clustered import Codes, Floats
from experiments.vocabulary import MetricKind

FEWEST_ITEMS = 3
NOBODY = -2
"""The code of no rater: with it nobody is left out."""


def means_without(question: Question, codes: Codes) -> list[tuple[float, float, int] | None]:
    """For each rater's code: mean over items, its variance and the number of items, without that rater.

    Variances are those of items, so they are compared with that of ``NOBODY`` left out. Votes between the variants are
    the treatment's share beyond a half; grades are differences on the same rows. None where fewer than three items are
    left, and for grades of different users, who keep their one rating.
    """
    if question.kind is MetricKind.PREFERENCE:
        items, raters, shares = votes_between(question)
        return [_of_votes(items[raters != code], shares[raters != code]) for code in codes]
    return [_of_grades(question, int(code)) for code in codes]


def _of_votes(items: Codes, shares: Floats) -> tuple[float, float, int] | None:
    _, position = np.unique(items, return_inverse=True)
    return _mean(np.bincount(position, weights=shares) / np.bincount(position) - 0.5)


def _of_grades(question: Question, without: int) -> tuple[float, float, int] | None:
    rows, means = question.values.rows, []
    for code in question.codes:
        mine = (rows.variant == code) & question.mask[rows.unit] & (rows.rater != without)
        count = np.bincount(rows.unit[mine], minlength=question.table.n_units)
        total = np.bincount(rows.unit[mine], weights=rows.value[mine], minlength=question.table.n_units)
        means.append(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))
    differences = means[1] - means[0]
    return _mean(differences[np.isfinite(differences)])


def _mean(values: Floats) -> tuple[float, float, int] | None:
    known = np.sort(values)
    n = len(known)
    return (float(known.mean()), float(known.var(ddof=1) / n), n) if n >= FEWEST_ITEMS else None
