"""The OpenAI client for Python works unchanged: only its base URL differs."""

import asyncio
import json

import openai
import pytest

from experiments.actions.registry.roll_back import set_label
from storage.live_tables import ExposureRow, GatewayCallRow
from tests.builders import ADA
from tests.fake_provider import FakeProvider
from tests.gateway.conftest import Served, rows, unit_of

TICKET = {"variables": {"ticket": "Where is my parcel?"}}


@pytest.fixture
def client(gateway: Served):
    with openai.OpenAI(base_url=f"{gateway.address}/v1", api_key=gateway.key, max_retries=0) as opened:
        yield opened


def test_an_experiment_answers_as_a_model_would(gateway: Served, client: openai.OpenAI, provider: FakeProvider):
    unit = unit_of(gateway, "B")
    raw = client.chat.completions.with_raw_response.create(
        model="experiment:refund-reply", messages=[], user=unit, extra_body=TICKET, max_tokens=50, temperature=1
    )
    answer = raw.parse()
    assert answer.choices[0].message.content.endswith("to: Reply kindly to: Where is my parcel?")
    assert raw.headers["x-bakeoff-variant"] == "B"
    assert raw.headers["x-bakeoff-prompt-version"] == "2"
    sent = provider.books.bodies[-1]
    assert sent["model"] == "fake-large"
    assert sent["messages"] == [{"role": "user", "content": "Reply kindly to: Where is my parcel?"}]
    assert (sent["temperature"], sent["max_tokens"]) == (0.2, 50)  # the variant's settings come before the caller's
    assert "user" not in sent
    assert "variables" not in sent
    assert provider.books.headers[-1]["authorization"] == "Bearer sk-provider-secret-1"
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert (exposure.unit, exposure.variant, exposure.counted, exposure.source) == (unit, "B", True, "chat")
    assert exposure.id == raw.headers["x-bakeoff-exposure"]
    [call] = rows(gateway, GatewayCallRow, exposure_id=exposure.id)
    assert (call.variant, call.status, call.exposure_id, call.response_class) == ("B", "ok", exposure.id, "answer")
    assert call.prompt_tokens == answer.usage.prompt_tokens
    assert call.latency_ms > 0


def test_the_same_unit_meets_the_same_and_is_exposed_once(gateway: Served, client: openai.OpenAI):
    seen, unit = set(), unit_of(gateway, "A")
    for _ in range(4):
        raw = client.chat.completions.with_raw_response.create(
            model="experiment:refund-reply", messages=[], user=unit, extra_body=TICKET
        )
        seen.add((raw.headers["x-bakeoff-variant"], raw.headers["x-bakeoff-exposure"]))
    assert len(seen) == 1
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    rows(gateway, GatewayCallRow, 4, exposure_id=exposure.id)


def test_without_a_unit_the_control_answers_and_nobody_is_counted(gateway: Served, client: openai.OpenAI):
    raw = client.chat.completions.with_raw_response.create(
        model="experiment:refund-reply", messages=[], extra_body=TICKET
    )
    assert raw.headers["x-bakeoff-variant"] == "A"
    [exposure] = rows(gateway, ExposureRow, unit=None)
    assert (exposure.unit, exposure.counted, exposure.reason) == (None, False, "no_unit")


def test_the_messages_of_the_conversation_follow_the_prompt(client: openai.OpenAI, provider: FakeProvider):
    client.chat.completions.create(
        model="prompt:reply",
        messages=[{"role": "assistant", "content": "How can I help?"}, {"role": "user", "content": "It is late."}],
        extra_body=TICKET,
    )
    contents = [m["content"] for m in provider.books.bodies[-1]["messages"]]
    assert contents == ["Answer: Where is my parcel?", "How can I help?", "It is late."]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("prompt:reply", "Answer"),
        ("prompt:reply@production", "Answer"),
        ("prompt:reply@1", "Answer"),
        ("prompt:reply@2", "Kindly"),
    ],
)
def test_a_prompt_is_asked_for_by_name_label_or_version(client: openai.OpenAI, model: str, text: str):
    answer = client.chat.completions.create(model=model, messages=[], extra_body=TICKET)
    assert f"to: {text}: Where" in answer.choices[0].message.content


def test_a_moved_label_counts_within_seconds(gateway: Served, client: openai.OpenAI):
    for version, text in (("1", "Answer"), ("2", "Kindly")):
        set_label(gateway.store, "reply", label="canary", at=version, actor=ADA)
        gateway.until(
            lambda v=version: gateway.live.known.config().prompts["reply"].labels.get("canary") == int(v), seconds=4
        )
        answer = client.chat.completions.create(model="prompt:reply@canary", messages=[], extra_body=TICKET)
        assert f"to: {text}: Where" in answer.choices[0].message.content


def test_variables_may_come_in_metadata_as_the_typed_client_sends_them(client: openai.OpenAI, provider: FakeProvider):
    metadata = {"variables": json.dumps({"ticket": "Hello"}), "plan": "pro"}
    client.chat.completions.create(model="prompt:reply", messages=[], metadata=metadata)
    assert provider.books.bodies[-1]["messages"][0]["content"] == "Answer: Hello"
    assert "metadata" not in provider.books.bodies[-1]


def test_any_other_model_is_passed_through_as_it_is(client: openai.OpenAI, provider: FakeProvider):
    answer = client.chat.completions.create(
        model="openai/fake-small", messages=[{"role": "user", "content": "Hi"}], user="u1", seed=3, logprobs=True
    )
    assert answer.choices[0].message.content.endswith("to: Hi")
    sent = provider.books.bodies[-1]
    assert (sent["model"], sent["user"], sent["seed"], sent["logprobs"]) == ("fake-small", "u1", 3, True)


