"""An endpoint that sends our own key back: it is not stored, and the answer says that something was replaced."""

import asyncio

from experiments.completions import CompletionSettings, open_completions
from experiments.completions.redaction import REDACTED
from experiments.vocabulary import Request
from tests.fake_provider import FakeProvider

KEY = "sk-own-key-of-this-test-1"


def _answer(says: str):
    async def ask(provider):
        environ = {"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": KEY}
        door = open_completions(CompletionSettings.from_env(environ), environ=environ)
        request = Request("openai/fake-small", ({"role": "user", "content": "hi"},), {})
        try:
            return await door.attempt(request, deadline_s=5)
        finally:
            await door.aclose()

    with FakeProvider(responder=lambda _body: says) as provider:
        return asyncio.run(ask(provider))


def test_our_own_key_is_not_stored_with_an_answer():
    answer = _answer(f"You sent {KEY}, thank you.")

    assert answer.text == f"You sent {REDACTED}, thank you."
    assert answer.sanitised


def test_other_answers_stay_as_they_are():
    answer = _answer("sk-somebody-elses is no key of ours")

    assert (answer.text, answer.sanitised) == ("sk-somebody-elses is no key of ours", False)
