"""Judges of live answers: which may decide, what they see of a sampled answer, and how much they may cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec
from experiments.judges import JUDGE, Judge, JudgeCase, bind_judge
from experiments.loading.judging.judges import judge_label
from experiments.loading.runs.blueprint import Blueprint
from experiments.loading.runs.prices import price_book
from experiments.vocabulary import MetricKind
from experiments.wording import metric_name
from storage.store import Transaction

DEFAULT_BUDGET_USD = 5.0
"""What the judges of a live test may cost where ``limits: judge_budget_usd`` says nothing else."""


def judge_budget(spec: ExperimentSpec) -> float:
    """US dollars that the judges of a live test may cost in one phase."""
    own = spec.limits.judge_budget_usd
    return DEFAULT_BUDGET_USD if own is None else own


def live_judges(blueprint: Blueprint) -> tuple[Judge, ...]:
    """The judges that can judge answers of live traffic."""
    return tuple(judge for judge in blueprint.judges if cannot_judge(judge) is None)


def cannot_judge(judge: Judge) -> str | None:
    """Why a judge has nothing to go by in live traffic, or None."""
    if judge.spec.pairwise:
        return "its judge compares two answers, and live traffic has one answer to each request"
    if judge.spec.reference:
        return "its judge compares with a reference, and answers of live traffic have none"
    return None


def refuse_unready(tx: Transaction, blueprint: Blueprint, metric: str) -> None:
    """Nothing when the judge of a deciding metric may decide: its card, measured with people, allows it.

    Raises:
        BakeoffError: ``judge_not_ready`` with what is missing and what to do about it.
    """
    judge = next(j for j in blueprint.judges if metric in {m.name for m in j.metrics})
    name = metric_name(metric)
    if metric != judge.metric:
        reason, hint = "it is one criterion of a judge", f"Let the plan decide on '{metric_name(judge.metric)}'."
    elif (lacks := cannot_judge(judge)) is not None:
        reason, hint = lacks, "Let a judge decide that grades single answers by a rubric."
    elif blueprint.metrics()[metric].kind is MetricKind.ORDINAL:
        # grades are compared by rank, corrected ones by their means: one margin cannot mean both
        reason = "its judge gives grades, which cannot be corrected by rank"
        hint = "Let it say pass or fail, or give its verdicts values under 'categories'."
    elif blueprint.spec.live is not None and blueprint.spec.live.score_share <= 0:
        reason, hint = "no answers are sampled for its judge", "Set 'score_share' under 'live' above 0."
    elif (model := unpriced(tx, blueprint, judge)) is not None:
        reason = f"nobody knows the price of {model}, and judging has a budget"
        hint = "Write its price under 'prices' of the file, or type it into Settings."
    elif (card := _newest_card(tx, judge)) is None:
        reason = "nobody has compared its judge with people"
        hint = "Apply the judge to recorded answers, let people rate 50 of them, and start again."
    elif not card["usable"]:
        reason, hint = f"its judge may not decide: {card['reason']}", str(card["next_step"])
    else:
        return
    raise BakeoffError("judge_not_ready", f"The plan needs '{name}', but {reason}.", hint)


def unpriced(tx: Transaction, blueprint: Blueprint, judge: Judge) -> str | None:
    """A model of the judge's jury whose price nobody knows: it is not asked, for no budget could hold; or None."""
    prices = price_book(tx, blueprint)
    return next((model for model in judge.spec.jury if prices.price(model) is None), None)


def _newest_card(tx: Transaction, judge: Judge) -> Mapping[str, Any] | None:
    """The card of this very judge from the newest analysis that holds one; its name matters nowhere."""
    found = []
    for experiment_id, metric, entry in tx.experiments.uses_of(judge.fingerprint, scorer=JUDGE):
        analysis = tx.evidence.newest_analysis(experiment_id)
        if analysis is None:
            continue
        label = judge_label(tx, experiment_id, bind_judge(entry))
        cards = [c for c in analysis.result.get("judges", ()) if c["metric"] == metric and c["judge"] == label]
        found += [(analysis.created_at, card) for card in cards if card["human_items"]]
    return max(found, key=lambda one: one[0])[1] if found else None


def live_case(blueprint: Blueprint, judge: Judge, sample: Mapping[str, Any], variant: str | None) -> JudgeCase:
    """What a judge sees of a sampled answer: its text, the variables, and the messages beyond the prompt's own.

    The prompt itself is not shown, so that the judge does not know whose answer it reads.
    """
    given = inputs_of(blueprint, sample, variant)
    return JudgeCase(
        answer=blueprint.answer(sample["text"]),
        inputs=given,
        material={column: given.get(column, "") for column in judge.spec.columns},
    )


def inputs_of(blueprint: Blueprint, sample: Mapping[str, Any], variant: str | None) -> dict[str, str]:
    """What an answer replied to: the variables, and under ``conversation`` the messages of the request itself."""
    found = {name: str(value) for name, value in (sample["variables"] or {}).items()}
    content = next((arm.content for arm in blueprint.arms if arm.name == variant), None)
    own = len(content.messages) if content is not None else 0
    said = [f"{message.get('role', 'user')}: {_text(message.get('content'))}" for message in sample["messages"][own:]]
    return {**found, "conversation": "\n".join(said)} if said else found


def _text(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
