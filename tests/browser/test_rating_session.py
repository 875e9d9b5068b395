"""A rater's whole way on a real server: the link, the keys, what the browser gets to know, reload, tabs, the end."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.rating.open_rating import OpenedSession, revoke_links
from experiments.plans.plan import Plan
from experiments.ratings.questions import PAIR_CHOICES
from experiments.vocabulary import TaskState
from storage.records import RatingTaskRecord
from storage.store import Store, open_store
from tests.browser.conftest import DESKTOP, WAIT_MS, Server
from tests.builders import ADA
from tests.rating_builders import opened

EXPERIMENT, VARIANTS, MODELS = (
    "autumn-tone-trial",
    ("warm-badger", "cold-heron"),
    ("openai/gpt-9-nano", "acme/loom-77b"),
)
SECRETS = (EXPERIMENT, *VARIANTS, "gpt-9", "loom-77b", "acme")
CHOICES = {choice.key: choice.value for choice in PAIR_CHOICES}
PHONE = {"width": 390, "height": 844}
TIMES = Path(__file__).with_name("rating_times.js").read_text("utf-8")


def answers(rows: int) -> bytes:
    """Answers whose variants, models and experiment have names that occur nowhere else."""
    lines: list[dict[str, Any]] = [
        {
            "example_id": f"row-{i}",
            "variant": variant,
            "model": model,
            "output": f"Dear customer {i},\n\n{tone} about parcel **{i}**.\n\n- It left on day {i}.\n- `T{i}` is its code.",
            "ticket": f"Where is parcel {i}?",
            "score:length": 20 + place,
        }
        for i in range(rows)
        for place, (variant, model, tone) in enumerate(zip(VARIANTS, MODELS, ("good news", "bad news"), strict=True))
    ]
    return "\n".join(json.dumps(line) for line in lines).encode()


@pytest.fixture(scope="module")
def sessions(home: Path) -> dict[str, OpenedSession]:
    """Sessions of the module's home, opened before the server starts."""
    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    plan = Plan.model_validate({"primary": {"metric": "length", "smallest_effect": 0.5}})
    import_outputs(store, answers(60), filename="answers.jsonl", experiment=EXPERIMENT, actor=ADA, plan=plan)
    some = {"pick": "random", "count": 30}
    guide = {"instructions": "Prefer the answer that **names a day**.", "ask_name": True}
    made = {
        "thirty": opened(store, EXPERIMENT, rows=some, **guide),
        "fast": opened(store, EXPERIMENT, overlap=1),
        "few": opened(store, EXPERIMENT, rows={"pick": "random", "count": 6}),
        "phone": opened(store, EXPERIMENT, kind="scale", metric="stars", anchors={"1": "Useless", "5": "Perfect"}),
        "one of two": opened(store, EXPERIMENT),
        "two of two": opened(store, EXPERIMENT),
        "revoked": opened(store, EXPERIMENT),
    }
    store.close()
    return made


@pytest.fixture
def database(server: Server) -> Iterator[Store]:
    """The server's database."""
    store = server.store()
    yield store
    store.close()


