"""The simulated models: a small rule-based responder behind the same door, for trying everything without a key.

``demo/small`` is quick, cheap and careless, ``demo/large`` slower, dearer and better, ``demo/judge`` is made for
judging by a rubric, which the others can too. They read the prompt: asked for
JSON they give JSON, given labels they choose one by the words of the text, asked to be brief they are brief, asked to
work step by step they miscalculate less, and a prompt that says less gets less. The same request gives the same answer;
repetitions differ as far as ``temperature`` (1 unless given) lets them, and ``seed`` gives other answers throughout.

Tokens are counted by the rule of ``experiments.plans.token_estimates``, as the price is charged. Latency is drawn
from a log-normal distribution and really waited for, times ``time_scale``; what is recorded is the drawn time.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Mapping
from typing import Any

from experiments.completions.answers import Answer
from experiments.completions.demo_embedding import simulated_embedding
from experiments.completions.engine import Call, PassOn
from experiments.demo_models.draws import Draws
from experiments.demo_models.judging import JudgedTexts, trial_in, verdict_of
from experiments.demo_models.reading import read
from experiments.demo_models.responder import respond
from experiments.demo_models.skill import SKILLS, Skill
from experiments.plans.token_estimates import BYTES_PER_TOKEN, completion_limit, prompt_tokens, text_tokens
from experiments.vocabulary import Failure, Request, Usage, content_hash


class DemoEngine:
    """Answers of ``demo/…`` models; every answer is marked simulated."""

    def __init__(self, *, time_scale: float) -> None:
        self._time_scale = time_scale

    async def open(self) -> None:
        """Nothing to open."""

    async def answer(self, call: Call) -> Answer | Failure:
        """The simulated answer, after the time it would have taken."""
        embeds = call.request.embeds
        answer = simulated_embedding(call.request) if embeds else simulated_answer(call.request, call.sample)
        if call.pass_on is not None:
            await _spoken(answer, call.pass_on, self._time_scale)
        elif self._time_scale > 0:
            await asyncio.sleep((answer.latency_ms or 0.0) / 1000 * self._time_scale)
        return answer

    async def aclose(self) -> None:
        """Nothing to close."""


async def _spoken(answer: Answer, pass_on: PassOn, time_scale: float) -> None:
    """Says the answer word by word, in the time that it takes."""
    words = re.findall(r"\s*\S+|\s+$", answer.text)
    waiting_ms = answer.first_token_ms or 0.0
    word_ms = ((answer.latency_ms or 0.0) - waiting_ms) / max(1, len(words))
    for number, word in enumerate(words):
        await asyncio.sleep((word_ms if number else waiting_ms) / 1000 * time_scale)
        role = {} if number else {"role": "assistant"}
        await pass_on({"choices": [{"index": 0, "delta": {**role, "content": word}, "finish_reason": None}]})
    await pass_on({"choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish_reason}]})


def simulated_answer(request: Request, sample: int) -> Answer:
    """The answer with its tokens and drawn times, cut at ``max_tokens`` and at ``stop`` sequences."""
    skill = SKILLS[request.model]
    trial = trial_in(request.messages)
    if trial is not None:
        text, draws = _verdict(request, trial, sample, skill)
    else:
        assignment = read(request.messages, request.parameters)
        draws = _draws(request, assignment.material, sample)
        text = respond(assignment, draws, skill)
    text = _until_stop(text, request.parameters)
    text, finish_reason = _within(text, completion_limit(request))
    usage = Usage(prompt_tokens=prompt_tokens(request), completion_tokens=text_tokens(text))
    first_token_ms, latency_ms = _times(usage, draws, skill)
    return Answer(
        text=text,
        finish_reason=finish_reason,
        usage=usage,
        served_model=request.model,
        first_token_ms=first_token_ms,
        latency_ms=latency_ms,
        simulated=True,
    )


def _verdict(request: Request, trial: JudgedTexts, sample: int, skill: Skill) -> tuple[str, Draws]:
    draws = _draws(request, "\n".join(trial.texts.values()), sample)
    return verdict_of(trial, draws, skill), draws


def _draws(request: Request, material: str, sample: int) -> Draws:
    parameters = request.parameters
    temperature = parameters.get("temperature", 1.0)
    return Draws(
        prompt=content_hash([request.model, [dict(m) for m in request.messages], parameters.get("seed")]),
        material=material,
        sample=sample,
        temperature=float(temperature) if isinstance(temperature, int | float) else 1.0,
    )


def _until_stop(text: str, parameters: Mapping[str, Any]) -> str:
    stops = parameters.get("stop")
    for stop in [stops] if isinstance(stops, str) else stops or []:
        if isinstance(stop, str) and stop:
            text = text.partition(stop)[0]
    return text


def _within(text: str, limit: int | None) -> tuple[str, str]:
    """The text and why it ends: ``length`` when it had more tokens than the limit."""
    if limit is None or text_tokens(text) <= limit:
        return text, "stop"
    return text.encode("utf-8")[: limit * BYTES_PER_TOKEN].decode("utf-8", "ignore"), "length"


def _times(usage: Usage, draws: Draws, skill: Skill) -> tuple[float, float]:
    """Milliseconds to the first token and to the end, log-normal around the model's medians."""
    chance = random.Random(f"{draws.prompt} {draws.sample}")  # noqa: S311 - a simulated clock, no secret
    waiting = skill.first_token_ms * math.exp(chance.gauss(0.0, skill.spread))
    writing = skill.token_ms * (usage.completion_tokens or 0) * math.exp(chance.gauss(0.0, skill.spread / 3))
    return waiting, waiting + writing
