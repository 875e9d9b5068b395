"""Whether live traffic can give the numbers that a plan decides on."""

from __future__ import annotations

from experiments.errors import BakeoffError
from experiments.loading.live.judging import refuse_unready
from experiments.loading.runs.blueprint import Blueprint
from experiments.plans.plan import Plan
from experiments.wording import metric_name
from storage.store import Transaction


def refuse_unanswered(tx: Transaction, blueprint: Blueprint) -> None:
    """Nothing when every metric that decides or limits gets values from live traffic.

    Raises:
        BakeoffError: ``not_measured_live``: people, or a scorer that needs a reference, would have to give it, and
            neither sees answers of live traffic; such a test would collect users and never decide.
            ``judge_not_ready``: a judge would have to give it that may not decide.
    """
    plan = blueprint.spec.plan
    lacking, judged = _lacking(blueprint), blueprint.judged_metrics()
    for name in deciding_metrics(plan):
        if name in judged:
            refuse_unready(tx, blueprint, name)
        elif name in lacking:
            raise BakeoffError(
                "not_measured_live",
                f"The plan needs '{metric_name(name)}', but {lacking[name]}.",
                "Let the plan decide on an outcome that the application reports, or on an automatic scorer.",
            )


def deciding_metrics(plan: Plan) -> list[str]:
    """The metrics that decide or limit."""
    return [name for name in plan.metric_names() if name not in plan.secondary or name == plan.primary.metric]


def _lacking(blueprint: Blueprint) -> dict[str, str]:
    """Why each metric without live values has none."""
    rated = {metric.name: "nobody rates answers of live traffic" for metric in blueprint.rated}
    scored = {
        scorer.metric: "answers of live traffic have no reference to compare with"
        for scorer in blueprint.scorers
        if "reference" in scorer.needs
    }
    return {**rated, **scored}