@pytest.fixture
def come(browser: Browser, sessions: dict[str, OpenedSession], server: Server) -> Iterator[Callable[..., Page]]:
    """Opens a session's link in a browser of one's own."""
    contexts: list[BrowserContext] = []

    def opened_by_link(name: str, prepare: Callable[[Page], None] | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        if prepare:
            prepare(page)
        page.goto(f"{server.base}{sessions[name].path}")
        expect(page.locator(".choice").first).to_be_visible()
        return page

    yield opened_by_link
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def server(home: Path, sessions: dict[str, OpenedSession]) -> Iterator[Server]:
    """The module's server, after its sessions were opened."""
    from tests.browser.conftest import serving

    with serving(home) as running:
        yield running


def rated(store: Store, session: OpenedSession) -> list[RatingTaskRecord]:
    """What the only rater of a session decided, in the order of the decisions."""
    with store.read() as tx:
        (rater,) = tx.ratings.raters(session.session_id)
        tasks = [task for task, _, _ in tx.rating_tasks.of_rater(rater.id) if task.state == TaskState.RATED]
    return sorted(tasks, key=lambda task: task.decision or 0)


def says(page: Page, text: str) -> None:
    expect(page.locator(".rate")).to_contain_text(text)


def saved(page: Page) -> None:
    expect(page.locator(".kept")).to_have_text("Saved")


def test_thirty_items_by_keyboard_teach_the_browser_no_name(
    come: Callable[..., Page], sessions: dict[str, OpenedSession], database: Store
) -> None:
    bodies: list[Response] = []
    frames: list[bytes] = []

    def listen(page: Page) -> None:
        page.add_init_script(TIMES)
        page.on("response", lambda response: bodies.append(response))  # noqa: PLW0108 - a built-in cannot listen
        page.on("websocket", lambda ws: ws.on("framereceived", lambda data: frames.append(_as_bytes(data))))

    page = come("thirty", listen)
    assert page.url.endswith("/rate")
    says(page, "Item 1 of 30")
    expect(page.locator(".guide")).to_contain_text("names a day")
    expect(page.locator("[data-testid=stSidebarNav]")).to_have_count(0)
    keys = random.Random(8).choices("1234", k=30)
    for number, key in enumerate(keys):
        says(page, f"Item {number + 1} of 30")
        page.wait_for_timeout(60)
        page.keyboard.press(key)
        if number == 0:
            saved(page)  # a visitor holds few items; the others come with the answer to the first
    says(page, "All done")

    assert [task.choice for task in rated(database, sessions["thirty"])] == [CHOICES[key] for key in keys]
    times = sorted(page.evaluate("window.keyTimes"))
    print(
        f"key to next item: p50 {times[len(times) // 2]:.0f} ms, p95 {times[int(0.95 * len(times))]:.0f} ms, n {len(times)}"
    )
    assert len(times) == 29
    assert times[int(0.95 * len(times))] < 500
    received = [_body(response) for response in bodies] + frames + [page.content().encode()]
    assert any(b"parcel" in text for text in received)
    heard = b"\n".join(received).lower() + "\n".join(r.url for r in bodies).encode().lower()
    assert [name for name in SECRETS if name.encode() in heard] == []


def _as_bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def _body(response: Response) -> bytes:
    """Everything about a response; a redirect has no body."""
    headers = json.dumps(response.headers).encode()
    return headers if 300 <= response.status < 400 else headers + response.body()


def test_twenty_five_keys_a_second_land_in_order(
    come: Callable[..., Page], sessions: dict[str, OpenedSession], database: Store
) -> None:
    trips: list[float] = []
    page = come("fast")
    page.on("requestfinished", lambda r: trips.append(r.timing["responseEnd"]) if r.url.endswith("/votes") else None)
    says(page, "Item 1 of 60")
    keys = random.Random(5).choices("1234", k=60)

    page.keyboard.press(keys[0])
    saved(page)  # a visitor holds few items; the others come with the answer to the first
    begun = time.monotonic()
    for number, key in enumerate(keys[1:]):
        time.sleep(max(0.0, begun + number * 0.04 - time.monotonic()))
        page.keyboard.press(key)
    took = time.monotonic() - begun
    says(page, "All done")
    saved(page)

    done = rated(database, sessions["fast"])
    print(
        f"{len(keys[1:]) / took:.1f} keys a second, {len(done)} votes in {len(trips)} requests of {max(trips):.0f} ms at most"
    )
    assert [task.choice for task in done] == [CHOICES[key] for key in keys]
    assert [task.sequence for task in done] == sorted(task.sequence for task in done)


def test_reload_undo_and_two_tabs_keep_one_rating_per_item(
    come: Callable[..., Page], sessions: dict[str, OpenedSession], database: Store
) -> None:
    page = come("few")
    page.keyboard.press("1")
    says(page, "Item 2 of 6")
    saved(page)
    second = page.locator(".input").inner_text()
    page.reload()
    expect(page.locator(".input")).to_contain_text(second.split("\n")[-1])

    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".input")).to_contain_text(second.split("\n")[-1])
    page.keyboard.press("2")
    expect(other.locator(".notice")).to_contain_text("another tab")
    saved(page)
    page.keyboard.press("Backspace")
    expect(page.locator(".input")).to_contain_text(second.split("\n")[-1])
    saved(page)
    page.keyboard.press("3")
    says(page, "Item 3 of 6")
    saved(page)

    assert [task.choice for task in rated(database, sessions["few"])] == ["left", "both_bad"]


def test_two_sessions_in_one_browser_keep_their_votes_apart(
    come: Callable[..., Page], sessions: dict[str, OpenedSession], database: Store, server: Server
) -> None:
    first = come("one of two")
    second = first.context.new_page()
    second.goto(f"{server.base}{sessions['two of two'].path}")
    expect(second.locator(".choice").first).to_be_visible()

    for page, key in ((first, "1"), (second, "4"), (first, "2")):
        page.bring_to_front()
        page.keyboard.press(key)
        saved(page)

    assert [task.choice for task in rated(database, sessions["one of two"])] == ["left", "both_good"]
    assert [task.choice for task in rated(database, sessions["two of two"])] == ["right"]


def test_a_phone_rates_a_scale_by_touch(
    come: Callable[..., Page], sessions: dict[str, OpenedSession], database: Store
) -> None:
    page = come("phone", viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for words in ("1 Useless", "2", "5 Perfect", "Skip", "Undo", "I know who wrote this"):
        expect(page.get_by_role("button", name=words, exact=True)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="5 Perfect").tap()
    says(page, "Item 2 of")
    page.get_by_role("button", name="2", exact=True).tap()
    says(page, "Item 3 of")
    saved(page)

    assert [task.choice for task in rated(database, sessions["phone"])] == ["5", "2"]


def test_a_revoked_link_ends_politely(
    come: Callable[..., Page], sessions: dict[str, OpenedSession], database: Store, server: Server
) -> None:
    page = come("revoked")
    revoke_links(database, sessions["revoked"].session_id, actor=ADA)
    page.keyboard.press("1")
    says(page, "Open your link again")
    page.goto(f"{server.base}{sessions['revoked'].path}")
    expect(page.get_by_role("heading")).to_contain_text("opens nothing")


def test_without_a_link_there_is_nothing_to_rate(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{server.base}/rate")
    expect(page.get_by_text("You will get a link when a session opens.")).to_be_visible()
    page.close()
