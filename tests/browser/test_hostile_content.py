"""What people, files and models write is text on every page: nothing runs, nothing is fetched, nothing is a link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.views.rating.sessions import rating_sessions
from storage.store import open_store
from tests.browser import hostile
from tests.browser.conftest import DESKTOP, DRAWN_MS, Noted, Server, settled, watched

PAGES = {
    "home": "/",
    "prompts": f"/prompts?prompt={hostile.PROMPT}",
    "test sets": f"/test-sets?set={hostile.DATASET}",
    "experiments": "/experiments?view=All",
    "plan": "/experiments?view=New+comparison",
    "draft": f"/result?exp={hostile.DRAFT}",
    "result": f"/result?exp={hostile.EXPERIMENT}&how=true",
    "a row without an answer": f"/result?exp={hostile.EXPERIMENT}&who=failed",
    "no such experiment": f"/result?exp=%3Cimg%20src%3Dhttps%3A%2F%2F{hostile.HOST}%2Fn.png%3E",
    "rating sessions": "/ratings",
    "a new rating session": f"/ratings?view=New+session&exp={hostile.EXPERIMENT}",
    "a rating session": "/ratings?session=THE_SESSION",
    "a quality check": f"/checks?check={hostile.CHECK}&on={hostile.EXPERIMENT}",
    "a new check": f"/checks?check=a+new+check&on={hostile.EXPERIMENT}",
    "production": "/production",
    "staging": "/production?label=staging",
    "prices": "/settings",
    "keys": "/settings?section=API+keys",
    "log": "/settings?section=This+installation",
}
HARM = """() => ({
    ran: window.pwned ?? null,
    tags: [...document.querySelectorAll(
        "[data-testid='stMain'] :is(script, iframe, form[action], img[src^='http'], link, object, embed)"
    )].map(e => e.outerHTML.slice(0, 120)),
    links: [...document.querySelectorAll("[data-testid='stMain'] a[href]")].map(a => a.href)
        .filter(h => h.includes("evil") || h.startsWith("javascript")),
    hidden: getComputedStyle(document.body).display,
})"""


@pytest.fixture(scope="module")
def home(home: Path) -> Path:
    """The module's home, with hostile content in every place."""
    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    hostile.fill(store)
    store.close()
    return home


@pytest.fixture(scope="module")
def session_id(server: Server) -> str:
    """The rating session over hostile answers."""
    store = server.store()
    (session,) = rating_sessions(store)
    store.close()
    return session.id


@pytest.fixture(scope="module")
def seen() -> Noted:
    """What the page did so far: nothing is forgotten from one address to the next."""
    return Noted()


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server, seen: Noted) -> Iterator[Page]:
    """One page for all addresses: a new one would load and compile the whole application each time."""
    context = browser.new_context(viewport=DESKTOP)
    yield watched(context.new_page(), server, seen)
    context.close()


@pytest.mark.parametrize("where", PAGES)
def test_hostile_texts_stay_texts(where: str, session_id: str, server: Server, page: Page, seen: Noted) -> None:
    page.goto(server.base + PAGES[where].replace("THE_SESSION", session_id))
    settled(page, DRAWN_MS)
    names = {"home": hostile.DRAFT, "experiments": hostile.DRAFT, "a new rating session": hostile.EXPERIMENT}
    shown = names.get(where, hostile.HOST)
    expect(page.get_by_test_id("stMain")).to_contain_text(shown)
    openers = page.get_by_test_id("stExpander").locator("summary").all()[:6]
    for opener in openers:
        opener.dispatch_event("click")  # a click with the mouse waits for what the last one opened to stand still
    opened = page.get_by_test_id("stExpander").locator("details[open]")
    expect(opened).to_have_count(len(openers))
    settled(page, DRAWN_MS)

    assert page.evaluate(HARM) == {"ran": None, "tags": [], "links": [], "hidden": "block"}
    assert (seen.foreign, seen.dialogs) == ([], [])
