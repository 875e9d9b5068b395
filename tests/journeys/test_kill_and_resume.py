"""SIGKILL at random moments of a run: nothing finished is lost or changed, and the books hold every paid call.

The provider is a process of its own with its own ledger, so that what was billed is known from the other side.
``BAKEOFF_KILL_ROUNDS`` asks for more rounds (``make faults-long``).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.errors import BakeoffError
from experiments.views.results.exports import export_rows
from storage.schema_revision import is_current
from storage.store import Store, open_store
from tests.fake_provider import ledger_key, read_ledger

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = int(os.environ.get("BAKEOFF_KILL_ROUNDS", "10"))
ROWS, WIDTH = 14 * ROUNDS, 12

EXPERIMENT = f"""
name: killed
dataset: rows.csv
unit: id
variants:
  - {{name: A, prompt: "Plainly: {{{{question}}}}", model: openai/fake-small}}
  - {{name: B, prompt: "Kindly: {{{{question}}}}", model: openai/fake-small}}
scorers: [{{contains: {{text: a}}}}]
plan: {{primary: {{metric: contains, smallest_effect: 0.05}}}}
prices: {{openai/fake-small: {{input_per_million: 1, output_per_million: 2}}}}
limits: {{concurrency: {WIDTH}, budget_usd: 50}}
"""


@pytest.fixture
def provider(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    command = [
        sys.executable,
        "-m",
        "tests.fake_provider",
        "--port",
        "0",
        "--latency-ms",
        "120",
        "--ledger",
        str(ledger),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    yield line.split()[-1].strip(), ledger
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_kills_lose_nothing_and_double_at_most_what_was_out(tmp_path, provider, kind, request):
    base_url, ledger = provider
    rounds = ROUNDS if kind == "sqlite" else max(3, ROUNDS // 4)
    database_url = f"sqlite:///{tmp_path / 'home' / 'bakeoff.db'}"
    if kind == "postgres":
        database_url = request.getfixturevalue("postgres").empty_database()
    environ = _environ(tmp_path, base_url, database_url)
    _write_files(tmp_path)
    (tmp_path / "home").mkdir()
    store = open_store(database_url)
    draw = random.Random(20260302)
    kept: dict[tuple[str, str, int], str] = {}
    kills = 0
    for _ in range(rounds):
        kills += _killed(environ, tmp_path, lambda: len(read_ledger(ledger)), after_calls=draw.randint(1, 24))
        kept = _nothing_changed(kept, _outputs(store))
    finished = subprocess.run(
        _command("run", "killed.yaml", "--yes"), env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    outputs, attempts = _lines(store, "outputs"), _lines(store, "attempts")
    _nothing_changed(kept, outputs)
    assert len(outputs) == len({_key(o) for o in outputs}) == ROWS * 2
    assert {o["status"] for o in outputs} == {"ok"}
    paid, tried = _paid(ledger), _tried(attempts, outputs)
    doubles = sum(paid.values()) - len(paid)
    assert kills == rounds, "the run ended before it could be killed often enough"
    assert 0 < len(kept) < len(outputs)
    assert doubles <= kills * WIDTH
    assert all(count <= tried[key] for key, count in paid.items()), "a paid call is missing in the books"
    verified = subprocess.run(
        _command("audit", "verify"), env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout
    store.close()
    print(f"{kind}: {kills} kills, {doubles} calls paid twice of at most {kills * WIDTH}, {len(attempts)} attempts")


def _killed(environ: dict[str, str], folder: Path, calls: Callable[[], int], *, after_calls: int) -> bool:
    """Run until the provider has received that many further calls, and kill; False when the run ended before."""
    goal = calls() + after_calls
    process = subprocess.Popen(
        _command("run", "killed.yaml", "--yes"),
        env=environ,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while calls() < goal:
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    process.kill()
    process.wait()
    return True


def _nothing_changed(kept: dict, outputs: list[dict]) -> dict:
    now = {_key(o): json.dumps(o, sort_keys=True, default=str) for o in outputs}
    assert {k: now.get(k) for k in kept} == kept
    return now


def _key(row: dict) -> tuple[str, str, int]:
    return row["variant"], row["example_id"], row["repetition"]


def _paid(ledger: Path) -> Counter:
    time.sleep(0.3)  # the last answers may still be on their way into the ledger
    return Counter(entry.key for entry in read_ledger(ledger) if entry.paid)


def _tried(attempts: list[dict], outputs: list[dict]) -> Counter:
    messages = {_key(o): o["messages"] for o in outputs}
    return Counter(ledger_key("fake-small", messages[_key(a)]) for a in attempts)


def _lines(store: Store, what: str) -> list[dict]:
    return [dict(row) for row in export_rows(store, "killed", what)[1]]


def _outputs(store: Store) -> list[dict]:
    """What is kept by now: nothing when the kill came before the experiment was."""
    if not is_current(store.engine):
        return []
    try:
        return _lines(store, "outputs")
    except BakeoffError as error:
        assert error.code == "no_such_experiment", error
        return []


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments]


def _environ(folder: Path, base_url: str, database_url: str | None) -> dict[str, str]:
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BAKEOFF_HOME": str(folder / "home"),
        "BAKEOFF_ENGINE": "lean",
        "OPENAI_API_BASE": base_url,
        "OPENAI_API_KEY": "sk-test",
    }
    if database_url:
        environ["BAKEOFF_DATABASE_URL"] = database_url
    return environ


def _write_files(folder: Path) -> None:
    rows = ["id,question", *(f"r{i},What follows {i}?" for i in range(ROWS))]
    (folder / "rows.csv").write_text("\n".join(rows))
    (folder / "killed.yaml").write_text(EXPERIMENT)
