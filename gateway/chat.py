"""``/v1``: the OpenAI-compatible door. A prompt, an experiment or a model by name, answered as clients expect it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from starlette._utils import get_route_path
from starlette.types import Message, Receive, Send
from starlette.types import Scope as AsgiScope

from experiments.errors import BakeoffError
from experiments.prompts.labels import PRODUCTION
from experiments.vocabulary import Failure, Scope
from gateway.asgi import BodyRefused, CallerGone, read_body, send_head, send_piece, send_whole, while_connected
from gateway.chat_plan import EXPOSURE_HEADER, ChatPlan, Part
from gateway.chat_request import EXPERIMENT, PROMPT, parse_ask
from gateway.key_check import Caller, Refused
from gateway.live import LiveGateway
from gateway.openai_errors import ChatError, not_let_in
from gateway.provider_call import JSON_TYPE, ProviderCall
from gateway.spill import SpillFull

logger = logging.getLogger(__name__)

MOST_BODY_BYTES = 20_000_000
"""Images and files come inside chat requests."""

Endpoint = Callable[[Caller, AsgiScope, Receive, Send, str], Awaitable[None]]


class ChatDoor:
    """The ASGI app under ``/v1``. Every route has its scope in ``_endpoint``: there is no other way in."""

    def __init__(self, live: LiveGateway) -> None:
        self._live = live

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answers one request; every failure is an error in OpenAI's shape."""
        if scope["type"] != "http":
            return
        sent = _Sent(send)
        try:
            needed, endpoint, argument = self._endpoint(scope["method"], get_route_path(scope))
            caller = await self._live.gate.caller(scope["headers"], needed)
            with self._live.gate.open_call(caller):
                await endpoint(caller, scope, receive, sent, argument)
        except CallerGone:
            return
        except Refused as refused:
            await sent.error(not_let_in(refused))
        except BodyRefused as refused_body:
            await sent.error(ChatError(refused_body.status, refused_body.message, code="request_too_large"))
        except ChatError as error:
            await sent.error(error)
        except BakeoffError as error:
            await sent.error(ChatError(error.status, str(error), code=error.code))
        except Exception as error:
            logger.error("unexpected error at %s %s", scope["method"], scope["path"], exc_info=error)
            await sent.error(ChatError(500, "Something went wrong on our side.", code="internal"))

    def _endpoint(self, method: str, path: str) -> tuple[Scope, Endpoint, str]:
        if path == "/chat/completions":
            if method != "POST":
                raise ChatError(405, "This address takes POST.", code="method_not_allowed", headers={"Allow": "POST"})
            return Scope.ASSIGN, self._complete, ""
        if path == "/models" or path.startswith("/models/"):
            if method != "GET":
                raise ChatError(405, "This address takes GET.", code="method_not_allowed", headers={"Allow": "GET"})
            return Scope.ASSIGN, self._models, path.removeprefix("/models").removeprefix("/")
        raise ChatError(404, f"There is no address '{path[:100]}' here.", code="unknown_url")

    async def _models(self, _caller: Caller, _scope: AsgiScope, _receive: Receive, send: Send, wanted: str) -> None:
        names = self._names()
        created = int(time.time())
        entries = [{"id": name, "object": "model", "created": created, "owned_by": "bakeoff"} for name in names]
        if not wanted:
            await _send_json(send, {"object": "list", "data": entries})
            return
        entry = next((e for e in entries if e["id"] == wanted), None)
        if entry is None:
            raise ChatError(404, f"There is no model '{wanted[:100]}'.", code="model_not_found", param="model")
        await _send_json(send, entry)

    def _names(self) -> list[str]:
        config = self._live.known.config()
        in_production = [name for name, prompt in config.prompts.items() if PRODUCTION in prompt.labels]
        return [EXPERIMENT + key for key in sorted(config.tests)] + [PROMPT + name for name in sorted(in_production)]

    async def _complete(self, _caller: Caller, _scope: AsgiScope, receive: Receive, send: Send, _argument: str) -> None:
        raw = await read_body(receive, MOST_BODY_BYTES)
        plan = await self._live.planner.plan(parse_ask(raw), raw)
        await while_connected(receive, self._answer(plan, send))

    async def _answer(self, plan: ChatPlan, send: Send) -> None:
        """Starts the call while the exposure goes to the disk; nothing is sent before both are done."""
        self._live.calls.refuse_beyond_budget(plan)
        keeping = self._live.exposures.keep([plan.met] if plan.met is not None else [])
        spare = await self._try(plan, plan.first, keeping, send)
        if spare is not None:
            await self._try(plan, spare, keeping, send)

    async def _try(self, plan: ChatPlan, part: Part, keeping: asyncio.Future[None], send: Send) -> Part | None:
        """Answers with a part. When its provider fails before anything was sent: the part that answers in its place."""
        call, spare = self._live.calls.open(plan, part), None
        try:
            error = await call.start()
            if error is not None and isinstance(call.outcome(), Failure):
                spare = plan.spare(part)
                if spare is not None:
                    return spare
            headers = plan.headers(part)
            try:
                await keeping
            except SpillFull:
                headers.pop(EXPOSURE_HEADER, None)
            if error is not None:
                error.headers |= headers
                raise error
            await _pass_on(call, send, {**call.headers, **headers})
            return None
        finally:
            await call.aclose()
            self._live.calls.record(plan, part, call.outcome(), fell_back=spare is not None)


async def _pass_on(call: ProviderCall, send: Send, headers: Mapping[str, str]) -> None:
    headers = {**headers, "content-type": call.content_type}
    body = call.body()
    if body is not None:
        await send_whole(send, 200, headers, body)
        return
    # proxies that would gather the events are told not to
    await send_head(send, 200, {**headers, "cache-control": "no-cache", "x-accel-buffering": "no"})
    async for piece in call.chunks():
        await send_piece(send, piece)
    await send_piece(send, b"", more=False)


async def _send_json(send: Send, value: object) -> None:
    await send_whole(send, 200, {"content-type": JSON_TYPE}, json.dumps(value).encode())


class _Sent:
    """Passes messages on and remembers whether the answer has begun: an error can only be told before that."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, message: Message) -> None:
        self._begun = True
        await self._send(message)

    async def error(self, error: ChatError) -> None:
        if self._begun:
            return
        headers = {**error.headers, "content-type": JSON_TYPE}
        with suppress(OSError):
            await send_whole(self, error.status, headers, error.body())
