"""From what a chat request asks for to the calls that may answer it: which prompt, which model, what if it fails."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from experiments.errors import BakeoffError, NotFound, nearest
from experiments.live.assignment import LiveTest, Served
from experiments.prompts.content import content_of
from experiments.prompts.labels import PRODUCTION
from experiments.prompts.rendering import render
from gateway.chat_request import ChatAsk
from gateway.exposing import ExposureRecorder, Met
from gateway.last_known import LastKnown
from gateway.merged_parameters import merged_parameters
from gateway.openai_errors import ChatError, bad_request
from gateway.provider_call import Wanted

VARIANT_HEADER, VERSION_HEADER, EXPOSURE_HEADER = "x-bakeoff-variant", "x-bakeoff-prompt-version", "x-bakeoff-exposure"
PROMPT_HEADER, FALLBACK_HEADER, REASON_HEADER = "x-bakeoff-prompt", "x-bakeoff-fallback", "x-bakeoff-reason"
HEADER_SAFE = " !#$%&'()*+,-./:;<=>?@[]^_`{|}~"
MOST_VERSIONS = 256
_READABLE = json.JSONEncoder(ensure_ascii=False)
LOOK_UP_WITHIN_S = 2.0

LookUpVersion = Callable[[str, int], Served]


@dataclass(frozen=True, slots=True)
class Part:
    """One call that may answer: ``served`` is None for a model that is only passed through."""

    wanted: Wanted
    served: Served | None = None
    variant: str | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class ChatPlan:
    """The call to make first. ``live`` and ``met`` belong to a live test.

    ``unfilled`` is what the assigned variant serves when the request lacks one of its variables: then the control
    answers at once.
    """

    ask: ChatAsk
    first: Part
    live: LiveTest | None = None
    met: Met | None = None
    unfilled: Served | None = None

    def spare(self, failed: Part) -> Part | None:
        """The control, when the failed part was another variant and the test falls back; else None."""
        live = self.live
        if live is None or not live.falls_back or failed.variant == live.control:
            return None
        try:
            return _part(self.ask, live.served[live.control], live.control)
        except ChatError:
            return None  # a control that this request cannot fill is no way out

    def headers(self, part: Part) -> dict[str, str]:
        """What our own headers say of the answer of a part."""
        headers: dict[str, str] = {}
        if part.served is not None:
            headers[PROMPT_HEADER] = part.served.prompt
            headers[VERSION_HEADER] = str(part.served.version)
        if self.met is not None:
            assignment = self.met.assignment
            headers[VARIANT_HEADER] = quote(assignment.variant, safe=HEADER_SAFE)
            headers[REASON_HEADER] = assignment.reason.value
            if assignment.exposure:
                headers[EXPOSURE_HEADER] = assignment.exposure
            if part.variant != assignment.variant:
                headers[FALLBACK_HEADER] = quote(part.variant or "", safe=HEADER_SAFE)
        return headers


class Planner:
    """Plans against the last known configuration; only a version that no label serves is looked up."""

    def __init__(self, known: LastKnown, exposures: ExposureRecorder, look_up: LookUpVersion) -> None:
        self._known = known
        self._exposures = exposures
        self._look_up = look_up
        self._versions: OrderedDict[tuple[str, int], Served] = OrderedDict()

    async def plan(self, ask: ChatAsk, raw: bytes) -> ChatPlan:
        """The plan of a request.

        Raises:
            ChatError: an unknown prompt, label, version or test, or a variable without a value.
        """
        if ask.experiment is not None:
            return self._of_experiment(ask, ask.experiment)
        if ask.prompt is not None:
            served = await self._of_prompt(*ask.prompt)
            return ChatPlan(ask, _part(ask, served, None))
        wanted = Wanted(ask.model, ask.messages, passed_parameters(ask), ask)
        return ChatPlan(ask, Part(wanted, raw=raw))

    def _of_experiment(self, ask: ChatAsk, key: str) -> ChatPlan:
        tests = self._known.config().tests
        live = tests.get(key)
        if live is None:
            raise _not_found(f"There is no live test with the key '{key[:120]}'.", nearest(key, sorted(tests)))
        met = self._exposures.meet(live, ask.unit, ask.context, source="chat")
        assigned = met.assignment.variant
        try:
            return ChatPlan(ask, _part(ask, live.served[assigned], assigned), live, met)
        except ChatError:
            if not live.falls_back or assigned == live.control:
                raise
        return ChatPlan(
            ask, _part(ask, live.served[live.control], live.control), live, met, unfilled=live.served[assigned]
        )

    async def _of_prompt(self, name: str, at: str) -> Served:
        prompts, at = self._known.config().prompts, at or PRODUCTION
        prompt = prompts.get(name)
        served = prompt.at(at) if prompt is not None else None
        if served is not None:
            return served
        if at.isdecimal() and len(at) < 10:
            return await self._version(name, int(at))
        if prompt is None:
            raise _not_found(f"There is no prompt '{name[:120]}' with a label.", nearest(name, sorted(prompts)))
        raise _not_found(f"Nothing of '{name}' is in '{at[:40]}'.", f"Labels that are set: {', '.join(prompt.labels)}.")

    async def _version(self, name: str, number: int) -> Served:
        found = self._versions.get((name, number))
        if found is not None:
            self._versions.move_to_end((name, number))
            return found
        try:
            async with asyncio.timeout(LOOK_UP_WITHIN_S):
                found = await asyncio.to_thread(self._look_up, name, number)
        except NotFound as error:
            raise _not_found(error.message, error.hint) from None
        except (BakeoffError, TimeoutError):
            raise ChatError(503, f"Version {number} of '{name}' cannot be looked up now.", code="unavailable") from None
        self._versions[(name, number)] = found
        if len(self._versions) > MOST_VERSIONS:
            self._versions.popitem(last=False)
        return found


def passed_parameters(ask: ChatAsk) -> dict[str, Any]:
    """The settings of a request that is passed through as it is."""
    user = ask.body.get("user")
    return {**ask.parameters, **({"user": user} if user else {})}


def payload_of(part: Part, name: str) -> bytes:
    """The bytes for a plain endpoint that knows the model as ``name``."""
    ask = part.wanted.ask
    if part.raw is not None:
        return part.raw if ask.body.get("model") == name else json.dumps({**ask.body, "model": name}).encode()
    body = {**part.wanted.parameters, "model": name, "messages": list(part.wanted.messages)}
    extra = body.pop("extra_body", None)
    body |= extra if isinstance(extra, Mapping) else {}
    if ask.answers > 1:
        body["n"] = ask.answers
    if ask.stream:
        options = ask.body.get("stream_options") or {}
        body |= {"stream": True, "stream_options": {**options, "include_usage": True}}
    return _READABLE.encode(body).encode("utf-8", "surrogatepass")


def _part(ask: ChatAsk, served: Served, variant: str | None) -> Part:
    """The call of a prompt version: its settings come before the caller's, which fill the gaps."""
    content = content_of("chat", served.messages, served.model, served.parameters)
    try:
        request = render(content, ask.variables)
    except BakeoffError as error:
        raise bad_request(str(error), param="variables", code=error.code) from None
    parameters = merged_parameters(request.parameters, ask.parameters)
    return Part(Wanted(served.model, (*request.messages, *ask.messages), parameters, ask), served, variant)


def _not_found(message: str, hint: str = "") -> ChatError:
    return ChatError(404, f"{message} {hint}".strip(), code="model_not_found", param="model")
