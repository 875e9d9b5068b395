"""What the conformance table cannot show: another protocol, and litellm's own manners."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from aiohttp import web

from experiments.completions import CompletionSettings, open_completions
from experiments.completions.make_price_snapshot import row, snapshot
from experiments.vocabulary import Completion, Failure, Request
from tests.experiments.completions.desk import LITELLM_WARNS, Desk

pytestmark = pytest.mark.filterwarnings(*LITELLM_WARNS)

MODEL = "anthropic/claude-sonnet-4-5"


class AnthropicServer:
    """Answers as Anthropic's API does; ``conduct`` says how."""

    def __init__(self) -> None:
        self.conduct = "answer"
        self.paths: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.paths.append(request.path)
        if self.conduct == "redirect":
            return web.Response(status=307, headers={"Location": "/internal"})
        if self.conduct == "overloaded":
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            return web.json_response(error, status=529)
        if self.conduct == "drop" and request.transport:
            request.transport.close()
        return web.json_response(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "claude-as-served",
                "content": [{"type": "text", "text": "Hello"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 11, "output_tokens": 5},
            }
        )


@pytest.fixture
def anthropic(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicServer]:
    server = AnthropicServer()

    async def start() -> tuple[web.ServerRunner, int]:
        runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = desk.run(start())
    monkeypatch.setenv("ANTHROPIC_API_BASE", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-anthropic-key")
    yield server
    desk.run(runner.cleanup())


def attempt(desk: Desk, **parameters: object) -> Completion | Failure:
    completions = open_completions(CompletionSettings.from_env(os.environ))
    request = Request(MODEL, ({"role": "user", "content": "hi"},), {"max_tokens": 10, **parameters})
    return desk.run(completions.attempt(request, deadline_s=10))


def test_an_answer_in_another_protocol_is_translated(desk: Desk, anthropic: AnthropicServer):
    outcome = attempt(desk)

    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.served_model, outcome.finish_reason) == ("Hello", "claude-as-served", "stop")
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens) == (11, 5)


@pytest.mark.parametrize(
    ("conduct", "kind", "billed"),
    [("redirect", "malformed_response", False), ("overloaded", "server_error", False), ("drop", "connection", True)],
)
def test_a_failure_in_another_protocol_is_told_and_sent_once(
    desk: Desk, anthropic: AnthropicServer, conduct: str, kind: str, billed: bool
):
    anthropic.conduct = conduct

    outcome = attempt(desk)

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.may_be_billed) == (kind, billed)
    assert anthropic.paths == ["/v1/messages"]


def test_a_parameter_that_the_provider_lacks_is_an_error_and_not_dropped(desk: Desk, anthropic: AnthropicServer):
    outcome = attempt(desk, seed=3)

    assert isinstance(outcome, Failure)
    assert outcome.kind == "bad_request"
    assert outcome.message.startswith("anthropic does not support parameters: ['seed']")
    assert anthropic.paths == []


def test_a_refused_connection_is_not_a_server_error(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTHROPIC_API_BASE", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-anthropic-key")

    outcome = attempt(desk)

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable, outcome.may_be_billed) == ("connection", True, False)


def test_litellm_is_silent_and_asks_no_host_when_it_is_loaded():
    code = (
        "import socket, sys\n"
        "asked = []\n"
        "socket.getaddrinfo = lambda host, *a, **k: asked.append(host)\n"
        "from experiments.completions.litellm_setup import litellm_module\n"
        "litellm_module()\n"
        "sys.exit(repr(asked) if asked else 0)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_litellm_writes_nothing_during_a_failing_call(desk: Desk, capfd: pytest.CaptureFixture[str]):
    desk.attempt("litellm", "fault-500")

    assert capfd.readouterr() == ("", "")


def test_the_snapshot_keeps_chat_models_without_the_sample():
    entry = {"mode": "chat", "litellm_provider": "p", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    price_map = {"sample_spec": entry, "p/chat": entry, "p/embed": {**entry, "mode": "embedding"}, "p/*": entry}

    assert list(snapshot(price_map, providers=["p"], version="1")["models"]) == ["p/chat"]


def test_a_zero_price_of_a_hosted_model_is_no_price():
    entry = {"litellm_provider": "p", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}

    assert row("p/preview", entry)[1:3] == [None, None]
    assert row("ollama/llama3", entry)[1:3] == [0.0, 0.0]


def test_prices_beyond_a_threshold_are_kept():
    entry = {
        "litellm_provider": "p",
        "input_cost_per_token": 1e-6,
        "output_cost_per_token": 1e-5,
        "input_cost_per_token_above_200k_tokens": 2e-6,
        "output_cost_per_token_above_200k_tokens": 1.5e-5,
        "deprecation_date": "when it becomes known",
    }

    assert row("p/m", entry) == ["p", 1.0, 10.0, None, None, None, None, [200_000, 2.0, 15.0]]


def test_two_loops_may_use_the_engine_one_after_the_other(desk: Desk):
    completions = desk.completions["litellm"]
    request = Request("openai/plain", ({"role": "user", "content": "another loop"},), {})

    async def main() -> Completion | Failure:
        return await completions.attempt(request, deadline_s=10)

    outcomes = [desk.run(main()), desk.run(main())]

    assert all(isinstance(o, Completion) for o in outcomes)
    assert asyncio.iscoroutinefunction(completions.attempt)
