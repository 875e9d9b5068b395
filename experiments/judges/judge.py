"""A judge ready for many outputs: which calls one case needs, and what their answers come to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.errors import BakeoffError
from experiments.experiment_file import ScorerEntry
from experiments.judges.case import JudgeCase
from experiments.judges.fences import addresses_the_judge
from experiments.judges.instructions import judge_request
from experiments.judges.questions import metrics_of
from experiments.judges.spec import INSTRUCTIONS_VERSION, JudgeSpec, judge_spec
from experiments.judges.verdicts import Unreadable, read_verdicts
from experiments.judges.votes import JudgeVote, scores_of
from experiments.plans.plan import SYSTEM_METRICS, MetricDefinition
from experiments.scoring.binding import SIMILARITY, is_judge
from experiments.vocabulary import Request, Score


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """One call of one case. ``sample`` is the number of the repeat."""

    model: str
    swapped: bool
    sample: int
    request: Request


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge of an experiment. ``entry`` is what the author wrote, ``fingerprint`` all that shapes its verdicts."""

    spec: JudgeSpec
    entry: ScorerEntry
    metrics: tuple[MetricDefinition, ...]
    fingerprint: str
    version: str = INSTRUCTIONS_VERSION

    @property
    def metric(self) -> str:
        """The judge's own metric."""
        return self.spec.name

    def calls(self, case: JudgeCase) -> tuple[JudgeCall, ...]:
        """The calls that decide one case: models × repeats, and for pairs both orders."""
        return tuple(
            JudgeCall(model, swapped, sample, judge_request(self.spec, case, model=model, swapped=swapped))
            for model, sample, swapped in self.call_keys()
        )

    def lacking(self, case: JudgeCase) -> str | None:  # noqa: ARG002 - a model can judge an empty answer
        """Why a case cannot be judged at all, beside what its spec asks for."""
        return None

    def vote(self, call: JudgeCall, text: str) -> JudgeVote | Unreadable:
        """What a call's answer says, or why it says nothing."""
        found = read_verdicts(self.spec, text)
        return found if isinstance(found, Unreadable) else JudgeVote(call.model, call.swapped, call.sample, found)

    def scores(self, case: JudgeCase, votes: Sequence[JudgeVote], reasons: Sequence[str]) -> dict[str, Score]:
        """Metric → score of one case; ``reasons`` are why further calls gave no vote."""
        talked_to = addresses_the_judge(case.answer)
        return scores_of(self.spec, votes, missing=len(reasons), talked_to=talked_to)

    def call_keys(self) -> tuple[tuple[str, int, bool], ...]:
        """(model, repeat, whether the sides are swapped) of the calls that decide one case, in their order."""
        orders = (False, True) if self.spec.pairwise else (False,)
        return tuple(itertools.product(self.spec.jury, range(self.spec.repeats), orders))

    def calls_per_case(self) -> int:
        """How many calls decide one case."""
        return len(self.call_keys())


def bind_judge(entry: ScorerEntry) -> Judge:
    """The judge of an entry. Raises BakeoffError ``bad_judge``."""
    if entry == SIMILARITY or (isinstance(entry, dict) and SIMILARITY in entry):
        from experiments.judges.similarity import bind_similarity  # it is a judge itself

        return bind_similarity(entry)
    return bind_rubric_judge(entry)


def bind_rubric_judge(entry: ScorerEntry) -> Judge:
    """The judge of a ``judge:`` entry, which reads and writes words. Raises BakeoffError ``bad_judge``."""
    spec = judge_spec(entry)
    return Judge(spec, entry, metrics_of(spec), spec.fingerprint())


def bind_judges(entries: Iterable[ScorerEntry], *, taken: Iterable[str] = ()) -> tuple[Judge, ...]:
    """The judges among the entries of ``scorers:``, in order; ``taken`` are metric names that others have.

    Raises:
        BakeoffError: ``bad_judge``, or ``duplicate_metric`` when two metrics would have the same name.
    """
    used = {*SYSTEM_METRICS, *taken}
    judges = []
    for entry in entries:
        if not is_judge(entry):
            continue
        judge = bind_judge(entry)
        for metric in judge.metrics:
            if metric.name in used:
                raise BakeoffError(
                    "duplicate_metric", f"Two metrics are called '{metric.name}'.", "Give one of them another 'name'."
                )
            used.add(metric.name)
        judges.append(judge)
    return tuple(judges)
