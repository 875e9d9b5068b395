"""How fast the pages are, on a database filled directly: 1,000 outputs against 100,000.

    python benchmarks/page_speed.py [--rows 500 50000] [--rounds 5]

Prints the seconds from ``bakeoff serve`` to the first page, and for each size: the median seconds until the result page
stands (a fresh browser context each time, sizes interleaved), the milliseconds of a click in the reader (p50, p95), and
the bytes that came over the wire. Targets: first page ≤ 8 s; 100,000 ≤ 1.2 × 1,000; a click under 300 ms on an idle
machine; never more than 100 rows in one message. Needs Debian's ``chromium`` (or BAKEOFF_CHROMIUM).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WORDS = ("order", "parcel", "invoice", "refund", "login", "error", "account", "label", "update", "please", "thanks")


def main() -> None:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[500, 50_000], help="rows of each experiment (2 answers each)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clicks", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for rows in options.rows:
            began = time.perf_counter()
            _fill(home, rows)
            print(f"filled {2 * rows:,} outputs in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        with _browser() as browser, _serving(home, browser) as (base, started):
            print(f"first page {started:.1f} s after the start")
            for rows, found in _measure(browser, base, options).items():
                _report(rows, found)


def _report(rows: int, found: dict[str, list[float]]) -> None:
    clicks = sorted(found["clicks"])
    p95 = clicks[max(0, round(0.95 * len(clicks)) - 1)]
    print(
        f"{2 * rows:>8,} outputs: page {statistics.median(found['loads']):.2f} s (best {min(found['loads']):.2f}), "
        f"click p50 {statistics.median(clicks):.0f} ms p95 {p95:.0f} ms, "
        f"socket {found['socket'][-1] / 1000:.0f} kB, files {found['files'][-1] / 1000:.0f} kB"
    )


# --- the data ----------------------------------------------------------------------------------------------------


def _fill(home: Path, rows: int) -> None:
    """An experiment of two variants over ``rows`` rows with two scores each, finished and analysed."""
    from experiments.actions.datasets.import_dataset import import_dataset
    from experiments.actions.results.analyse import fresh_analysis
    from experiments.actions.runs.create_experiment import create_experiment
    from experiments.experiment_file import ExperimentSpec
    from experiments.vocabulary import Actor, ExperimentState, Role, RunState
    from storage import imports, schema
    from storage.store import open_store

    actor = Actor("benchmark", Role.ADMIN)
    store = open_store(f"sqlite:///{home / 'bakeoff.db'}")
    schema.upgrade(store.engine)
    chance = random.Random(rows)
    lines = ["ticket_id,body,answer,language"]
    lines += [
        f"T-{i},{_text(chance, 25)},{chance.choice(WORDS)},{chance.choice(['en', 'de', 'fr'])}" for i in range(rows)
    ]
    roles = {"reference": "answer", "unit": "ticket_id", "slices": ["language"]}
    name = f"speed-{rows}"
    done = import_dataset(store, "\n".join(lines).encode(), filename="t.csv", name=name, actor=actor, roles=roles)
    spec = ExperimentSpec.model_validate(
        {
            "name": name,
            "dataset": name,
            "variants": [
                {"name": "A", "prompt": "Reply: {{body}}", "model": "demo/small"},
                {"name": "B", "prompt": "Reply briefly: {{body}}", "model": "demo/small"},
            ],
            "scorers": ["exact_match", {"length": {"max_words": 30, "name": "brief"}}],
            "plan": {
                "primary": {"metric": "exact_match", "smallest_effect": 0.03},
                "guardrails": [{"metric": "cost_usd", "margin": 0.1, "relative": True}],
            },
        }
    )
    experiment, _ = create_experiment(store, spec, dataset_version_id=done.version.id, actor=actor)
    with store.begin() as tx:
        now = tx.clock()
        run = tx.runs.add(
            experiment.id,
            {
                "kind": "full", "state": RunState.FINISHED, "repeats": 1, "seed": 1, "limits": {}, "revision": 2 * rows,
                "planned_trials": 2 * rows, "created_by": "benchmark", "created_at": now, "started_at": now,
                "ended_at": now,
            },
        )  # fmt: skip
        tx.experiments.change(experiment.id, locked_at=now, state=ExperimentState.ANALYSED)
        uses = {use.metric: use.fingerprint for use in tx.experiments.scorers(experiment.id)}
        variants = tx.experiments.variants(experiment.id)
        outputs, scores = [], []
        for example in tx.datasets.stream_examples(done.version.id, chunk=2000):
            for variant in variants:
                outputs.append(_output(chance, run.id, variant.id, example.id, variant.position, now))
                scores += _scores(chance, outputs[-1]["id"], uses, variant.position, now)
        imports.insert_outputs(tx, outputs, scores, [])
    fresh_analysis(store, name)
    store.close()


def _output(chance: random.Random, run: str, variant: str, example: str, position: int, now: Any) -> dict[str, Any]:
    from experiments.vocabulary import new_id

    return {
        "id": new_id(), "run_id": run, "variant_id": variant, "example_id": example, "repetition": 0, "status": "ok",
        "response_class": "answer", "text": _text(chance, 60), "tool_calls": None, "finish_reason": "stop",
        "served_model": "demo/small", "request_hash": "", "attempt_id": None, "attempts": 1, "prompt_tokens": 60,
        "completion_tokens": 80, "cost_usd": 0.00005 * chance.uniform(0.8, 1.2 - 0.1 * position),
        "cost_status": "known", "latency_ms": chance.uniform(200, 900), "first_token_ms": None, "cached": False,
        "simulated": True, "sanitised": False, "error_kind": None, "error_message": None, "created_at": now,
    }  # fmt: skip


def _scores(chance: random.Random, output: str, uses: dict[str, str], position: int, now: Any) -> list[dict[str, Any]]:
    from experiments.vocabulary import new_id

    return [
        {
            "id": new_id(), "output_id": output, "metric": metric, "fingerprint": fingerprint,
            "value": float(chance.random() < 0.6 + 0.05 * position), "reason": "differs from the reference",
            "details": None, "created_at": now,
        }
        for metric, fingerprint in uses.items()
    ]  # fmt: skip


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(words))


# --- the server and the browser --------------------------------------------------------------------------------


@contextmanager
def _serving(home: Path, browser: Any) -> Iterator[tuple[str, float]]:
    """(address, seconds until a browser showed the first page) of a real server over that home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(ROOT / ".venv/bin/bakeoff"), "serve", "--no-worker", "--no-sample", "--port", str(port)]
    began = time.perf_counter()
    server = subprocess.Popen(command, env={**os.environ, "BAKEOFF_HOME": str(home)}, stdout=subprocess.DEVNULL)
    base = f"http://localhost:{port}"
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{base}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.05)
        page = browser.new_page()
        page.goto(base)
        page.get_by_role("heading", name="Home").wait_for(timeout=60_000)
        started = time.perf_counter() - began
        page.close()
        yield base, started
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("BAKEOFF_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _measure(browser: Any, base: str, options: argparse.Namespace) -> dict[int, dict[str, list[float]]]:
    found: dict[int, dict[str, list[float]]] = {
        rows: {"loads": [], "clicks": [], "socket": [], "files": []} for rows in options.rows
    }
    for number in range(options.rounds + 1):
        for rows in options.rows:
            seconds, page = _load(browser, f"{base}/result?exp=speed-{rows}", found[rows])
            if number > 0:  # the first round fills caches and imports
                found[rows]["loads"].append(seconds)
            else:
                print(f"{2 * rows:,} outputs, very first: {seconds:.2f} s", file=sys.stderr)
            if number == options.rounds:
                found[rows]["clicks"] = [_click(page) for _ in range(options.clicks)]
            page.context.close()
    return found


def _load(browser: Any, address: str, found: dict[str, list[float]]) -> tuple[float, Any]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    received = {"socket": 0, "files": 0}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda e: received.update(files=received["files"] + e["encodedDataLength"]))
    session.on(
        "Network.webSocketFrameReceived",
        lambda e: received.update(socket=received["socket"] + len(e["response"]["payloadData"]) * 3 // 4),
    )
    began = time.perf_counter()
    page.goto(address)
    page.get_by_text("How this was computed").wait_for(timeout=120_000)
    seconds = time.perf_counter() - began
    page.get_by_role("button", name="Next Shortcut J").wait_for()
    page.wait_for_timeout(800)  # the list has to be there before its keys are
    for name, value in received.items():
        found[name].append(value)
    return seconds, page


def _click(page: Any) -> float:
    """Milliseconds from pressing J until another row is open."""
    before = page.locator("text=/^Row [0-9,]+$/").first.inner_text()
    began = time.perf_counter()
    page.keyboard.press("j")
    page.wait_for_function(
        "before => [...document.querySelectorAll('strong')]"
        ".some(e => /^Row [0-9,]+$/.test(e.innerText) && e.innerText !== before)",
        arg=before,
        polling=5,
    )
    milliseconds = 1000 * (time.perf_counter() - began)
    page.wait_for_function("document.querySelector('.stApp')?.getAttribute('data-test-script-state') === 'notRunning'")
    return milliseconds


if __name__ == "__main__":
    main()
