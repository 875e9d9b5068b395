"""Everything that is not a page, over a store: called in this process, or by real clients over a socket."""

from __future__ import annotations

import itertools
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlmodel import SQLModel, select
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from experiments.actions.installation.manage_keys import create_key
from experiments.actions.live.start_live import start_live
from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.runs.create_experiment import create_experiment
from experiments.experiment_file import ExperimentSpec
from experiments.live.assignment import assign
from experiments.prompts.content import text_prompt
from gateway import delivery, last_known, routes
from gateway.callers import Admission
from gateway.live import LiveGateway
from storage.store import Store, open_store
from tests.builders import ADA
from tests.fake_provider import FakeProvider
from tests.gateway.server import http_app


@pytest.fixture(scope="module", autouse=True)
def _soon() -> Iterator[None]:
    """Servers in this process look and deliver ten times as often; most tests wait for one or the other to happen."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(last_known, "EVERY_S", last_known.EVERY_S / 10)
        patched.setattr(delivery, "GATHER_S", delivery.GATHER_S / 10)
        yield


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    """Everything that is not a page and needs no live traffic, in this process."""
    app = Starlette(
        routes=[
            Mount("/api", app=routes.api(store)),
            *(Route(path, endpoint) for path, endpoint in routes.operation(store).items()),
            *(Route(path, endpoint) for path, endpoint in routes.raters(store).items()),
        ],
        middleware=routes.middleware(Admission(open_to_all=True)),
    )
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def key(store: Store):
    """Makes the headers of a key with the scopes named."""

    def make(*scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {create_key(store, 'test', scopes, actor=ADA).key}"}

    return make


@dataclass
class Served:
    """A server over a socket, and what a test needs to look inside."""

    address: str
    store: Store
    live: LiveGateway
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> Any:
        """What the condition returns as soon as it is true."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)
        return found

    def delivered(self) -> None:
        """Returns when the database has every event."""
        self.until(lambda: self.live.spill.pending == 0)


@contextmanager
def served(store: Store, home: Path, environ: Mapping[str, str] | None = None, *, key: str = "") -> Iterator[Served]:
    """A real server in a thread of this process, with a key that exists or a new one."""
    app = http_app(store, home, environ or {})
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    key = key or create_key(store, "app", ["assign", "ingest", "read"], actor=ADA).key
    address = f"http://127.0.0.1:{port}"
    opened = Served(address, store, app.state.live, key)
    opened.until(lambda: server.started)
    opened.until(lambda: httpx.get(f"{address}/healthz").status_code == 200)
    yield opened
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    """An OpenAI-compatible server that answers at once."""
    with FakeProvider() as opened:
        yield opened


@pytest.fixture(scope="module")
def gateway(
    provider: FakeProvider, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A real server with one live test, ``refund-reply`` (A and B, half each), and the prompt ``reply``.

    One for all tests of a file: a start takes a second. Tests use units of their own.
    """
    home = tmp_path_factory.mktemp("gateway")
    shutil.copy(sqlite_template, home / "bakeoff.db")
    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    for text in ("Answer: {{ticket}}", "Kindly: {{ticket}}"):
        save_prompt(store, "reply", text_prompt(text, model="openai/fake-small"), actor=ADA)
    set_label(store, "reply", label="production", at="1", actor=ADA)
    go_live(store)
    with served(store, home, environ_of(provider)) as opened:
        yield opened
    store.close()


def environ_of(provider: FakeProvider) -> dict[str, str]:
    """The environment of a gateway whose OpenAI-compatible provider is the fake one."""
    return {
        "OPENAI_API_BASE": provider.base_url,
        "OPENAI_API_KEY": "sk-provider-secret-1",
        "BAKEOFF_DEMO_TIME_SCALE": "0",
    }


def live_spec(**changes: Any) -> ExperimentSpec:
    """A live test of two prompts."""
    live = {
        "key": "refund-reply",
        "split": {"A": 50, "B": 50},
        "outcomes": [{"metric": "resolved", "kind": "binary"}, {"metric": "minutes", "kind": "score"}],
        **changes.pop("live", {}),
    }
    given = {
        "name": "refund-reply-tone",
        "variants": [
            {"name": "A", "prompt": "Reply to: {{ticket}}", "model": "openai/fake-small"},
            {
                "name": "B",
                "prompt": "Reply kindly to: {{ticket}}",
                "model": "openai/fake-large",
                "parameters": {"temperature": 0.2},
            },
        ],
        "plan": {"primary": {"metric": "resolved", "smallest_effect": 0.03}},
        "live": live,
        **changes,
    }
    return ExperimentSpec.model_validate(given)


def go_live(store: Store, **changes: Any) -> None:
    """Start the live test of ``live_spec``."""
    spec = live_spec(**changes)
    create_experiment(store, spec, dataset_version_id=None, actor=ADA)
    start_live(store, spec.name, actor=ADA, reason="A variant may ask for a variable that callers do not send.")


_numbers = itertools.count()


def unit_of(gateway: Served, variant: str, key: str = "refund-reply") -> str:
    """A unit that nobody has used yet and that meets the variant."""
    test = gateway.live.known.config().tests[key]
    return next(unit for unit in map("user-{}".format, _numbers) if assign(test, unit, {}).variant == variant)


def rows(gateway: Served, table: type[SQLModel], count: int = 1, **where: object) -> list[Any]:
    """The rows of a table with these values, once there are as many; a moment later there are no more."""

    def present() -> list[Any]:
        query = select(table)
        for name, value in where.items():
            query = query.where(getattr(table, name) == value)
        with gateway.store.read() as tx:
            return list(tx.session.exec(query))

    gateway.until(lambda: len(present()) >= count)
    gateway.delivered()
    found = present()
    assert len(found) == count
    return found
