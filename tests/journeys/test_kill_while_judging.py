"""SIGKILL while answers are judged: no verdict is lost or changed, and the books hold every paid call.

A kill comes when the provider has received so many vectors, so that it surely meets the judges; as in ``test_kill_and_resume`` the
provider is a process of its own, with its own ledger.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from storage.store import open_store
from tests.fake_provider import LedgerEntry, read_ledger
from tests.journeys import test_kill_and_resume as kills

ROUNDS = 3
ROWS, WIDTH = 40, 6
EXPERIMENT = f"""
name: killed
dataset: rows.csv
unit: id
reference: question
variants:
  - {{name: A, prompt: "Plainly: {{{{question}}}}", model: openai/fake-small}}
  - {{name: B, prompt: "Kindly: {{{{question}}}}", model: openai/fake-small}}
scorers: [{{contains: {{text: a}}}}, {{semantic_similarity: {{name: near, model: openai/fake-large}}}}]
plan: {{primary: {{metric: contains, smallest_effect: 0.05}}}}
prices:
  openai/fake-small: {{input_per_million: 1, output_per_million: 2}}
  openai/fake-large: {{input_per_million: 3, output_per_million: 4}}
limits: {{concurrency: {WIDTH}, budget_usd: 50}}
"""
RUN = kills._command("run", "killed.yaml", "--yes")
provider = kills.provider


@pytest.mark.faults
def test_kills_while_judging_lose_no_verdict_and_double_at_most_what_was_out(tmp_path: Path, provider) -> None:
    base_url, ledger = provider
    environ = kills._environ(tmp_path, base_url, None)
    rows = ["id,question", *(f"r{i},What follows {i}?" for i in range(ROWS))]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    (tmp_path / "killed.yaml").write_text(EXPERIMENT)
    draw, kept, outputs = random.Random(20260303), {}, []
    store = None
    for _ in range(ROUNDS):
        killed = kills._killed(environ, tmp_path, lambda: len(_vectors(ledger)), after_calls=draw.randint(15, 30))
        assert killed, "the run ended before it could be killed"
        store = store or open_store(f"sqlite:///{tmp_path / 'home' / 'bakeoff.db'}")
        kept = _unchanged(kept, kills._lines(store, "scores"))
        outputs = outputs or kills._lines(store, "outputs")
    assert store is not None
    finished = subprocess.run(RUN, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr

    scores = _unchanged(kept, kills._lines(store, "scores"))
    attempts = [a for a in kills._lines(store, "attempts") if a["purpose"] == "judge"]
    paid, out = _paid(ledger), ROUNDS * WIDTH
    doubles = sum(paid.values()) - len(paid)
    assert 0 < len(kept) < len(scores) == 2 * ROWS
    assert kills._lines(store, "outputs") == outputs
    assert doubles <= out
    assert sum(paid.values()) <= len(attempts) <= len(paid) + out
    assert {a["state"] for a in attempts} == {"done", "unknown"}
    assert sum(a["state"] == "done" for a in attempts) == len(paid)
    store.close()
    print(f"{ROUNDS} kills, {doubles} vectors paid twice of at most {out}, {len(attempts)} attempts")


def _vectors(ledger: Path) -> list[LedgerEntry]:
    return [entry for entry in read_ledger(ledger) if entry.model == "fake-large"]


def _paid(ledger: Path) -> Counter[str]:
    time.sleep(0.3)  # the last answers may still be on their way into the ledger
    return Counter(entry.key for entry in _vectors(ledger) if entry.paid)


def _unchanged(kept: dict, scores: list[dict]) -> dict:
    rows = [s for s in scores if s["metric"] == "near"]
    now = {kills._key(s): json.dumps(s, sort_keys=True, default=str) for s in rows}
    assert len(now) == len(rows)
    assert {key: now.get(key) for key in kept} == kept
    return now
