from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from experiments.completions import Completions, CompletionSettings, open_completions
from experiments.errors import BakeoffError
from experiments.plans.pricing import Price, PriceBook
from experiments.vocabulary import Completion, Failure, Request
from tests.fake_provider import FakeProvider

LOCAL = "http://127.0.0.1:8000/v1"


def door(environ: dict[str, str] | None = None, **more: Any) -> Completions:
    environ = environ or {}
    return open_completions(CompletionSettings.from_env(environ), environ=environ, **more)


def attempt(completions: Completions, model: str, *, deadline_s: float = 5, **more: Any) -> Completion | Failure:
    async def main() -> Completion | Failure:
        request = Request(model, ({"role": "user", "content": "hi"},), {})
        try:
            return await completions.attempt(request, deadline_s=deadline_s, **more)
        finally:
            await completions.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("environ", "model", "engine"),
    [
        ({}, "demo/small", "demo"),
        ({}, "openai/gpt-4o-mini", "litellm"),
        ({"OPENAI_API_BASE": LOCAL}, "openai/my-model", "lean"),
        ({"OPENAI_BASE_URL": LOCAL}, "openai/my-model", "lean"),
        ({"OPENAI_API_BASE": "https://api.openai.com/v1"}, "openai/gpt-4o-mini", "litellm"),
        ({"HOSTED_VLLM_API_BASE": LOCAL}, "hosted_vllm/qwen", "lean"),
        ({"LM_STUDIO_API_BASE": LOCAL}, "lm_studio/qwen", "lean"),
        ({"OPENAI_API_BASE": LOCAL}, "anthropic/claude-sonnet-4-5", "litellm"),
        ({"OPENAI_API_BASE": LOCAL, "BAKEOFF_ENGINE": "litellm"}, "openai/my-model", "litellm"),
        ({"BAKEOFF_ENGINE": "lean"}, "openai/gpt-4o-mini", "lean"),
        ({"BAKEOFF_ENGINE": "lean"}, "anthropic/claude-sonnet-4-5", "litellm"),
    ],
)
def test_the_engine_of_a_model(environ: dict[str, str], model: str, engine: str):
    assert door(environ).engine_for(model) == engine


def test_the_base_that_litellm_reads_first_counts():
    settings = CompletionSettings.from_env({"OPENAI_API_BASE": "http://one/v1", "OPENAI_BASE_URL": "http://two/v1/"})

    assert settings.api_bases["openai"] == "http://two/v1"


@pytest.mark.parametrize(
    ("environ", "model", "code", "named"),
    [
        ({}, "openai/gpt-4o-mini", "missing_key", "OPENAI_API_KEY"),
        ({}, "gpt-4o-mini", "missing_key", "OPENAI_API_KEY"),
        ({}, "anthropic/claude-sonnet-4-5", "missing_key", "ANTHROPIC_API_KEY"),
        ({}, "gemini/gemini-2.5-pro", "missing_key", "GEMINI_API_KEY"),
        ({"OPENAI_API_BASE": "https://api.openai.com/v1"}, "openai/gpt-4o-mini", "missing_key", "OPENAI_API_KEY"),
        ({}, "hosted_vllm/qwen", "missing_base", "HOSTED_VLLM_API_BASE"),
        ({}, "opnai/gpt-4o-mini", "unknown_provider", "opnai/gpt-4o-mini"),
        ({}, "my-own-model", "unknown_provider", "my-own-model"),
        ({}, "demo/huge", "unknown_demo_model", "demo/small, demo/large and demo/judge"),
        ({}, "github_copilot/gpt-4o", "interactive_provider", "github_copilot"),
    ],
)
def test_what_cannot_work_is_said_before_a_call(environ: dict[str, str], model: str, code: str, named: str):
    problem = door(environ).check(model)

    assert isinstance(problem, BakeoffError)
    assert problem.code == code
    assert named in str(problem)


@pytest.mark.parametrize(
    ("environ", "model"),
    [
        ({}, "demo/small"),
        ({"OPENAI_API_KEY": "k"}, "openai/gpt-4o-mini"),
        ({"OPENAI_API_BASE": LOCAL}, "openai/my-model"),
        ({"GOOGLE_API_KEY": "k"}, "gemini/gemini-2.5-pro"),
        ({}, "ollama/llama3.2"),
        ({}, "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ({}, "veniceai/some-model"),
    ],
)
def test_what_may_work_passes(environ: dict[str, str], model: str):
    assert door(environ).check(model) is None


@pytest.mark.parametrize(("model", "kind"), [("openai/gpt-4o-mini", "auth"), ("nobody/x", "model_not_found")])
def test_an_attempt_that_cannot_work_is_a_failure_that_stops_the_run(model: str, kind: str):
    outcome = attempt(door(), model)

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable, outcome.may_be_billed) == (kind, False, False)


