from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.completions.redaction import LONGEST_MESSAGE, REDACTED, KeyFilter, Redactor

SECRET = "plain words as a secret"
REDACT = Redactor({"SOME_API_KEY": SECRET, "PATH": "/usr/bin:/usr/local/bin", "SHORT_KEY": "abc", "EMPTY_TOKEN": ""})


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        "sk-proj-abcDEF123456_7890",
        "sk-ant-REDACTED",
        "AIzaSyA1234567890abcdefghijklmnopqrstu",
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer nodigitsatallhere",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "0123456789abcdef0123456789abcdef",
        "dGhpcyBpcyBhIGxvbmcgYmFzZTY0IHN0cmluZzEyMw==",
        "api_key=hunter2hunter2",
        "password: hunter2hunter2",
    ],
)
def test_a_secret_does_not_come_through(secret: str):
    redacted = REDACT(f"HTTP 401: wrong credentials {secret} were sent")

    bare = secret.removeprefix("Bearer ").removeprefix("api_key=").removeprefix("password: ")
    assert bare not in redacted
    assert REDACTED in redacted
    assert redacted.startswith("HTTP 401: wrong credentials")


def test_user_password_and_query_of_an_address_go():
    redacted = REDACT("could not reach https://ann:hunter2@host.example/v1/chat?api-version=1&key=k")

    assert redacted == f"could not reach https://{REDACTED}@host.example/v1/chat?{REDACTED}"


@pytest.mark.parametrize(
    "harmless",
    [
        "HTTP 404: The model 'meta-llama/Llama-3.3-70B-Instruct-Turbo' does not exist",
        "This model's maximum context length is 128000 tokens. Your messages resulted in 131072 tokens.",
        "Rate limit reached for gpt-4o-mini in organization: limit 200000, used 199876, requested 401",
        "https://api.openai.com/v1/chat/completions answered with skateboarding risks",
    ],
)
def test_what_helps_the_reader_stays(harmless: str):
    assert REDACT(harmless) == harmless


def test_a_secret_over_several_lines_is_found():
    redact = Redactor({"VERTEX_CREDENTIALS": "line one of it\nline two of it"})

    assert redact("wrong: line one of it\nline two of it!") == f"wrong: {REDACTED}!"


def test_short_values_and_other_variables_are_no_secrets():
    assert REDACT("abc in /usr/bin:/usr/local/bin") == "abc in /usr/bin:/usr/local/bin"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([b"ab12ab1", b"ab12ab12x", b"ab1", b"2", b"12x", b"\n", b"."])))
def test_a_key_goes_from_an_answer_however_it_is_cut(pieces: list[bytes]):
    keys = KeyFilter("ab12ab12x")

    passed = b"".join([*map(keys.passed, pieces), keys.rest()])

    assert passed == b"".join(pieces).replace(b"ab12ab12x", REDACTED.encode())


def test_nothing_waits_after_the_end_of_an_event():
    assert KeyFilter("sk-1234567").passed(b"data: ask\n\n") == b"data: ask\n\n"
    assert KeyFilter("sk-1234567").passed(b"data: as") == b"data: a"


@pytest.mark.parametrize("value", ["not-needed", "placeholder", "10000000", "a1"])
def test_a_value_that_an_answer_may_be_about_stays_in_it(value: str):
    said = f"Set it to {value}."

    assert Redactor({"OPENAI_API_KEY": value}).without_secrets(said) == said
    assert KeyFilter(value).whole(said.encode()) == said.encode()


def test_control_characters_and_line_breaks_go():
    assert REDACT("one\n two\x00\x1b[31m three\ud800") == "one two\ufffd\ufffd[31m three\ufffd"


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=6_000))
def test_a_message_is_one_short_printable_line(text: str):
    redacted = REDACT(text)

    assert len(redacted) <= LONGEST_MESSAGE
    assert redacted.isprintable()


def test_only_the_beginning_of_a_huge_message_is_read():
    assert REDACT("ab " * 5_000_000).startswith("ab ab ab")
