"""How the people of the sample's story judge a reply and what becomes of their tickets: rules and a draw, no opinions.

A rule reads what a reply says to its ticket; the draw depends on who judges what and on nothing else, so that every
load tells the same. Nobody here is real, and their names say so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from experiments.ratings.leasing import chance
from experiments.ratings.questions import BOTH_BAD, BOTH_GOOD, LEFT, RIGHT
from experiments.ratings.showing import Shown
from experiments.sample import project
from experiments.scoring.languages import language_of
from experiments.scoring.words import words

SAYS_IT, IN_THEIR_LANGUAGE, SHORT_ENOUGH = 1.0, 0.9, 0.2
"""What a reply is worth: it says what this ticket needs, in the customer's language, and does not go on."""
MOST_WORDS = 80
GOOD = 1.5
"""A reply is good from here on: what is missing may only be brevity."""
ALIKE = 0.25
HALF = 0.5
SOLVES = {0: 0.2, 1: 0.4, 2: 0.85}
"""How likely a ticket is solved, by how many of two things its reply does: to say half of what is needed, readably."""
READING_MS, MS_PER_CHARACTER = 2_500, 11


@dataclass(frozen=True, slots=True)
class SampleRater:
    """Somebody who rates in the story. ``haste`` is how far their judgement may be off; 0 is never."""

    name: str
    haste: float


RATERS = (
    SampleRater("Ada, simulated", 0.2),
    SampleRater("Ben, simulated", 0.35),
    SampleRater("Caro, simulated", 0.6),
)


@cache
def tickets_by_body() -> Mapping[str, Mapping[str, str]]:
    """Body → all cells of its row."""
    rows = csv.DictReader(io.StringIO(project.tickets().decode("utf-8"), newline=""))
    return {row["body"]: row for row in rows}


def worth(body: str, reply: str) -> float:
    """What a reply is worth to the customer: 0 to 2.1."""
    ticket = tickets_by_body()[body]
    short = len(reply.split()) <= MOST_WORDS
    return SAYS_IT * _said(ticket, reply) + IN_THEIR_LANGUAGE * _is_theirs(ticket, reply) + SHORT_ENOUGH * short


def preference(rater: SampleRater, task: Shown) -> str:
    """What the rater says of two replies."""
    left, right = (_felt(rater, task.prompt_text, text or "") for text in (task.left, task.right))
    if abs(left - right) > ALIKE:
        return LEFT if left > right else RIGHT
    return BOTH_GOOD if left + right >= 2 * GOOD else BOTH_BAD


def is_helpful(rater: SampleRater, task: Shown) -> str:
    """Whether the rater finds one reply good enough."""
    return "up" if _felt(rater, task.prompt_text, task.text or "") >= GOOD else "down"


def is_right_topic(rater: SampleRater, task: Shown) -> str:
    """Whether the rater finds the topic in the answer right; the hasty ones take another one for it now and then."""
    right = tickets_by_body()[task.prompt_text]["topic"] in (task.text or "").casefold()
    slip = chance(0, "topic", rater.name, task.prompt_text, task.text) < rater.haste / 5
    return "up" if right != slip else "down"


def reading_ms(rater: SampleRater, task: Shown) -> int:
    """How long the rater looks at a task: by its length, the hasty ones shorter."""
    characters = sum(len(text or "") for text in (task.prompt_text, task.left, task.right, task.text))
    pace = 1.3 - rater.haste / 2 + 0.4 * chance(0, "pace", rater.name, task.prompt_text, task.text)
    return round(pace * (READING_MS + MS_PER_CHARACTER * characters))


def is_solved(unit: str, body: str, reply: str) -> bool:
    """Whether a customer whose ticket got this reply did not have to write again."""
    ticket = tickets_by_body()[body]
    done = (_said(ticket, reply) >= HALF) + _is_theirs(ticket, reply)
    return chance(0, "solved", unit) < SOLVES[done]


def _said(ticket: Mapping[str, str], reply: str) -> float:
    """The share of what the reply should say that it says, word by word."""
    wanted = words(ticket["reference"].casefold())
    return sum(word in reply.casefold() for word in wanted) / len(wanted)


def _is_theirs(ticket: Mapping[str, str], reply: str) -> bool:
    """Whether the reply is in the customer's language, as far as one can tell."""
    return language_of(reply) in (ticket["language"], None)


def _felt(rater: SampleRater, body: str, reply: str) -> float:
    return worth(body, reply) + rater.haste * (chance(0, "felt", rater.name, body, reply) - 0.5)