def test_a_model_that_only_the_server_knows_is_passed_through(client: openai.OpenAI, provider: FakeProvider):
    client.chat.completions.create(model="my-own-model", messages=[{"role": "user", "content": "Hi"}])
    assert provider.books.bodies[-1]["model"] == "my-own-model"


def test_a_stream_comes_token_by_token_and_is_recorded(gateway: Served, client: openai.OpenAI):
    unit = unit_of(gateway, "B")
    stream = client.chat.completions.create(
        model="experiment:refund-reply", messages=[], user=unit, extra_body=TICKET, stream=True
    )
    chunks = list(stream)
    assert all(chunk.choices for chunk in chunks), "no chunk without choices unless usage was asked for"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.endswith("Where is my parcel?")
    assert len(chunks) > 3
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    [call] = rows(gateway, GatewayCallRow, exposure_id=exposure.id)
    assert call.streamed
    assert call.first_token_ms <= call.latency_ms
    assert call.prompt_tokens > 0


def test_a_stream_reports_its_usage_when_asked(client: openai.OpenAI):
    stream = client.chat.completions.create(
        model="prompt:reply",
        messages=[],
        extra_body=TICKET,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage.prompt_tokens > 0


def test_the_asynchronous_client_works_many_at_once(gateway: Served):
    units = [unit_of(gateway, "AB"[i % 2]) for i in range(20)]

    async def go() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{gateway.address}/v1", api_key=gateway.key, max_retries=0) as client:

            async def one(i: int) -> str:
                answer = await client.chat.completions.create(
                    model="experiment:refund-reply", messages=[], user=units[i], extra_body=TICKET
                )
                return answer.choices[0].message.content

            async def streamed(i: int) -> str:
                pieces = []
                async for chunk in await client.chat.completions.create(
                    model="experiment:refund-reply", messages=[], user=units[i], extra_body=TICKET, stream=True
                ):
                    pieces.append(chunk.choices[0].delta.content or "")
                return "".join(pieces)

            return await asyncio.gather(*(one(i) for i in range(20)), *(streamed(i) for i in range(20)))

    answers = asyncio.run(go())
    assert answers[:20] == answers[20:]
    for unit in units:
        [exposure] = rows(gateway, ExposureRow, unit=unit)
        rows(gateway, GatewayCallRow, 2, exposure_id=exposure.id)


def test_tools_reach_the_model_and_tool_calls_come_back(gateway: Served, client: openai.OpenAI, provider: FakeProvider):
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    for stream in (False, True):
        answer = client.chat.completions.create(
            model="openai/fault-tool", messages=[{"role": "user", "content": "x"}], tools=tools, stream=stream
        )
        assert provider.books.bodies[-1]["tools"] == tools
        if stream:
            calls = [c for chunk in answer for choice in chunk.choices for c in choice.delta.tool_calls or []]
        else:
            calls = answer.choices[0].message.tool_calls
            assert answer.choices[0].finish_reason == "tool_calls"
        assert calls[0].function.name


def test_response_format_and_n_reach_the_model(client: openai.OpenAI, provider: FakeProvider):
    client.chat.completions.create(
        model="prompt:reply", messages=[], extra_body=TICKET, n=2, response_format={"type": "json_object"}
    )
    sent = provider.books.bodies[-1]
    assert (sent["n"], sent["response_format"]) == (2, {"type": "json_object"})


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("prompt:nothing", openai.NotFoundError, "model_not_found"),
        ("prompt:reply@staging", openai.NotFoundError, "model_not_found"),
        ("prompt:reply@99", openai.NotFoundError, "model_not_found"),
        ("experiment:nothing", openai.NotFoundError, "model_not_found"),
        ("nosuchprovider/", openai.APIStatusError, None),
    ],
)
def test_what_is_not_there_is_the_clients_own_error(client: openai.OpenAI, model: str, error, code):
    with pytest.raises(error) as raised:
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "[[fault:404]]"}], extra_body=TICKET
        )
    if code:
        assert raised.value.code == code
        assert raised.value.param == "model"


def test_a_missing_variable_is_a_bad_request_that_names_it(client: openai.OpenAI):
    with pytest.raises(openai.BadRequestError, match="ticket") as raised:
        client.chat.completions.create(model="prompt:reply", messages=[], extra_body={"variables": {}})
    assert raised.value.code == "missing_variable"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("400", openai.BadRequestError),
        ("401", openai.AuthenticationError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_the_provider_are_the_clients_own(client: openai.OpenAI, fault: str, error, stream: bool):
    message = {"role": "user", "content": f"[[fault:{fault}]]"}
    with pytest.raises(error):
        client.chat.completions.create(model="openai/fake-small", messages=[message], stream=stream)


def test_a_wrong_key_is_an_authentication_error(gateway: Served):
    for key in ("bk_000000000000_" + "x" * 43, "sk-something"):
        client = openai.OpenAI(base_url=f"{gateway.address}/v1", api_key=key, max_retries=0)
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="prompt:reply", messages=[])
        client.close()


def test_models_are_listed(client: openai.OpenAI):
    assert [m.id for m in client.models.list()] == [
        "experiment:refund-reply",
        "prompt:reply",
    ]
    assert client.models.retrieve("prompt:reply").owned_by == "bakeoff"


def test_the_simulated_models_answer_like_any_other(client: openai.OpenAI):
    messages = [{"role": "user", "content": "How much is 2 plus 3?"}]
    whole = client.chat.completions.create(model="demo/small", messages=messages, n=2)
    assert len(whole.choices) == 2
    assert whole.usage.total_tokens > 0
    chunks = list(client.chat.completions.create(model="demo/small", messages=messages, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len(chunks) > 2