def test_a_parameter_that_may_not_be_set_is_said_before_a_call():
    problem = door().check("demo/small", {"temperature": 0.1, "api_base": "http://127.0.0.1:1"})

    assert isinstance(problem, BakeoffError)
    assert problem.code == "refused_parameter"
    assert "'api_base'" in problem.message


def test_settings_hold_names_of_keys_and_no_values():
    settings = CompletionSettings.from_env({"OPENAI_API_KEY": "canary-value-1", "XAI_API_KEY": "canary-value-2"})

    assert settings.keys_present == {"OPENAI_API_KEY", "XAI_API_KEY"}
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    "environ",
    [
        {"BAKEOFF_ENGINE": "fast"},
        {"BAKEOFF_DEMO_TIME_SCALE": "slow"},
        {"BAKEOFF_DEMO_TIME_SCALE": "-1"},
        {"BAKEOFF_DEMO_TIME_SCALE": "nan"},
        {"OPENAI_API_BASE": "127.0.0.1:8000"},
        {"OPENAI_API_BASE": "file:///etc/passwd"},
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str]):
    with pytest.raises(BakeoffError) as raised:
        CompletionSettings.from_env(environ)

    assert raised.value.code == "bad_setting"
    assert next(iter(environ)) in raised.value.message


def test_only_demo_models_are_simulated():
    completions = door()

    assert completions.simulated("demo/large")
    assert not completions.simulated("openai/gpt-4o-mini")


def test_models_of_one_endpoint_share_a_limiter_and_no_password():
    completions = door({"OPENAI_API_BASE": "http://ann:hunter2@127.0.0.1:8000/v1"})

    assert completions.endpoint_for("openai/a") == completions.endpoint_for("openai/b") == "openai 127.0.0.1:8000/v1"
    assert completions.endpoint_for("anthropic/a") == "anthropic"


def test_a_price_given_with_the_attempt_comes_first():
    own = PriceBook({"demo/small": Price(1_000.0, 1_000.0)})
    completions = door({"BAKEOFF_DEMO_TIME_SCALE": "0"})

    outcome = attempt(completions, "demo/small", prices=own)

    assert isinstance(outcome, Completion)
    assert outcome.cost_usd is not None
    assert outcome.cost_usd > 0.001


def test_a_refused_connection_was_not_billed():
    outcome = attempt(door({"OPENAI_API_BASE": "http://127.0.0.1:9/v1"}), "openai/m")

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable, outcome.may_be_billed) == ("connection", True, False)


def test_an_unknown_host_is_a_connection_failure():
    outcome = attempt(door({"OPENAI_API_BASE": "http://no-such-host.invalid/v1"}), "openai/m", deadline_s=20)

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.may_be_billed) == ("connection", False)


def test_a_closed_door_opens_again(provider: FakeProvider):
    completions = door({"OPENAI_API_BASE": provider.base_url})

    outcomes = [attempt(completions, "openai/m") for _ in range(2)]

    assert all(isinstance(o, Completion) for o in outcomes)


def test_many_calls_at_once_all_get_their_own_answer(provider: FakeProvider):
    completions = door({"OPENAI_API_BASE": provider.base_url})

    async def main() -> list[Completion | Failure]:
        requests = [Request("openai/m", ({"role": "user", "content": f"row {n}"},), {}) for n in range(200)]
        try:
            return list(await asyncio.gather(*(completions.attempt(r, deadline_s=20) for r in requests)))
        finally:
            await completions.aclose()

    outcomes = asyncio.run(main())

    assert [isinstance(o, Completion) and o.text.endswith(f"to: row {n}") for n, o in enumerate(outcomes)] == [
        True
    ] * 200


def test_cancelling_an_attempt_cancels_it(provider: FakeProvider):
    completions = door({"OPENAI_API_BASE": provider.base_url})

    async def main() -> bool:
        request = Request("openai/fault-hang", ({"role": "user", "content": "hi"},), {})
        task = asyncio.create_task(completions.attempt(request, deadline_s=30))
        await asyncio.sleep(0.1)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        await completions.aclose()
        return isinstance(outcome, asyncio.CancelledError)

    assert asyncio.run(main())


def test_the_door_loads_no_heavy_library():
    watched = ("litellm", "pandas", "numpy", "scipy", "pyarrow", "streamlit", "sqlmodel", "httpx", "openai")
    code = (
        "import sys, asyncio\n"
        "from experiments.completions import *\n"
        "from experiments.completions import limiter, retry\n"
        "from experiments.vocabulary import Request\n"
        "c = open_completions(CompletionSettings(demo_time_scale=0), environ={})\n"
        "asyncio.run(c.attempt(Request('demo/small', ({'role': 'user', 'content': 'hi'},)), deadline_s=5))\n"
        f"print([m for m in {watched!r} if m in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
