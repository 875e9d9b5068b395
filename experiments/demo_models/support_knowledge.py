"""What the simulated model knows of customer support; the words are in ``support_knowledge.json``.

Each topic has the labels that people give it, the stems of words that give it away ("refund" finds "refunded"), and per
language an answer and a next step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that customers write about; ``answers`` and ``steps`` go by language."""

    name: str
    names: tuple[str, ...]
    stems: tuple[str, ...]
    answers: Mapping[str, str]
    steps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Topics, and the sentences that go around an answer, by language. ``unknown`` is for what fits no topic."""

    topics: tuple[Topic, ...]
    unknown: Topic
    greetings: Mapping[str, str]
    named_greetings: Mapping[str, str]
    apologies: Mapping[str, str]
    thanks: Mapping[str, str]
    closings: Mapping[str, str]
    fillers: Mapping[str, tuple[str, ...]]


@cache
def knowledge() -> Knowledge:
    """All that is known, read once."""
    raw = json.loads(resources.files(__package__).joinpath("support_knowledge.json").read_text("utf-8"))
    return Knowledge(
        topics=tuple(
            Topic(t["name"], tuple(t["names"]), tuple(t["stems"]), t["answers"], t["steps"]) for t in raw["topics"]
        ),
        unknown=Topic("unknown", (), (), raw["unknown"]["answers"], raw["unknown"]["steps"]),
        greetings=raw["greetings"],
        named_greetings=raw["named_greetings"],
        apologies=raw["apologies"],
        thanks=raw["thanks"],
        closings=raw["closings"],
        fillers={language: tuple(sentences) for language, sentences in raw["fillers"].items()},
    )
