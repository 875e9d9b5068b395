"""Every address on one screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from experiments.version import VERSION
from experiments.vocabulary import Scope
from gateway import assignments, errors, experiments, outcomes, prompts, rating
from gateway.auth import refuse_open_routes, scoped
from gateway.callers import Admission, OwnCallersOnly
from gateway.chat import ChatDoor
from gateway.description import description_of
from gateway.health import Health
from gateway.limits import BoundedBody, SecurityHeaders
from gateway.live import LiveGateway
from gateway.ofrep import FlagDoor
from storage.store import Store

Endpoint = Callable[[Request], Awaitable[Response]]


def api(store: Store, live: LiveGateway | None = None) -> FastAPI:
    """The app under ``/api``. Without ``live`` the routes of live traffic are there, but nothing stands behind them.

    Raises:
        RuntimeError: when a route declares no scope; the start fails then.
    """
    app = FastAPI(
        title="Bakeoff",
        version=VERSION,
        description="Prompts that production reads, experiments, promotion, live traffic.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": "/"}],
        middleware=[Middleware(BoundedBody)],
    )
    prompts.add_routes(app, store)
    experiments.add_routes(app, store)
    rating.add_routes(app, store)
    live = live or LiveGateway(store, Path(), {})
    assignments.add_routes(app, live)
    outcomes.add_routes(app, live)

    @app.get("/v1/openapi.json", include_in_schema=False, dependencies=[Depends(scoped(store, Scope.READ))])
    def description() -> dict[str, object]:
        """The description of all this."""
        return description_of(app)

    errors.install(app)
    refuse_open_routes(app)
    return app


def chat(live: LiveGateway) -> ASGIApp:
    """The app under ``/v1``."""
    return ChatDoor(live)


def flags(live: LiveGateway) -> ASGIApp:
    """The app under ``/ofrep``."""
    return FlagDoor(live)


def operation(store: Store, live: LiveGateway | None = None) -> dict[str, Endpoint]:
    """Path → endpoint of what operation asks for."""
    health = Health(store, live)
    return {"/healthz": health.alive, "/readyz": health.ready, "/metrics": health.metrics}


def raters(store: Store) -> dict[str, Endpoint]:
    """Path → endpoint of what raters open: nothing but the way from a link to the rating page."""
    return {"/r/{token}": rating.RaterLink(store).follow}


def middleware(admission: Admission) -> list[Middleware]:
    """What every request and response goes through, pages and websockets too."""
    return [Middleware(SecurityHeaders), Middleware(OwnCallersOnly, admission=admission)]
