"""What all tests share: a store on SQLite or on a real PostgreSQL, a clock of their own, nobody's home folder."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from experiments.vocabulary import Actor, Role
from storage import ledger, schema
from storage.engine import open_engine
from storage.store import Store
from tests.postgres import PostgresServer
from tests.snapshots import Snapshots

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
# Thousands of tests and all that they import are never garbage, yet looking for it there took a seventh of the time.
gc.set_threshold(20_000, 50, 10)

CHROMIUM = os.environ.get("BAKEOFF_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


class ManualClock:
    """A clock that moves only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The present; each reading is a millisecond later, so that orders are strict."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **parts: float) -> None:
        """Let time pass."""
        self.now += timedelta(**parts)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BAKEOFF_DATABASE_URL", raising=False)
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_API_BASE", "_BASE_URL")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _short_breath() -> Iterator[None]:
    """Runs in this process share commits without the pause that spares a disk under load; processes keep it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "GATHER_S", ledger.GATHER_S / 10)
        yield


@pytest.fixture
def clock() -> ManualClock:
    """A clock of the test's own."""
    return ManualClock()


@pytest.fixture
def admin() -> Actor:
    """Somebody who may do everything."""
    return Actor("ada", Role.ADMIN)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema, to be copied: running the migrations takes a second."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    engine = open_engine(f"sqlite:///{path}")
    schema.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL of this test process's own."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[str]:
    """A fresh database at the newest schema: the test runs once on each kind."""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.fresh_database()
        yield url
        server.give_back(url)
    else:
        path = tmp_path / "bakeoff.db"
        shutil.copy(sqlite_template, path)
        yield f"sqlite:///{path}"


@pytest.fixture
def store(database_url: str, clock: ManualClock) -> Iterator[Store]:
    """A store on each kind of database."""
    opened = Store(open_engine(database_url), clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path, sqlite_template: Path, clock: ManualClock) -> Iterator[Store]:
    """A store on SQLite, for what does not depend on the database."""
    path = tmp_path / "bakeoff.db"
    shutil.copy(sqlite_template, path)
    opened = Store(open_engine(f"sqlite:///{path}"), clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """The ends of stories that several tests begin with."""
    return Snapshots(tmp_path_factory.mktemp("snapshots"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium, or skip; CI counts a skip as a failure."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install the package 'chromium' or set BAKEOFF_CHROMIUM")
    return CHROMIUM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file stay together per worker where they share an expensive server."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """With BAKEOFF_NO_SKIPS=1 (as in CI) a skipped test fails the session."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("BAKEOFF_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
