"""A server without its pages: ``python -m tests.gateway.server URL HOME PORT`` runs it as a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from gateway import routes
from gateway.callers import Admission
from gateway.live import LiveGateway
from storage.store import Store, open_store


def http_app(store: Store, home: Path, environ: Mapping[str, str]) -> Starlette:
    """The app of a server without its pages; ``state.live`` is what stands behind its live routes."""
    live = LiveGateway(store, home, environ)

    @asynccontextmanager
    async def lifespan(_app: Starlette):
        await live.start()
        yield
        await live.stop()

    app = Starlette(
        routes=[
            Mount("/v1", app=routes.chat(live)),
            Mount("/ofrep", app=routes.flags(live)),
            Mount("/api", app=routes.api(store, live)),
            *(Route(path, endpoint) for path, endpoint in routes.operation(store, live).items()),
        ],
        middleware=routes.middleware(Admission()),
        lifespan=lifespan,
    )
    app.state.live = live
    return app


def main() -> None:
    """Serve until stopped."""
    url, home, port = sys.argv[1:4]
    app = http_app(open_store(url), Path(home), os.environ)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error", access_log=False, ws="none")


if __name__ == "__main__":
    main()
