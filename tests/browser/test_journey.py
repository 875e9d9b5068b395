"""The main job in a real browser: two variants, a test set, a plan, a run, a verdict, production, and the way back."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable

from playwright.sync_api import Page, expect

from experiments.actions.installation.manage_keys import create_key
from experiments.vocabulary import Actor, Role, Scope
from tests.browser.conftest import Noted, Server, settled

LABELS = "refund, login, shipping, other"
FIRST = "What is this ticket about? Choose one of: " + LABELS + "\n\n{{body}}"
SECOND = (
    "You are the mail room of a shop. Sort this ticket into one of: " + LABELS + ".\n\n"
    '"refund" means money back. "login" means passwords. "shipping" means parcels. If none fits, choose "other". '
    "Answer with only the label.\n\n<ticket>\n{{body}}\n</ticket>"
)
TEXTS = {
    "refund": "I was charged twice, please refund one payment of order {i}.",
    "login": "My password is rejected since day {i}, I cannot log in.",
    "shipping": "Where is my parcel {i}? The tracking has not moved.",
    "other": "Just wanted to say hello for the {i}th time.",
}


def tickets() -> bytes:
    lines = ["ticket_id,body,label,channel"]
    for i in range(80):
        topic = list(TEXTS)[i % 4]
        lines.append(f'T-{i},"{TEXTS[topic].format(i=i)}",{topic},{"chat" if i % 3 else "email"}')
    return "\n".join(lines).encode()


def test_from_two_prompts_to_a_promoted_winner_and_back(
    server: Server, new_page: Callable[..., Page], noted: Noted
) -> None:
    page = new_page("/")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()

    write_two_variants(page)
    upload_tickets(page)
    plan_and_start(page)
    read_the_result(page)
    promote(page)
    assert served(server) == ("ticket-topic", 2, SECOND)
    roll_back(page)
    assert served(server) == ("ticket-topic", 1, FIRST)
    assert noted.foreign == []


def write_two_variants(page: Page) -> None:
    page.get_by_role("link", name="Prompts").click()
    page.get_by_label("Prompt A").fill(FIRST)
    page.get_by_label("Prompt B").fill(SECOND)
    page.get_by_label("Prompt B").press("Control+Enter")  # nothing to fill in {{body}} with yet: it can be typed
    page.get_by_label("{{body}}").fill("Where is my parcel? It should be here.")
    settled(page)  # a key that comes while the field is new is lost
    page.get_by_label("{{body}}").press("Control+Enter")
    answers = page.get_by_text("tokens out")
    expect(answers).to_have_count(2)
    expect(page.get_by_text("Simulated model").first).to_be_visible()
    expect(page.locator("ins").first).to_be_visible()
    for number in range(2):
        page.get_by_role("button", name="Save as version").nth(number).click()
        form = page.get_by_role("dialog", name="Save as version")
        form.get_by_label("Prompt").fill("ticket-topic")
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_text(f"Version {number + 1} of ticket-topic is saved.")).to_be_visible()


def upload_tickets(page: Page) -> None:
    page.get_by_role("link", name="Test sets").click()
    page.set_input_files("input[type=file]", {"name": "tickets.csv", "mimeType": "text/csv", "buffer": tickets()})
    expect(page.get_by_text("80 rows, 4 columns")).to_be_visible()
    page.get_by_role("button", name="Save test set").click()
    expect(page.get_by_text("Version 1 of tickets is saved.")).to_be_visible()


def plan_and_start(page: Page) -> None:
    page.get_by_role("link", name="In production").click()
    page.get_by_role("button", name="Put it into production").wait_for()
    page.get_by_label("Version").click()
    page.get_by_role("option", name="1", exact=True).click()
    page.get_by_role("button", name="Put it into production").click()
    expect(page.get_by_text("live since")).to_be_visible()
    page.get_by_role("link", name="Experiments").click()
    expect(page.get_by_text("The price of certainty")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("sorting-with-hints")
    page.get_by_label("Name", exact=True).press("Enter")
    limit = page.get_by_label("Cost: at most % higher")  # the longer prompt may cost more
    limit.fill("300")
    limit.press("Enter")
    start = page.get_by_role("button", name="Start the test")
    expect(start).to_be_enabled()
    expect(page.get_by_text("You have 80")).to_be_visible()
    start.click()


def read_the_result(page: Page) -> None:
    expect(page.get_by_role("heading", name="sorting-with-hints")).to_be_visible()
    expect(page.get_by_text("How sure are we?")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("B is better. You can promote it.")).to_be_visible()
    page.get_by_role("radio", name="B better").click()
    expect(page.locator("strong", has_text=re.compile(r"^Row \d+$"))).to_be_visible()
    expect(page).to_have_url(re.compile("who=treatment"))


def promote(page: Page) -> None:
    page.get_by_role("button", name="Promote B").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("version 1 → version 2")).to_be_visible()
    dialog.get_by_role("button", name="Promote B to production").click()
    expect(page.get_by_text("Version 2 of ticket-topic is in production.")).to_be_visible()


def roll_back(page: Page) -> None:
    page.get_by_role("link", name="See it in production").click()
    expect(page.get_by_text("promoted by")).to_be_visible()
    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Roll back to version 1").click()
    expect(dialog.get_by_text("needs a reason")).to_be_visible()
    dialog.get_by_label("Why").fill("The help desk reads another form.")
    dialog.get_by_label("Why").press("Enter")
    dialog.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_text("rolled back by")).to_be_visible()


def served(server: Server) -> tuple[str, int, str]:
    """What an application gets by label, over HTTP with a key."""
    store = server.store()
    made = create_key(store, "app", [Scope.READ], actor=Actor("ada", Role.ADMIN))
    store.close()
    request = urllib.request.Request(
        f"{server.base}/api/v1/prompts/ticket-topic?label=production", headers={"Authorization": f"Bearer {made.key}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        body = json.load(response)
    return body["name"], body["version"], body["messages"][0]["content"]
