from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fake_provider import FakeProvider, ledger_key, read_ledger


def post(base_url: str, model: str, text: str, **more: Any) -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    request = urllib.request.Request(f"{base_url}/chat/completions", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def text_of(answer: tuple[int, Any]) -> str:
    return answer[1]["choices"][0]["message"]["content"]


def test_the_same_request_gets_the_same_answer():
    with FakeProvider() as provider:
        answers = {text_of(post(provider.base_url, "m", "hi")) for _ in range(3)}

    assert len(answers) == 1


def test_a_fault_with_a_count_passes_after_so_many_times():
    with FakeProvider() as provider:
        statuses = [post(provider.base_url, "fault-429-2", "hi")[0] for _ in range(4)]
        other = post(provider.base_url, "fault-429-2", "another row")[0]

    assert statuses == [429, 429, 200, 200]
    assert other == 429


def test_a_fault_can_stand_in_the_prompt():
    with FakeProvider() as provider:
        statuses = [post(provider.base_url, "m", "row 1 [[fault:503*1]]")[0] for _ in range(2)]

    assert statuses == [503, 200]


def test_success_goes_by_the_words_of_the_prompt():
    def share(provider: FakeProvider, prompt: str) -> float:
        texts = [text_of(post(provider.base_url, "m", f"{prompt} {n} [[reference:R{n}]]")) for n in range(200)]
        return sum(text == f"R{n}" for n, text in enumerate(texts)) / len(texts)

    with FakeProvider(success={"step by step": 0.9, "": 0.4}) as provider:
        weak, strong = share(provider, "Solve"), share(provider, "Solve step by step")

    assert weak == pytest.approx(0.4, abs=0.1)
    assert strong == pytest.approx(0.9, abs=0.08)


def test_what_is_over_the_limit_is_refused():
    with FakeProvider(limit_rps=3) as provider:
        statuses = [post(provider.base_url, "m", str(n))[0] for n in range(30)]

    assert statuses.count(200) < 30
    assert 429 in statuses


def test_the_ledger_books_each_call_with_its_content(tmp_path: Path):
    ledger = tmp_path / "ledger.jsonl"
    with FakeProvider(ledger=ledger) as provider:
        post(provider.base_url, "m", "one")
        post(provider.base_url, "fault-500", "two")

    entries = read_ledger(ledger)
    assert [(e.key, e.status, e.paid) for e in entries] == [
        (ledger_key("m", [{"role": "user", "content": "one"}]), 200, True),
        (ledger_key("fault-500", [{"role": "user", "content": "two"}]), 500, False),
    ]


def test_a_torn_line_of_the_ledger_is_left_out(tmp_path: Path):
    ledger = tmp_path / "ledger.jsonl"
    whole = {"event": "received", "call": 1, "key": "k", "model": "m"}
    ledger.write_text(json.dumps(whole) + '\n{"event": "ans')

    assert [(e.call, e.status) for e in read_ledger(ledger)] == [(1, None)]


def test_it_runs_as_a_process_of_its_own(tmp_path: Path):
    ledger = tmp_path / "ledger.jsonl"
    command = [
        sys.executable,
        str(Path(__file__).with_name("fake_provider.py")),
        "--port",
        "0",
        "--ledger",
        str(ledger),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().removeprefix("listening on ").strip()
            status, _ = post(base_url, "m", "hi")
        finally:
            process.kill()

    assert status == 200
    assert [e.status for e in read_ledger(ledger)] == [200]
