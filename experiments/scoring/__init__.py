"""What "good" means, as code: one file per scorer, found by being there.

A scorer is a plain function of a ``ScoringContext``; its keyword-only parameters are its options. ``bind`` turns an
entry of an experiment file into a ``BoundScorer``, which never raises. Adding a scorer is a file here and its test.
"""

from experiments.scoring.binding import bind, bind_all, is_judge
from experiments.scoring.bound_scorer import BoundScorer
from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import describe_all, scorer
from experiments.vocabulary import Direction, MetricKind, Score

__all__ = [
    "BoundScorer",
    "Direction",
    "MetricKind",
    "Score",
    "ScoringContext",
    "bind",
    "bind_all",
    "describe_all",
    "is_judge",
    "scorer",
]
