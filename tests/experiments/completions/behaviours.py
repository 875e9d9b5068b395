"""The table of what providers do, and what both engines must make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.vocabulary import FailureKind, ResponseClass

JSON_WANTED = {"response_format": {"type": "json_object"}}


@dataclass(frozen=True)
class Behaviour:
    """One thing that the fake provider does, by the name of its fault ("" is none).

    ``whole`` and ``streamed`` are the outcomes without and with ``stream``; ``streamed`` None means the same.
    ``may_differ`` names the fields that the engines cannot report alike, and ``why`` the reason.
    """

    fault: str
    whole: ResponseClass | FailureKind
    streamed: ResponseClass | FailureKind | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    deadline_s: float = 10
    may_differ: frozenset[str] = frozenset()
    why: str = ""

    def outcome(self, *, stream: bool) -> ResponseClass | FailureKind:
        return self.streamed if stream and self.streamed is not None else self.whole


R, F = ResponseClass, FailureKind

BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour("", R.ANSWER),
    # answers of each class
    Behaviour(
        "refusal", R.REFUSAL, may_differ=frozenset({"first_token_ms"}), why="litellm leaves streamed refusals out"
    ),
    Behaviour("refusaltext", R.REFUSAL),
    Behaviour("filter", R.CONTENT_FILTER),
    Behaviour("filter400", R.CONTENT_FILTER),
    Behaviour("empty", R.EMPTY),
    Behaviour("nullcontent", R.EMPTY),
    Behaviour("length", R.CUT_AT_LENGTH),
    Behaviour("lengthempty", R.CUT_AT_LENGTH),
    Behaviour("outputlimit", R.CUT_AT_LENGTH),
    Behaviour("tool", R.TOOL_CALL),
    Behaviour("tooltext", R.TOOL_CALL),
    Behaviour("badjson", R.BAD_JSON, parameters=JSON_WANTED),
    Behaviour("badjson", R.ANSWER),
    Behaviour("goodjson", R.ANSWER, parameters=JSON_WANTED),
    # odd answers
    Behaviour("nousage", R.ANSWER),
    Behaviour("negusage", R.ANSWER),
    Behaviour("hugeusage", R.ANSWER),
    Behaviour("zerousage", R.ANSWER),
    Behaviour("cached", R.ANSWER),
    Behaviour("othermodel", R.ANSWER),
    Behaviour("surrogate", R.ANSWER),
    Behaviour("nul", R.ANSWER),
    Behaviour("badutf8", R.ANSWER),
    Behaviour("unicode", R.ANSWER),
    Behaviour("gzipped", R.ANSWER),
    Behaviour("parts", R.ANSWER),
    Behaviour("reasoning", R.ANSWER),
    Behaviour("twochoices", R.ANSWER),
    Behaviour(
        "oddfinish", R.ANSWER, may_differ=frozenset({"finish_reason"}), why="litellm maps unknown reasons to stop"
    ),
    Behaviour("long", R.ANSWER),
    # refused requests
    Behaviour("400", F.BAD_REQUEST),
    Behaviour("401", F.AUTH),
    Behaviour("403", F.AUTH),
    Behaviour("echokey", F.AUTH),
    Behaviour("404", F.MODEL_NOT_FOUND),
    Behaviour("nomodel", F.MODEL_NOT_FOUND),
    Behaviour("413", F.BAD_REQUEST),
    Behaviour("422", F.BAD_REQUEST),
    Behaviour("context", F.CONTEXT_LENGTH),
    Behaviour("429", F.RATE_LIMIT),
    Behaviour("429after1", F.RATE_LIMIT),
    Behaviour("429date", F.RATE_LIMIT),
    Behaviour("quota", F.QUOTA),
    # a server in trouble
    Behaviour("409", F.SERVER_ERROR),
    Behaviour("500", F.SERVER_ERROR),
    Behaviour("502", F.SERVER_ERROR),
    Behaviour("html502", F.SERVER_ERROR),
    Behaviour("503after2", F.SERVER_ERROR),
    Behaviour("504", F.SERVER_ERROR),
    Behaviour("529", F.SERVER_ERROR),
    Behaviour("error200", F.SERVER_ERROR),
    Behaviour("hang", F.TIMEOUT, deadline_s=0.3),
    Behaviour("drip", F.TIMEOUT, deadline_s=0.3),
    Behaviour("drop", F.CONNECTION),
    Behaviour("dropmid", F.CONNECTION),
    # no chat completion
    Behaviour("html200", F.MALFORMED_RESPONSE),
    Behaviour("notjson", F.MALFORMED_RESPONSE),
    Behaviour("truncated", F.MALFORMED_RESPONSE),
    Behaviour("emptybody", F.MALFORMED_RESPONSE),
    Behaviour("jsonlist", F.MALFORMED_RESPONSE),
    Behaviour("nochoices", F.MALFORMED_RESPONSE),
    Behaviour("choicesempty", F.MALFORMED_RESPONSE),
    Behaviour("choiceswrong", F.MALFORMED_RESPONSE),
    Behaviour("contentnumber", F.MALFORMED_RESPONSE),
    Behaviour("huge", F.MALFORMED_RESPONSE),
    Behaviour("gzipbomb", F.MALFORMED_RESPONSE),
    Behaviour("redirect", F.MALFORMED_RESPONSE),
    # streams
    Behaviour("ignorestream", R.ANSWER),
    Behaviour("streamnodone", F.MALFORMED_RESPONSE, R.ANSWER),
    Behaviour("streamlinger", F.TIMEOUT, R.ANSWER, deadline_s=1),
    Behaviour(
        "streamnofinish",
        F.MALFORMED_RESPONSE,
        R.ANSWER,
        may_differ=frozenset({"first_token_ms"}),
        why="litellm fails at the end, and the answer is read again from the bytes",
    ),
    Behaviour("streamerror", F.MALFORMED_RESPONSE, F.SERVER_ERROR),
    Behaviour("streamcut", F.CONNECTION),
    Behaviour("streamgarbage", F.MALFORMED_RESPONSE),
    Behaviour("streamempty", F.MALFORMED_RESPONSE),
)
