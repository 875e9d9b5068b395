"""Completions, failures and earlier answers → the columns of an output and of its scores."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from experiments.actions.runs.trials import Trial
from experiments.loading.runs.blueprint import Blueprint
from experiments.scoring import BoundScorer, ScoringContext
from experiments.vocabulary import Completion, CostStatus, Failure, OutputStatus, Request, ResponseClass, new_id
from storage.records import ExampleRecord

_CARRIED_OVER = (
    "response_class",
    "text",
    "tool_calls",
    "finish_reason",
    "served_model",
    "prompt_tokens",
    "completion_tokens",
    "cached_prompt_tokens",
    "reasoning_tokens",
    "cost_usd",
    "cost_status",
    "latency_ms",
    "first_token_ms",
    "simulated",
    "sanitised",
)
"""What an answer from the cache has in common with the answer it repeats."""


def _base(run_id: str, trial: Trial, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "run_id": run_id,
        "variant_id": trial.arm.id,
        "example_id": trial.example.id,
        "repetition": trial.repetition,
        "status": OutputStatus.OK.value,
        "response_class": None,
        "text": "",
        "tool_calls": None,
        "finish_reason": None,
        "served_model": None,
        "request_hash": trial.request_hash,
        "attempt_id": None,
        "attempts": 0,
        "prompt_tokens": None,
        "completion_tokens": None,
        "cached_prompt_tokens": None,
        "reasoning_tokens": None,
        "cost_usd": None,
        "cost_status": CostStatus.UNKNOWN.value,
        "latency_ms": None,
        "first_token_ms": None,
        "cached": False,
        "simulated": False,
        "sanitised": False,
        "error_kind": None,
        "error_message": None,
        "created_at": at,
    }


def answered(
    run_id: str, trial: Trial, completion: Completion, *, attempt_id: str, attempts: int, at: datetime
) -> dict[str, Any]:
    """The output of a trial that was answered."""
    return {
        **_base(run_id, trial, at),
        "response_class": completion.response_class.value,
        "text": completion.text,
        "tool_calls": [dict(call) for call in completion.tool_calls] or None,
        "finish_reason": completion.finish_reason,
        "served_model": completion.served_model,
        "attempt_id": attempt_id,
        "attempts": attempts,
        "prompt_tokens": completion.usage.prompt_tokens,
        "completion_tokens": completion.usage.completion_tokens,
        "cached_prompt_tokens": completion.usage.cached_prompt_tokens,
        "reasoning_tokens": completion.usage.reasoning_tokens,
        "cost_usd": completion.cost_usd,
        "cost_status": completion.cost_status.value,
        "latency_ms": completion.latency_ms,
        "first_token_ms": completion.first_token_ms,
        "simulated": completion.simulated,
        "sanitised": completion.sanitised,
    }


def failed(
    run_id: str, trial: Trial, failure: Failure, *, attempt_id: str | None, attempts: int, at: datetime
) -> dict[str, Any]:
    """The output of a trial that got no answer."""
    return {
        **_base(run_id, trial, at),
        "status": OutputStatus.FAILED.value,
        "attempt_id": attempt_id,
        "attempts": attempts,
        "latency_ms": failure.latency_ms,
        "error_kind": failure.kind.value,
        "error_message": failure.message,
    }


def repeated(run_id: str, trial: Trial, earlier: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """The output of a trial whose very request was answered before; it was not paid for again."""
    return {**_base(run_id, trial, at), **{name: earlier[name] for name in _CARRIED_OVER}, "cached": True}


def scoring_context(
    blueprint: Blueprint,
    arm_position: int,
    example: ExampleRecord,
    output: dict[str, Any],
    *,
    sent: Request | None = None,
) -> ScoringContext:
    """What scorers see of an output; ``sent`` is its request where it is at hand, else it is rendered again."""
    arm = blueprint.arms[arm_position]
    request = sent or (blueprint.request(arm, example) if arm.content is not None else None)
    answer = blueprint.answer(output["text"])
    variables = blueprint.values(arm.content, example) if arm.content is not None else example.cells
    return ScoringContext(
        output=answer,
        thinking_characters=len(output["text"]) - len(answer),
        reference=blueprint.reference(example),
        variables=variables,
        row=example.cells,
        messages=request.messages if request is not None else (),
        response_class=ResponseClass(output["response_class"] or ResponseClass.ANSWER),
        finish_reason=output["finish_reason"],
        tool_calls=tuple(output["tool_calls"] or ()),
        model=arm.model,
        prompt_tokens=output["prompt_tokens"],
        completion_tokens=output["completion_tokens"],
        cost_usd=output["cost_usd"],
        latency_ms=output["latency_ms"],
        first_token_ms=output["first_token_ms"],
    )


def score_rows(
    scorers: Iterable[BoundScorer], context: ScoringContext, output_id: str, *, at: datetime
) -> list[dict[str, Any]]:
    """One score row per scorer; what cannot be scored keeps its reason, and reasoning that was left out its length."""
    rows = []
    left_out = context.thinking_characters
    noted = {"thinking_characters": left_out} if left_out else {}
    for scorer in scorers:
        score = scorer.score(context)
        rows.append(
            {
                "id": new_id(),
                "output_id": output_id,
                "metric": scorer.metric,
                "fingerprint": scorer.fingerprint,
                "value": score.value,
                "reason": score.reason,
                "details": {**(score.details or {}), **noted} or None,
                "created_at": at,
            }
        )
    return rows
