"""Votes and ratings of people, reduced to items: what each rater said counts inside the item, never as a row."""

from __future__ import annotations

import numpy as np

from experiments.results.comparisons.question import Question
from experiments.stats import votes
from experiments.stats.clustered import Codes, Floats
from experiments.stats.crossed_raters import CrossedVotes, rater_model
from experiments.stats.estimates import Estimate
from experiments.vocabulary import MetricKind


def votes_between(question: Question) -> tuple[Codes, Codes, Floats]:
    """Item, rater and the treatment's share (1 preferred, 0.5 tie, 0 not) of every vote against the control."""
    control, treatment = question.codes
    rows = question.values.rows
    mine = (rows.variant == treatment) & (rows.opponent == control) & question.mask[rows.unit]
    return rows.unit[mine], rows.rater[mine], rows.value[mine]


def item_votes(question: Question) -> tuple[Codes, Floats, Floats]:
    """Items, the treatment's share of each item's votes, and how many votes each has."""
    items, _, share = votes_between(question)
    units, position = np.unique(items, return_inverse=True)
    counts = np.bincount(position, minlength=len(units)).astype(np.float64)
    totals = np.bincount(position, weights=share, minlength=len(units))
    return units, totals / np.maximum(counts, 1), counts


def with_raters(found: Estimate, question: Question) -> Estimate:
    """The error for raters in general from six raters on, beside the result for these raters (in ``details``)."""
    if not question.values.rated or question.aggregate != "mean":
        return found
    model = None
    n_raters = len(np.unique(question.values.rows.rater[question.values.rows.rater >= 0]))
    if n_raters >= votes.RATERS_TO_GENERALISE:
        model = rater_model(rater_votes(question), reading=question.reading)
    return votes.for_raters_in_general(found, model, n_raters=n_raters, reading=question.reading)


def rater_votes(question: Question) -> CrossedVotes:
    """Every vote on the two variants with its item and rater: votes between them, else ratings of either's outputs."""
    if question.kind is MetricKind.PREFERENCE:
        items, raters, share = votes_between(question)
        return CrossedVotes(items, raters, share - 0.5)
    rows, (_, b) = question.values.rows, question.codes
    own = np.isin(rows.variant, question.codes) & question.mask[rows.unit] & (rows.rater >= 0)
    return CrossedVotes(rows.unit[own], rows.rater[own], rows.value[own], (rows.variant[own] == b).astype(np.float64))


def differences_by_rater(question: Question) -> tuple[Codes, Codes, Floats]:
    """Items, raters and differences, where the same rater judged both variants of the item."""
    rows, (a, b) = question.values.rows, question.codes
    n_raters = int(rows.rater.max()) + 1
    means = []
    for code in (a, b):
        chosen = (rows.variant == code) & question.mask[rows.unit] & (rows.rater >= 0)
        key = rows.unit[chosen] * n_raters + rows.rater[chosen]
        keys, position = np.unique(key, return_inverse=True)
        means.append((keys, np.bincount(position, weights=rows.value[chosen]) / np.bincount(position)))
    (keys_a, mean_a), (keys_b, mean_b) = means
    both, at_a, at_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
    return both // n_raters, both % n_raters, mean_b[at_b] - mean_a[at_a]
