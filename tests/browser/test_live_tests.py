"""Live tests in the browser: watched, ramped, stopped, promoted, and set up from nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.results.analyse import fresh_analysis
from experiments.live.assignment import LiveState, assign
from experiments.prompts.content import text_prompt
from storage.engine import open_engine
from storage.store import Store
from tests.browser.conftest import Server, overflow_px, settled
from tests.conftest import ManualClock
from tests.live_builders import ADA, KEY, call, live_spec, made_live, met, outcome, record, started

PLAN = {"guardrails": [{"metric": "cost_usd", "margin": 0.2, "relative": True}, {"metric": "failed", "margin": 0.05}]}


@pytest.fixture(scope="module")
def home(home: Path) -> Path:
    """The module's home, with a live test that has run for nine days, and a prompt with two versions."""
    clock = ManualClock()
    store = Store(open_engine(f"sqlite:///{home / 'bakeoff.db'}"), clock)
    live = started(store, live_spec(plan=PLAN, enrol=50, forced={"tester": "B"}))
    rng = np.random.default_rng(4)
    number = 0
    for _ in range(9):
        events, now = [], clock()
        for _ in range(240):
            number += 1
            unit = f"user-{number}"
            met_by_unit = assign(live, unit)
            if not met_by_unit.counted:
                continue
            events.append(met(live, unit, now, plan="pro" if number % 3 else "free"))
            better = 0.18 if met_by_unit.variant == "B" else 0.0
            for _ in range(1 + number % 4):
                events.append(outcome(unit, float(rng.random() < 0.5 + better), now))
                events.append(call(live, unit, now, latency_ms=float(rng.lognormal(6, 0.4))))
        events += [met(live, "tester", now), met(live, None, now)]
        record(store, events)
        clock.advance(days=1)
        fresh_analysis(store, "refund reply")
    record(store, [met(live, next(u for u in (f"x{i}" for i in range(99)) if assign(live, u).counted), now)])
    for text in ("Add up: {{question}}", "Add up, then check: {{question}}"):
        save_prompt(store, "adder", text_prompt(text, model="demo/small"), actor=ADA)
    set_label(store, "adder", label="production", at="1", actor=ADA, reason="The first one.")
    made_live(store, live_spec("greeting", key="greeting"))
    store.close()
    return home


def _phase(server: Server, key: str = KEY):
    store = server.store()
    with store.read() as tx:
        found = tx.live.of_key(key)
    store.close()
    return found


def test_a_live_test_is_watched_and_promoted(new_page: Callable[..., Page]) -> None:
    page = new_page("/live")
    page.get_by_role("button", name="refund reply").click()
    settled(page)

    expect(page.get_by_text("You can promote it.")).to_be_visible()
    expect(page.get_by_role("heading", name="Traffic and cost")).to_be_visible()
    expect(page.get_by_role("heading", name="resolved over time")).to_be_visible()
    expect(page.get_by_text("The band may be read at any time")).to_be_visible()
    page.get_by_text("Who met what").click()
    page.get_by_placeholder("all, newest first").fill("tester")
    page.keyboard.press("Enter")
    expect(page.get_by_text("not counted", exact=True)).to_be_visible()
    page.get_by_text("Connect an application").click()
    expect(page.get_by_text("experiment:refund-reply")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Promote B").click()
    page.get_by_role("button", name="Promote B to production").click()
    expect(page.get_by_text("is in production.")).to_be_visible()


def test_ramp_pause_resume_and_stop_are_one_click_each(new_page: Callable[..., Page], server: Server) -> None:
    page = new_page("/live?exp=refund+reply")
    page.get_by_role("button", name="100 %").click()
    page.get_by_role("button", name="Take part with all users").click()
    expect(page.get_by_role("button", name="100 %")).to_be_disabled()
    page.get_by_text("Who met what").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused on the page")).to_be_visible()
    settled(page)
    expect(page.get_by_placeholder("all, newest first")).to_be_visible()  # a notice above must not close a panel
    assert _phase(server).state == LiveState.PAUSED
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Stop").first.click()
    page.get_by_role("dialog").get_by_text("B", exact=True).click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("everybody meets B")).to_be_visible()
    assert (_phase(server).state, _phase(server).everyone) == (LiveState.STOPPED, "B")


def test_a_live_test_is_set_up_from_two_versions(new_page: Callable[..., Page], server: Server) -> None:
    page = new_page("/live")
    page.get_by_role("button", name="New live test").click()
    expect(page.get_by_text("users per variant show an effect of 0.03 where 70 % say yes today")).to_be_visible()
    page.get_by_role("spinbutton", name="New users a day").fill("3000")
    page.keyboard.press("Tab")
    expect(page.get_by_text("With all of them it would be about 8 days.")).to_be_visible()
    page.get_by_role("button", name="Start the live test").click()

    expect(page.get_by_text("Waiting for the first user")).to_be_visible()
    phase = _phase(server, "adder-v2-live")
    assert (phase.state, phase.settings["control"]) == (LiveState.RUNNING, "v1")
    assert overflow_px(page) == 0


def test_a_written_live_test_is_started_from_its_page(new_page: Callable[..., Page], server: Server) -> None:
    page = new_page("/result?exp=greeting")
    page.get_by_role("button", name="Start the live test").click()

    expect(page.get_by_text("Waiting for the first user")).to_be_visible()
    assert _phase(server, "greeting").state == LiveState.RUNNING
