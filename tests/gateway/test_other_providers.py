"""Providers that speak no plain OpenAI protocol go through the completions door, token by token as well."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from storage.live_tables import ExposureRow, GatewayCallRow
from storage.store import Store
from tests.fake_provider import FakeProvider
from tests.gateway.conftest import Served, environ_of, go_live, rows, served, unit_of

TICKET = {"variables": {"ticket": "Where is it?"}}


@pytest.fixture
def through_litellm(sqlite_store: Store, tmp_path: Path, provider: FakeProvider) -> Iterator[Served]:
    """A gateway that is told to ask even plain endpoints through litellm."""
    go_live(sqlite_store)
    environ = environ_of(provider) | {"BAKEOFF_ENGINE": "litellm"}
    with served(sqlite_store, tmp_path / "home", environ) as opened:
        yield opened


def test_litellm_answers_streams_and_fails_like_a_plain_endpoint(through_litellm: Served):
    gateway = through_litellm
    unit = unit_of(gateway, "B")
    with openai.OpenAI(base_url=f"{gateway.address}/v1", api_key=gateway.key, max_retries=0) as client:
        whole = client.chat.completions.create(
            model="experiment:refund-reply", messages=[], user=unit, extra_body=TICKET
        )
        assert whole.choices[0].message.content.endswith("to: Reply kindly to: Where is it?")
        chunks = list(
            client.chat.completions.create(
                model="experiment:refund-reply",
                messages=[],
                user=unit,
                extra_body=TICKET,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == whole.choices[0].message.content
        assert len(chunks) > 3
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="openai/fault-429", messages=[{"role": "user", "content": "x"}])
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="demo/none", messages=[{"role": "user", "content": "x"}])
        called = client.chat.completions.create(model="openai/fault-tool", messages=[{"role": "user", "content": "x"}])
        assert called.choices[0].message.tool_calls[0].id
        echo = client.chat.completions.create(
            model="openai/fault-echoanswer", messages=[{"role": "user", "content": "x"}], stream=True
        )
        said = "".join(c.choices[0].delta.content or "" for c in echo if c.choices)
        assert said == "You sent Bearer [redacted]"
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    calls = rows(gateway, GatewayCallRow, 2, exposure_id=exposure.id)
    assert sorted((call.streamed, call.status) for call in calls) == [(False, "ok"), (True, "ok")]
    assert all(call.prompt_tokens for call in calls)


def test_several_answers_of_one_request_are_one_record(gateway: Served):
    """Simulated models answer several times; tokens and cost are those of all."""
    go_live(
        gateway.store,
        name="simulated",
        live={"key": "simulated"},
        variants=[
            {"name": "A", "prompt": "How much is 2 plus 3? {{ticket}}", "model": "demo/small"},
            {"name": "B", "prompt": "How much is 2 plus 5? {{ticket}}", "model": "demo/small"},
        ],
    )
    gateway.until(lambda: "simulated" in gateway.live.known.config().tests)
    unit = unit_of(gateway, "A", "simulated")
    with openai.OpenAI(base_url=f"{gateway.address}/v1", api_key=gateway.key, max_retries=0) as client:
        answer = client.chat.completions.create(
            model="experiment:simulated", messages=[], user=unit, extra_body=TICKET, n=3
        )
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        with pytest.raises(openai.BadRequestError, match="at most 8"):
            client.chat.completions.create(model="experiment:simulated", messages=[], user=unit, extra_body=TICKET, n=9)
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    ok = [call for call in rows(gateway, GatewayCallRow, 2, exposure_id=exposure.id) if call.status == "ok"]
    assert [call.completion_tokens for call in ok] == [answer.usage.completion_tokens]
    assert ok[0].cost_usd > 0
