"""Every address on one screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from experiments.version import VERSION
from experiments.vocabulary import Scope
from gateway import errors, experiments, prompts, rating
from gateway.auth import refuse_open_routes, scoped
from gateway.health import Health
from gateway.limits import BoundedBody, SecurityHeaders
from storage.store import Store

Endpoint = Callable[[Request], Awaitable[Response]]


def api(store: Store) -> FastAPI:
    """The app under ``/api``.

    Raises:
        RuntimeError: when a route declares no scope; the start fails then.
    """
    app = FastAPI(
        title="Bakeoff",
        version=VERSION,
        description="Prompts that production reads, experiments, promotion. Send a key as `Authorization: Bearer`.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": "/api"}],
        middleware=[Middleware(BoundedBody)],
    )
    prompts.add_routes(app, store)
    experiments.add_routes(app, store)
    rating.add_routes(app, store)

    @app.get("/v1/openapi.json", include_in_schema=False, dependencies=[Depends(scoped(store, Scope.READ))])
    def description() -> dict[str, object]:
        """The description of all this."""
        return app.openapi()

    errors.install(app)
    refuse_open_routes(app)
    return app


def operation(store: Store) -> dict[str, Endpoint]:
    """Path → endpoint of what operation asks for."""
    health = Health(store)
    return {"/healthz": health.alive, "/readyz": health.ready, "/metrics": health.metrics}


def raters(store: Store) -> dict[str, Endpoint]:
    """Path → endpoint of what raters open: nothing but the way from a link to the rating page."""
    return {"/r/{token}": rating.RaterLink(store).follow}


def middleware() -> list[Middleware]:
    """What every response goes through, pages too."""
    return [Middleware(SecurityHeaders)]
