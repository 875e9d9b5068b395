"""The HTTP API over a store, called by a real client in this process."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from experiments.actions.manage_keys import create_key
from gateway import routes
from storage.store import Store
from tests.builders import ADA


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    """Everything that is not a page."""
    app = Starlette(
        routes=[
            Mount("/api", app=routes.api(store)),
            *(Route(path, endpoint) for path, endpoint in routes.operation(store).items()),
            *(Route(path, endpoint) for path, endpoint in routes.raters(store).items()),
        ],
        middleware=routes.middleware(),
    )
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def key(store: Store):
    """Makes the headers of a key with the scopes named."""

    def make(*scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {create_key(store, 'test', scopes, actor=ADA).key}"}

    return make
