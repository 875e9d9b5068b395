"""Operation: alive, ready, and numbers for Prometheus."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from experiments.actions.installation.manage_keys import actor_of_key
from experiments.background import failing_loops, loop_states
from experiments.errors import BakeoffError
from experiments.views.installation.operation import operation_numbers
from experiments.vocabulary import Scope
from gateway.errors import error_response
from gateway.live import LiveGateway
from storage.schema_revision import is_current
from storage.store import Store

HEARTBEAT_GRACE = timedelta(seconds=60)


class Health:
    """The three routes, over one store."""

    def __init__(self, store: Store, live: LiveGateway | None = None) -> None:
        self._store = store
        self._live = live

    async def alive(self, _request: Request) -> Response:
        """200 as long as the process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """200 when the database is there, at this program's schema, and every loop of this process works; else 503."""
        try:
            current = await asyncio.to_thread(is_current, self._store.engine)
        except Exception:  # whatever the driver says, the answer is: not ready
            return JSONResponse({"status": "database unavailable"}, status_code=503)
        failing = failing_loops()
        if not current:
            return JSONResponse({"status": "schema out of date"}, status_code=503)
        if failing:
            return JSONResponse({"status": f"not working: {', '.join(failing)}"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        """Prometheus text; needs a key with the scope ``read``."""
        token = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            actor = await asyncio.to_thread(actor_of_key, self._store, token.strip())
            if actor is None or Scope.READ not in actor.scopes:
                return error_response(401, "unauthenticated", "A valid API key with the scope 'read' is needed.")
            numbers = await asyncio.to_thread(operation_numbers, self._store)
            numbers |= self._live.numbers() if self._live is not None else {}
        except BakeoffError as error:
            return error_response(503, error.code, error.message, error.hint)
        lines = []
        for name, (kind, text, value) in numbers.items():
            lines += [
                f"# HELP bakeoff_{name} {text}",
                f"# TYPE bakeoff_{name} {kind}",
                f"bakeoff_{name} {value}",
            ]
        for metric, kind, text in (
            ("background_loop_up", "gauge", "1 while the last round of the loop went well."),
            ("background_loop_failures_total", "counter", "Rounds of the loop that failed."),
        ):
            lines += [f"# HELP bakeoff_{metric} {text}", f"# TYPE bakeoff_{metric} {kind}"]
            for state in loop_states():
                value = state.failures if kind == "counter" else int(state.failing_since is None)
                lines.append(f'bakeoff_{metric}{{loop="{state.name.value}"}} {value}')
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
