"""Whether live traffic can give the numbers that a plan decides on."""

from __future__ import annotations

from experiments.errors import BakeoffError
from experiments.loading.runs.blueprint import Blueprint
from experiments.wording import metric_name

JUDGES_ANSWER = False
"""Whether sampled answers of live traffic are put before judges."""


def refuse_unanswered(blueprint: Blueprint, *, judges_answer: bool = JUDGES_ANSWER) -> None:
    """Nothing when every metric that decides or limits gets values from live traffic.

    Raises:
        BakeoffError: ``not_measured_live``: a judge, people, or a scorer that needs a reference would have to give
            it, and none of them sees answers of live traffic. Such a test would collect users and never decide.
    """
    plan = blueprint.spec.plan
    needed = [name for name in plan.metric_names() if name not in plan.secondary or name == plan.primary.metric]
    lacking = _lacking(blueprint, judges_answer=judges_answer)
    for name in needed:
        if name in lacking:
            raise BakeoffError(
                "not_measured_live",
                f"The plan needs '{metric_name(name)}', but {lacking[name]}.",
                "Let the plan decide on an outcome that the application reports, or on an automatic scorer.",
            )


def _lacking(blueprint: Blueprint, *, judges_answer: bool) -> dict[str, str]:
    """Why each metric without live values has none."""
    rated = {metric.name: "nobody rates answers of live traffic" for metric in blueprint.rated}
    judged = dict.fromkeys(blueprint.judged_metrics(), "no judge is asked about answers of live traffic")
    scored = {
        scorer.metric: "answers of live traffic have no reference to compare with"
        for scorer in blueprint.scorers
        if "reference" in scorer.needs
    }
    return {**rated, **({} if judges_answer else judged), **scored}
