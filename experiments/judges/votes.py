"""The votes of a judge on one case → its scores: both orders of a pair, several models, several repeats."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.judges.questions import FIRST, SECOND, answers_of, criterion_metric
from experiments.judges.spec import JudgeSpec
from experiments.judges.verdicts import WHOLE, Finding
from experiments.scoring.reasons import one_line
from experiments.vocabulary import MetricKind, Score


@dataclass(frozen=True, slots=True)
class JudgeVote:
    """What one call found: by which model, with the sides swapped or not, in which repeat."""

    model: str
    swapped: bool
    sample: int
    findings: dict[str, Finding]


def scores_of(
    spec: JudgeSpec, votes: Sequence[JudgeVote], *, missing: int = 0, talked_to: bool = False
) -> dict[str, Score]:
    """Metric → score of one case. ``missing`` calls gave no verdict; ``talked_to``: the answer speaks to its judge.

    A model's verdict is the one that most of its repeats gave, the jury's the one that most models gave; where they
    are split, the first asked counts. Grades are the median, other numbers the mean. A pair is decided only where both
    orders name the same answer; else it is a tie. Without any vote there is no value.
    """
    if spec.pairwise:
        return {spec.name: _pair_score(votes, missing=missing, talked_to=talked_to)}
    if not spec.criteria:
        return {spec.name: _score(spec, WHOLE, votes, missing=missing, talked_to=talked_to)}
    single = {name: _score(spec, name, votes, missing=missing, talked_to=talked_to) for name in spec.criteria}
    known = [score.value for score in single.values() if score.value is not None]
    short = [f"{name}: {score.reason}" for name, score in single.items() if score.value is not None and score.reason]
    whole = Score(
        statistics.fmean(known) if len(known) == len(single) else None,
        one_line("; ".join(short)) if known else next(iter(single.values())).reason,
        {"criteria": {name: score.value for name, score in single.items()}, **_noted(missing, talked_to)},
    )
    return {spec.name: whole, **{criterion_metric(spec, name): score for name, score in single.items()}}


def _score(spec: JudgeSpec, criterion: str, votes: Sequence[JudgeVote], *, missing: int, talked_to: bool) -> Score:
    findings = [(vote, vote.findings[criterion]) for vote in votes]
    if not findings:
        return no_verdict("the judge gave no verdict", missing=missing)
    kind = answers_of(spec).kind
    by_model = [
        _agreed([finding.value for vote, finding in findings if vote.model == model], kind)
        for model in dict.fromkeys(vote.model for vote in votes)
    ]
    value = _agreed(by_model, kind)
    told = next((f for _, f in findings if f.value == value), findings[0][1])
    details = {
        "word": told.word,
        "votes": [
            {"model": vote.model, "sample": vote.sample, "value": finding.value, "reason": finding.reason}
            for vote, finding in findings
        ],
        **_noted(missing, talked_to),
    }
    return Score(value, told.reason, details)


def _agreed(values: Sequence[float], kind: MetricKind) -> float:
    if kind is MetricKind.ORDINAL:
        return float(statistics.median_low(values))
    if kind is MetricKind.SCORE:
        return statistics.fmean(values)
    # most_common keeps the order of first appearance among equals, so a split is decided by the first asked
    return Counter(values).most_common(1)[0][0]


def _pair_score(votes: Sequence[JudgeVote], *, missing: int, talked_to: bool) -> Score:
    pairs = paired_orders(votes)
    if not pairs:
        return no_verdict("the judge did not answer in both orders", missing=missing)
    shares = [_share(given, swapped) for given, swapped in pairs]
    value = _pair_value([0.5 if share is None else share for share in shares])
    steady = any(share is not None for share in shares)
    shown = pairs[0][0].findings[WHOLE]
    reason = shown.reason if steady else "the judge chose by position: swapped, it named the other answer"
    details = {
        "votes": [
            {
                "model": given.model,
                "sample": given.sample,
                "given": given.findings[WHOLE].word,
                "swapped": swapped.findings[WHOLE].word,
                "value": share,
                "reason": given.findings[WHOLE].reason,
            }
            for (given, swapped), share in zip(pairs, shares, strict=True)
        ],
        **_noted(missing, talked_to),
    }
    return Score(value, reason, details)


def paired_orders(votes: Sequence[JudgeVote]) -> list[tuple[JudgeVote, JudgeVote]]:
    """(as given, swapped) of every model and repeat that answered in both orders."""
    by_key = {(vote.model, vote.sample, vote.swapped): vote for vote in votes}
    return [
        (vote, by_key[model, sample, True])
        for (model, sample, swapped), vote in by_key.items()
        if not swapped and (model, sample, True) in by_key
    ]


def _share(given: JudgeVote, swapped: JudgeVote) -> float | None:
    """The share of the answer under test: 1 preferred, 0 not, 0.5 tie; None when the orders contradict each other."""
    words = given.findings[WHOLE].word, swapped.findings[WHOLE].word
    # as given the answer under test stands second, swapped it stands first
    if words == (SECOND, FIRST):
        return 1.0
    if words == (FIRST, SECOND):
        return 0.0
    return None if words[0] == words[1] and words[0] in (FIRST, SECOND) else 0.5


def _pair_value(shares: Sequence[float]) -> float:
    mean = statistics.fmean(shares)
    return 1.0 if mean > 0.5 else 0.0 if mean < 0.5 else 0.5


def no_verdict(reason: str, *, missing: int = 0) -> Score:
    """The score of a case that no call decided; it is asked again when the judge is applied again."""
    return Score(None, one_line(reason), {"unjudged": True, **_noted(missing, talked_to=False)})


def _noted(missing: int, talked_to: bool) -> dict[str, Any]:
    return {**({"missing": missing} if missing else {}), **({"talked_to": True} if talked_to else {})}
