"""The rater's screen against the rating routes without a database: keys, faults, tabs, sizes, hostile texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import hostile
from tests.browser.conftest import ARGUMENTS, DESKTOP, WAIT_MS
from tests.fake_rating_server import PAIRWISE, FakeSession, pairs, serving_fake

PHONE = {"width": 390, "height": 844}
CHOICES = {choice["key"]: choice["value"] for choice in PAIRWISE}


class Rater:
    """A browser with the screen open."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.page = self.another_tab()

    def another_tab(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(self.address)
        return page

    def press(self, keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def up(self, item: int) -> None:
        """The item is on the screen."""
        expect(self.page.locator(".input")).to_contain_text(f"Question {item}")
        expect(self.page.locator("[data-side=left] .body")).to_have_text(f"left {item}")

    def says(self, text: str) -> None:
        expect(self.page.locator(".rate")).to_contain_text(text)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser without a server beside it."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def rating(browser: Browser) -> Iterator[Callable[..., Rater]]:
    """Opens the screen on a session."""
    opened = []

    def open_screen(fake: FakeSession, **context: object) -> Rater:
        served = serving_fake(fake)
        address = served.__enter__()
        made = browser.new_context(**{"viewport": DESKTOP, **context})
        opened.append((made, served))
        return Rater(made, address)

    yield open_screen
    for context, served in opened:
        context.close()
        served.__exit__(None, None, None)


def choices(fake: FakeSession) -> list[str | None]:
    """What was answered, by item."""
    return [fake.votes[t["id"]]["choice"] for t in fake.tasks if t["id"] in fake.votes]


def test_twenty_five_keys_a_second_all_land_on_their_item(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(75), delay_s=0.1)
    rater = rating(fake)
    rater.up(0)
    keys = random.Random(4).choices("1234", k=75)

    begun = time.monotonic()
    for number, key in enumerate(keys):
        time.sleep(max(0.0, begun + number * 0.04 - time.monotonic()))
        rater.page.keyboard.press(key)

    rater.says("All done")
    assert choices(fake) == [CHOICES[key] for key in keys]
    assert fake.order == [task["id"] for task in fake.tasks]


def test_a_lost_reply_neither_loses_nor_doubles_a_vote_or_an_undo(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(6))
    rater = rating(fake)
    rater.up(0)
    rater.press("12")
    rater.says("Saved")

    fake.lose_replies = 2
    rater.page.keyboard.press("Backspace")
    rater.up(1)
    rater.press("3")
    rater.up(2)
    rater.says("Saved")

    assert choices(fake) == ["left", "both_bad"]


def test_votes_outlive_a_server_that_is_away_and_a_reload(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(9))
    rater = rating(fake)
    rater.up(0)
    fake.down = True
    rater.press("1234")
    rater.up(4)
    rater.says("No connection: 4 kept here")
    rater.page.reload()
    rater.says("No connection")
    assert choices(fake) == []

    fake.down = False

    rater.up(4)
    rater.says("Saved")
    assert choices(fake) == ["left", "both_good", "both_bad", "right"]


def test_undo_reaches_back_before_the_reload_and_shows_what_was_chosen(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(5))
    rater = rating(fake)
    rater.up(0)
    rater.press("11")
    rater.says("Saved")
    rater.page.reload()
    rater.up(2)

    rater.page.keyboard.press("Backspace")
    rater.up(1)
    rater.says("Saved")
    rater.page.keyboard.press("Backspace")
    rater.up(0)
    rater.press("4")
    rater.up(1)
    rater.says("Saved")
    assert choices(fake) == ["right"]

    rater.page.keyboard.press("Backspace")
    expect(rater.page.locator(".choice.before")).to_have_text("4Right is better")


def test_two_tabs_make_one_rating(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(4))
    rater = rating(fake)
    other = rater.another_tab()
    expect(other.locator(".input")).to_contain_text("Question 0")
    rater.up(0)

    rater.press("1")
    expect(other.locator(".input")).to_contain_text("Question 1")
    expect(other.locator(".notice")).to_have_text("That item was rated in another tab.")
    other.keyboard.press("4")
    rater.up(2)
    rater.press("22")

    rater.says("All done")
    expect(other.locator(".state")).to_contain_text("All done")
    assert choices(fake) == ["left", "right", "both_good", "both_good"]
    assert len(fake.order) == 4


def test_skip_and_report_say_which_they_are(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(3))
    rater = rating(fake)
    rater.up(0)
    rater.press("s")
    rater.up(1)
    rater.press("w")
    rater.says("Reported")
    rater.up(2)
    rater.says("Saved")

    assert [(v["action"], v["choice"]) for v in fake.votes.values()] == [("skip", None), ("report", None)]


def test_a_held_key_and_a_typed_digit_are_no_votes(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(5), {"comment": True, "reasons": ["Too long", "Rude"]})
    rater = rating(fake)
    rater.up(0)
    rater.page.keyboard.down("1")
    rater.page.keyboard.down("1")
    rater.page.keyboard.down("1")
    rater.page.keyboard.up("1")
    rater.up(1)

    rater.page.get_by_role("button", name="Rude").click()
    rater.press("c")
    rater.page.keyboard.type("wrong in 2 of 4 places")
    rater.up(1)
    rater.page.keyboard.press("Escape")
    rater.press("4")
    rater.up(2)
    rater.says("Saved")

    assert fake.votes["t1"]["reasons"] == ["Rude"]
    assert fake.votes["t1"]["comment"] == "wrong in 2 of 4 places"
    assert fake.votes["t0"]["comment"] == ""
    expect(rater.page.locator("[data-reason='Rude']")).to_have_attribute("aria-pressed", "false")


def test_an_item_that_went_to_somebody_else_is_said_and_left(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(5))
    rater = rating(fake)
    rater.up(0)
    fake.gone = {"t0", "t1"}
    rater.press("1")

    rater.says("That item went to somebody else.")
    rater.up(2)
    assert choices(fake) == []


@pytest.mark.parametrize(
    ("end", "words"),
    [((401, "link_needed"), "Open your link again"), ((410, "session_closed"), "This session is closed")],
)
def test_the_end_is_said(rating: Callable[..., Rater], end: tuple[int, str], words: str) -> None:
    fake = FakeSession(pairs(3))
    rater = rating(fake)
    rater.up(0)
    fake.end = end
    rater.press("1")

    rater.says(words)
    rater.press("2")
    assert choices(fake) == []


def test_both_panes_scroll_together_to_their_ends(rating: Callable[..., Rater]) -> None:
    tasks = pairs(2)
    tasks[0] |= {"left": "left line\n\n" * 80, "right": "right line\n\n" * 200}
    rater = rating(FakeSession(tasks))
    rater.says("left line")
    share = "e => e.scrollTop / (e.scrollHeight - e.clientHeight)"
    left, right = (rater.page.locator(f"[data-side={side}] .body") for side in ("left", "right"))

    rater.press("jj")
    rater.page.wait_for_function(
        "() => { const root = document.getElementById('host').shadowRoot;"
        "return [...root.querySelectorAll('.body')].every(e => e.scrollTop > 0); }"
    )
    assert 0 < left.evaluate(share) < 0.5
    assert abs(left.evaluate(share) - right.evaluate(share)) < 0.02
    rater.press("j" * 150)
    expect(right.locator(".p").last).to_be_in_viewport()
    expect(left.locator(".p").last).to_be_in_viewport()


def test_hostile_answers_are_readable_and_inert(rating: Callable[..., Rater]) -> None:
    texts = [
        *hostile.TEXTS,
        "```html\n" + "\n".join(hostile.TEXTS),
        "| a | b |\n|---|---|\n| " + hostile.TEXTS[1] + " | x |",
    ]
    tasks = [{"id": f"t{i}", "prompt_text": text, "left": text, "right": f"- {text}"} for i, text in enumerate(texts)]
    fake = FakeSession(
        tasks, {"question": hostile.TEXTS[1], "instructions": hostile.TEXTS[0], "reasons": [hostile.TEXTS[2]]}
    )
    rater = rating(fake)
    asked: list[str] = []
    rater.page.on("request", lambda r: asked.append(r.url))
    rater.says("Item 1 of")
    for number in range(len(texts)):
        rater.says(f"Item {number + 1} of")
        expect(rater.page.locator("[data-side=left] .body")).to_contain_text("evil" if "evil" in texts[number] else "e")
        rater.press("t1")

    rater.says("All done")
    assert rater.page.evaluate("window.pwned ?? null") is None
    harm = rater.page.evaluate(
        "[...document.getElementById('host').shadowRoot.querySelectorAll('script,iframe,img,a,form,link,svg,object,input')]"
        ".map(e => e.outerHTML)"
    )
    assert harm == []
    assert [url for url in asked if not url.startswith(rater.address)] == []


def test_a_phone_shows_everything_and_is_rated_by_touch(rating: Callable[..., Rater]) -> None:
    tasks = pairs(3)
    tasks[0] |= {"left": "w" * 4000, "right": "```\n" + "x = 1; " * 300 + "\n```"}
    rater = rating(FakeSession(tasks, {"reasons": ["Too long", "Wrong fact", "Rude", "Off topic"], "comment": True}),
                   viewport=PHONE, has_touch=True, is_mobile=True)  # fmt: skip
    rater.says("Item 1 of 3")
    for name in ("Left is better", "Both good", "Both bad", "Right is better", "Skip", "I know who wrote this"):
        button = rater.page.get_by_role("button", name=name)
        expect(button).to_be_in_viewport(ratio=1)
        assert button.bounding_box()["height"] >= 38
    assert rater.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert rater.page.locator(".rate").evaluate("e => e.scrollWidth - e.clientWidth") <= 0

    rater.page.get_by_role("button", name="Both bad").tap()
    rater.up(1)


def test_the_guide_opens_on_the_first_item_and_on_h(rating: Callable[..., Rater]) -> None:
    example = {
        "prompt_text": "Where is it?",
        "left": "Soon",
        "right": "By noon",
        "answer": "Right is better",
        "why": "It names a time.",
    }
    rater = rating(FakeSession(pairs(3), {"instructions": "Prefer the **next step**.", "examples": [example]}))
    guide = rater.page.locator(".guide")
    expect(guide).to_contain_text("Prefer the next step.")
    expect(guide).to_contain_text("It names a time.")
    rater.press("1")
    rater.up(1)
    expect(guide).to_be_hidden()
    rater.press("h")
    expect(guide).to_be_visible()
    rater.press("h")
    expect(guide).to_be_hidden()


def test_a_name_is_asked_for_once_and_its_digits_are_no_votes(rating: Callable[..., Rater]) -> None:
    fake = FakeSession(pairs(3), ask_name=True)
    rater = rating(fake)
    rater.page.get_by_label("Your name").fill("Ada 12")
    rater.page.keyboard.press("Enter")
    rater.says("Your name is saved.")
    rater.press("1")
    rater.up(1)
    rater.says("Saved")
    rater.page.reload()
    rater.up(1)

    expect(rater.page.get_by_label("Your name")).to_have_count(0)
    assert (fake.name, choices(fake)) == ("Ada 12", ["left"])


def test_hebrew_and_arabic_run_from_the_right(rating: Callable[..., Rater]) -> None:
    task = {
        **pairs(1)[0],
        "prompt_text": "שלום עולם עם English.",
        "left": "مرحبا 123 (test)",
        "right": "- שלום\n\nplain",
    }
    page = rating(FakeSession([task])).page

    def direction(where: str) -> str:
        return page.locator(where).first.evaluate("node => getComputedStyle(node).direction")

    expect(page.locator(".input .p")).to_be_visible()
    assert [direction(".input .p"), direction("[data-side=left] .p"), direction("[data-side=right] .li")] == ["rtl"] * 3
    assert direction("[data-side=right] .p") == "ltr"
