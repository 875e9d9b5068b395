"""How fast the rating screen is, in a real browser on a real server: the key, the next item, the way to the database.

    python benchmarks/rating_speed.py [--items 100] [--words 250]

Prints the milliseconds from a key to the next item painted (p50, p95, worst), then presses 25 keys a second and prints
how many reached the database in order, and how long the requests took. Targets: key to next item under 50 ms, no key
lost at 25 keys a second. Needs Debian's ``chromium`` (or BAKEOFF_CHROMIUM).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WORDS = (
    "order",
    "parcel",
    "invoice",
    "refund",
    "login",
    "**error**",
    "account",
    "`label`",
    "update",
    "please",
    "thanks",
)
CHOICES = {"1": "left", "2": "both_good", "3": "both_bad", "4": "right"}
A_SECOND = 25


def main() -> None:
    """Fill, serve, press, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--words", type=int, default=250, help="words of each answer")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import ARGUMENTS, serving

    chromium = os.environ.get("BAKEOFF_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        paced, fast = _fill(home, options.items, options.words)
        with serving(home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            _press_paced(_come(browser, f"{server.base}{paced}"), options.items)
            _press_fast(_come(browser, f"{server.base}{fast}"), options.items, home)
            browser.close()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def _press_paced(page: Any, items: int) -> None:
    for number in range(items):
        page.keyboard.press("1234"[number % 4])
        page.wait_for_timeout(120)
    times = page.evaluate("window.keyTimes")
    print(f"key to next item: {_told(times)}")


def _press_fast(page: Any, items: int, home: Path) -> None:
    trips: list[float] = []
    page.on("requestfinished", lambda r: trips.append(r.timing["responseEnd"]) if r.url.endswith("/votes") else None)
    keys = random.Random(3).choices("1234", k=items)
    begun = time.monotonic()
    for number, key in enumerate(keys):
        time.sleep(max(0.0, begun + number / A_SECOND - time.monotonic()))
        page.keyboard.press(key)
    pace = items / (time.monotonic() - begun)
    page.wait_for_timeout(3000)
    kept = _kept(home)
    right = sum(a == CHOICES[b] for a, b in zip(kept, keys, strict=False))
    print(f"{pace:.1f} keys a second: {len(kept)} of {items} kept, {right} in place; requests {_told(trips)}")


def _told(times: Sequence[float]) -> str:
    ordered = sorted(times)
    p95 = ordered[max(0, round(0.95 * len(ordered)) - 1)]
    return f"p50 {ordered[len(ordered) // 2]:.0f} ms, p95 {p95:.0f} ms, worst {ordered[-1]:.0f} ms, n {len(ordered)}"


def _come(browser: Any, address: str) -> Any:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script((ROOT / "tests" / "browser" / "rating_times.js").read_text("utf-8"))
    page.goto(address)
    page.wait_for_selector(".choice", timeout=60_000)
    page.wait_for_timeout(2000)
    return page


def _fill(home: Path, items: int, words: int) -> tuple[str, str]:
    """Paths of the links of two sessions over the same answers."""
    from experiments.actions.datasets.import_outputs import import_outputs
    from experiments.plans.plan import Plan
    from storage import schema
    from storage.store import open_store
    from tests.builders import ADA
    from tests.rating_builders import opened

    rng = random.Random(1)
    lines = [
        json.dumps(
            {
                "example_id": f"r{row}",
                "variant": variant,
                "output": f"{row}: " + " ".join(rng.choices(WORDS, k=words)),
                "ticket": f"Ticket {row}",
                "score:length": words,
            }
        )
        for row in range(items + 1)
        for variant in ("one", "two")
    ]
    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    schema.upgrade(store.engine)
    plan = Plan.model_validate({"primary": {"metric": "length", "smallest_effect": 1}})
    import_outputs(store, "\n".join(lines).encode(), filename="a.jsonl", experiment="speed", actor=ADA, plan=plan)
    paths = opened(store, "speed").path, opened(store, "speed").path
    store.close()
    return paths


def _kept(home: Path) -> list[str | None]:
    """What the last rater chose, in the order of the decisions."""
    from storage.store import open_store

    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    with store.read() as tx:
        (rater,) = tx.ratings.raters(tx.ratings.all()[0].id)
        tasks = [t for t, _, _ in tx.rating_tasks.of_rater(rater.id) if t.decision is not None]
    store.close()
    return [t.choice for t in sorted(tasks, key=lambda t: t.decision or 0)]


if __name__ == "__main__":
    main()
