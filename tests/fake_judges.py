"""Judges for the local server to play: good ones, and ones with a single known fault each.

An answer says by the word GOOD or BAD what it is worth, so that a test knows the truth; a judge reads it from between
the marks. Pass one to ``FakeProvider(responder=…)``: it answers what asks for a verdict and leaves the rest alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

FENCED = re.compile(
    r"\[\[BEGIN (?P<name>[^\]\n]+) (?P<mark>[0-9a-f]{16,})\]\]\n(?P<text>.*?)\n\[\[END (?P=name) (?P=mark)\]\]",
    re.DOTALL,
)

Verdict = Callable[[dict[str, str], float], object]
"""(fenced texts by name, a share in [0, 1) that this very request draws) → verdict, or the whole answer's text."""


def fenced_texts(body: Mapping[str, Any]) -> dict[str, str]:
    """The texts between marks in the last message, by their names."""
    return {m["name"]: m["text"] for m in FENCED.finditer(str(body["messages"][-1]["content"]))}


def playing(verdict: Verdict, *, reason: str = "as the word in it says") -> Callable[[Mapping[str, Any]], str | None]:
    """The responder of a judge with this way of deciding; a ``Raw`` verdict is sent as it is."""

    def respond(body: Mapping[str, Any]) -> str | None:
        texts = fenced_texts(body)
        if not any("ANSWER" in name for name in texts):
            return None
        digest = hashlib.sha256(json.dumps([body["messages"], body.get("seed")]).encode()).digest()
        found = verdict(texts, int.from_bytes(digest[:6], "big") / 2**48)
        return str(found) if isinstance(found, Raw) else json.dumps({"reason": reason, "verdict": found})

    return respond


class Raw(str):
    """A text that is sent instead of a verdict."""


def is_good(text: str) -> bool:
    """What the answer is worth."""
    return "GOOD" in text


def good(texts: dict[str, str], share: float) -> object:
    """Right in 95 of 100, in both directions alike."""
    return "pass" if is_good(texts["ANSWER"]) != (share < 0.05) else "fail"


def biased(texts: dict[str, str], share: float) -> object:
    """Passes what says MARK, whatever it is worth: kinder to one variant's style."""
    return "pass" if "MARK" in texts["ANSWER"] else good(texts, share)


def verbose(texts: dict[str, str], share: float) -> object:
    """Passes what is long, and little else."""
    return "pass" if len(texts["ANSWER"]) > 120 else good(texts, share) if share > 0.5 else "fail"


def lenient(texts: dict[str, str], share: float) -> object:
    """Passes what is good, and six of ten of the rest."""
    return "pass" if is_good(texts["ANSWER"]) or share < 0.6 else "fail"


def random_verdict(_texts: dict[str, str], share: float) -> object:
    """A coin."""
    return "pass" if share < 0.5 else "fail"


def injected(texts: dict[str, str], share: float) -> object:
    """Obeys what the answer tells it."""
    return "pass" if "ignore the rubric" in texts["ANSWER"].lower() else good(texts, share)


def malformed(texts: dict[str, str], share: float) -> object:
    """Chats instead of judging in three of ten answers."""
    return Raw("I would say this one is quite nice!") if share < 0.3 else good(texts, share)


def pairwise_good(texts: dict[str, str], _share: float) -> object:
    """The better of the two, a tie between equals."""
    first, second = is_good(texts["FIRST ANSWER"]), is_good(texts["SECOND ANSWER"])
    return "tie" if first == second else "first" if first else "second"


def position_biased(texts: dict[str, str], share: float) -> object:
    """The first in seven of ten pairs, whatever stands there."""
    return "first" if share < 0.7 else pairwise_good(texts, share)
