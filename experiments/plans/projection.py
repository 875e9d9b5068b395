"""What a run will probably cost and take, before it starts: from token counts, or from the answers of a pilot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.plans.pricing import PriceBook, cost
from experiments.plans.token_estimates import completion_limit, prompt_tokens
from experiments.vocabulary import Request, Usage

SHORT_ANSWER_TOKENS = 60
LONG_ANSWER_TOKENS = 700
"""Assumed span of an answer's length when there is neither a pilot nor a limit."""
VERDICT_TOKENS = (10, 150)
"""Assumed span of a judge's answer: a word with a short reason, a word with a long one."""
TYPICAL_LATENCY_MS = 2500.0


@dataclass(frozen=True, slots=True)
class PilotFacts:
    """What a few real answers of one variant told: means over ``answers`` answers (at least 1)."""

    answers: int
    mean_completion_tokens: float
    sd_completion_tokens: float
    mean_latency_ms: float


@dataclass(frozen=True, slots=True)
class VariantProjection:
    """One variant's share; costs are None when the model has no price."""

    variant: str
    model: str
    calls: int
    low_usd: float | None
    high_usd: float | None
    mean_prompt_tokens: float


@dataclass(frozen=True, slots=True)
class JudgeProjection:
    """One model of one judge; costs are None when it has no price."""

    metric: str
    model: str
    calls: int
    low_usd: float | None
    high_usd: float | None


@dataclass(frozen=True, slots=True)
class Projection:
    """A run before it starts. ``low_usd``/``high_usd`` are None when a model has no price (see ``unpriced``).

    They hold the answers only; ``judges`` are told apart.
    """

    calls: int
    cached_calls: int
    low_usd: float | None
    high_usd: float | None
    seconds: float
    seconds_per_call: float
    unpriced: tuple[str, ...]
    from_pilot: bool
    variants: tuple[VariantProjection, ...]
    judges: tuple[JudgeProjection, ...] = ()

    def judge_usd(self) -> tuple[float | None, float | None]:
        """Lowest and highest cost of all judges; None when one has no price, 0 without any."""
        lows, highs = [j.low_usd for j in self.judges], [j.high_usd for j in self.judges]
        return (
            None if None in lows else math.fsum(low or 0.0 for low in lows),
            None if None in highs else math.fsum(high or 0.0 for high in highs),
        )


def project_judge(
    metric: str, short: Sequence[Request], long: Sequence[Request], *, calls: int, prices: PriceBook
) -> JudgeProjection:
    """One model of a judge, from its requests on short and on long answers to the same rows (at least one each)."""
    model = short[0].model
    price = prices.price(model)
    limit = 0 if long[0].embeds else completion_limit(long[0]) or VERDICT_TOKENS[1]
    low, _ = cost(Usage(round(_mean_prompt(short)), min(VERDICT_TOKENS[0], limit)), price)
    high, _ = cost(Usage(math.ceil(_mean_prompt(long)), min(VERDICT_TOKENS[1], limit)), price)
    return JudgeProjection(
        metric, model, calls, None if low is None else low * calls, None if high is None else high * calls
    )


def _mean_prompt(requests: Sequence[Request]) -> float:
    return sum(prompt_tokens(r) for r in requests) / len(requests)


def project(
    samples: Mapping[str, Sequence[Request]],
    *,
    rows: int,
    repeats: int,
    concurrency: int,
    prices: PriceBook,
    pilots: Mapping[str, PilotFacts] | None = None,
    cached_calls: int = 0,
) -> Projection:
    """The projection of rows × repeats × variants calls.

    ``samples`` maps each variant to a few of its rendered requests (at least one), spread over the test set.
    ``cached_calls`` are answered from earlier results and cost nothing.
    """
    pilots = pilots or {}
    planned = rows * repeats * len(samples)
    share = 0.0 if planned == 0 else max(0, planned - cached_calls) / planned
    variants = tuple(
        _variant(name, requests, round(rows * repeats * share), prices, pilots.get(name))
        for name, requests in samples.items()
    )
    unpriced = tuple(sorted({v.model for v in variants if v.low_usd is None}))
    priced = not unpriced
    latencies = [p.mean_latency_ms for p in pilots.values()] or [TYPICAL_LATENCY_MS]
    calls = max(0, planned - cached_calls)
    seconds_per_call = sum(latencies) / len(latencies) / 1000
    return Projection(
        calls=calls,
        cached_calls=cached_calls,
        low_usd=math.fsum(v.low_usd or 0.0 for v in variants) if priced else None,
        high_usd=math.fsum(v.high_usd or 0.0 for v in variants) if priced else None,
        seconds=math.ceil(calls / max(1, concurrency)) * seconds_per_call,
        seconds_per_call=seconds_per_call,
        unpriced=unpriced,
        from_pilot=bool(pilots),
        variants=variants,
    )


def _variant(
    name: str, requests: Sequence[Request], calls: int, prices: PriceBook, pilot: PilotFacts | None
) -> VariantProjection:
    model = requests[0].model
    mean_prompt = _mean_prompt(requests)
    short, long = answer_span(requests[0], pilot)
    price = prices.price(model)
    low, _ = cost(Usage(round(mean_prompt), round(short)), price)
    high, _ = cost(Usage(round(mean_prompt), math.ceil(long)), price)
    return VariantProjection(
        variant=name,
        model=model,
        calls=calls,
        low_usd=None if low is None else low * calls,
        high_usd=None if high is None else high * calls,
        mean_prompt_tokens=mean_prompt,
    )


def answer_span(request: Request, pilot: PilotFacts | None) -> tuple[float, float]:
    """Shortest and longest mean length of an answer that should be reckoned with, in tokens."""
    limit = completion_limit(request)
    if pilot is not None:
        # The pilot's mean is uncertain by its standard error; twice that on both sides, at least a tenth.
        doubt = max(
            2 * pilot.sd_completion_tokens / math.sqrt(max(1, pilot.answers)), 0.1 * pilot.mean_completion_tokens
        )
        return max(0.0, pilot.mean_completion_tokens - doubt), pilot.mean_completion_tokens + doubt
    longest = LONG_ANSWER_TOKENS if limit is None else min(limit, LONG_ANSWER_TOKENS)
    return min(SHORT_ANSWER_TOKENS, longest), longest
