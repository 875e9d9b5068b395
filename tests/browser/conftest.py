"""A real server on a home of its own, and a real browser that notes whatever should not happen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from storage.store import Store, open_store

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)
DESKTOP = {"width": 1440, "height": 900}


@dataclass
class Server:
    """A running ``bakeoff serve``."""

    base: str
    home: Path

    def store(self) -> Store:
        """The server's own database, for looking things up and for seeding."""
        return open_store(f"sqlite:///{self.home / 'bakeoff.db'}")


@dataclass
class Noted:
    """What a page did besides showing itself."""

    foreign: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server over that home, without the sample project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BAKEOFF_HOME": str(home), "BAKEOFF_DEMO_TIME_SCALE": "0.05"}
    command = [str(Path(sys.executable).parent / "bakeoff"), "serve", "--no-sample", "--port", str(port)]
    log = (home / "serve.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    base = f"http://localhost:{port}"
    try:
        _wait_until_up(process, base, home)
        yield Server(base, home)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _wait_until_up(process: subprocess.Popen[bytes], base: str, home: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, (home / "serve.log").read_text()
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not come up: {(home / 'serve.log').read_text()}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """The home of the module's server, with an empty database; a module may seed it before the server starts."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(sqlite_template, folder / "bakeoff.db")
    return folder


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """One server for the tests of a module."""
    with serving(home) as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str, server: Server) -> Iterator[Browser]:
    """One browser for the tests of a module; after the server, since a home is seeded with an event loop of its own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def noted() -> Noted:
    """What the page of this test did besides showing itself."""
    return Noted()


@pytest.fixture
def new_page(browser: Browser, server: Server, noted: Noted) -> Iterator[Callable[..., Page]]:
    """Opens an address of the server in a fresh context, at a given size."""
    contexts = []

    def opened(path: str, viewport: dict[str, int] | None = None) -> Page:
        context = browser.new_context(viewport=viewport or DESKTOP, permissions=["clipboard-read"])
        contexts.append(context)
        page = watched(context.new_page(), server, noted)
        page.goto(f"{server.base}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()


def watched(page: Page, server: Server, noted: Noted) -> Page:
    """The page, noting what it does besides showing itself."""
    page.set_default_timeout(WAIT_MS)
    page.on("request", lambda r: noted.foreign.append(r.url) if is_foreign(r.url, server.base) else None)
    page.on("dialog", lambda d: (noted.dialogs.append(d.message), d.dismiss()))
    return page


def is_foreign(url: str, base: str) -> bool:
    """True for a request to any other host."""
    return not url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:"))


QUIET = """quiet_ms => {
    const app = document.querySelector(".stApp");
    const still = app && app.getAttribute("data-test-script-state") === "notRunning";
    window.quietSince = still ? (window.quietSince ?? performance.now()) : undefined;
    return still && performance.now() - window.quietSince > quiet_ms;
}"""
LISTENING_MS, DRAWN_MS = 500, 200


def settled(page: Page, quiet_ms: int = LISTENING_MS) -> None:
    """Wait until the script has run to its end and the page listens to keys.

    Keys that are pressed in the half second after a first run are still lost. A page that is only looked at is ready
    sooner: ``DRAWN_MS``.
    """
    page.wait_for_selector("[data-testid='stAppViewContainer']")
    page.wait_for_function(QUIET, arg=quiet_ms)


def overflow_px(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate(
        """() => {
            const main = document.querySelector("[data-testid='stMain']");
            const wide = Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth);
            return Math.max(0, wide);
        }"""
    )
    return width
