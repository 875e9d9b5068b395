"""The shell around the pages: there on the first deep link, whole on a phone, and driven by the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.prompts.content import text_prompt
from storage.store import open_store
from tests.browser.conftest import DRAWN_MS, Noted, overflow_px, settled
from tests.builders import ADA, made, run_to_end

PHONE = {"width": 390, "height": 844}
TITLES = [
    "Home",
    "Prompts",
    "Test sets",
    "Experiments",
    "Rate answers",
    "Quality checks",
    "Live tests",
    "In production",
    "Settings",
]
PATHS = [
    "/",
    "/prompts",
    "/test-sets",
    "/test-sets?do=Add+a+test+set",
    "/experiments",
    "/experiments?view=New+comparison",
    "/result?exp=sums&how=true",
    "/checks",
    "/ratings",
    "/rate",
    "/live",
    "/production",
    "/settings",
    "/settings?section=This+installation",
]


@pytest.fixture(scope="module")
def home(home: Path) -> Path:
    """The module's home, with a finished experiment and a live prompt."""
    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    made(store)
    run_to_end(store)
    save_prompt(store, "adder", text_prompt("Add up: {{question}}", model="demo/small"), actor=ADA)
    set_label(store, "adder", label="production", at="1", actor=ADA, reason="The first one.")
    store.close()
    return home


def test_the_first_deep_link_after_a_start_has_the_shell(new_page: Callable[..., Page], noted: Noted) -> None:
    page = new_page("/production")  # the first request that this server ever gets
    settled(page)

    expect(page.get_by_role("heading", name="In production")).to_be_visible()
    links = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    assert [title for title in TITLES if any(title in link for link in links)] == TITLES
    assert not any("browse_registry" in link for link in links)
    assert noted.foreign == []


def test_no_page_is_wider_than_a_phone(new_page: Callable[..., Page]) -> None:
    page = new_page("/", PHONE)
    base = page.url.rstrip("/")
    wide = {}
    for path in PATHS:
        page.goto(f"{base}{path}")
        settled(page, DRAWN_MS)
        expect(page.get_by_role("heading").first).to_be_visible()
        if overflow_px(page):
            wide[path] = overflow_px(page)

    assert wide == {}


def test_j_and_k_walk_through_the_rows_and_the_address_follows(new_page: Callable[..., Page]) -> None:
    page = new_page("/result?exp=sums")
    row = page.locator("strong", has_text=re.compile(r"^Row \d+$"))
    expect(row).to_be_visible()
    settled(page)
    first = row.inner_text()

    _press_until_heard(page, "j", row, leaves=first)
    second = row.inner_text()
    expect(page).to_have_url(re.compile(f"row={second.removeprefix('Row ')}"))
    page.reload()
    expect(row).to_have_text(second)
    settled(page)
    _press_until_heard(page, "k", row, leaves=second)
    expect(row).to_have_text(first)


def _press_until_heard(page: Page, key: str, row: Locator, *, leaves: str) -> None:
    """Press again while nothing happens: Streamlit loses keys until a page that just arrived has settled inside."""
    for _ in range(8):
        page.keyboard.press(key)
        try:
            expect(row).not_to_have_text(leaves, timeout=5_000)
        except AssertionError:
            continue
        return
    expect(row).not_to_have_text(leaves)


def test_one_key_asks_both_prompts(new_page: Callable[..., Page]) -> None:
    page = new_page("/prompts?prompt=sums")
    expect(page.get_by_label("Prompt A")).to_have_value(re.compile("question"))
    settled(page)

    page.get_by_label("Prompt B").press("Control+Enter")

    expect(page.get_by_text("tokens out")).to_have_count(2)
    expect(page.get_by_text("✓ {{question}}")).to_be_visible()


def test_a_new_prompt_starts_with_empty_editors(new_page: Callable[..., Page]) -> None:
    """The browser gives a deleted value of a drawn field back, so only a browser shows this."""
    page = new_page("/prompts?prompt=sums")
    expect(page.get_by_label("Prompt A")).not_to_have_value("")
    settled(page)

    page.get_by_role("combobox", name="Prompt").click()
    page.get_by_role("option", name="a new prompt").click()

    expect(page.get_by_label("Prompt A")).to_have_value("")
    expect(page.get_by_label("Prompt B")).to_have_value("")
