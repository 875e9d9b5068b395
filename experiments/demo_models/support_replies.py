"""Replies to customers, put together from what is known of the topic and what the prompt asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from experiments.demo_models.classification import mood_of, topic_of
from experiments.demo_models.draws import Draws
from experiments.demo_models.reading import ReadPrompt
from experiments.demo_models.skill import Skill
from experiments.demo_models.support_knowledge import knowledge

SIGNED = re.compile(
    r"(?i:my name is|i am|i'm|ich bin|mein name ist|je m'appelle|me llamo"
    r"|(?:regards|best|thanks|thank you|cheers|sincerely|grüße),?)"
    r"\s*\n?\s*(?P<name>[A-ZÄÖÜÉ][a-zäöüéèáíóñ]{1,20})\b"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The sentences of a reply; each but ``answer`` may be empty. ``fillers`` say nothing, at some length."""

    greeting: str
    thanks: str
    apology: str
    answer: str
    fillers: tuple[str, ...]
    next_step: str
    closing: str

    def within(self, limit: int) -> Parts:
        """The parts that fit into so many words, the answer first; nothing of the fillers."""
        kept = Parts("", "", "", cut_to_words(self.answer, limit), (), "", "")
        for name in ("next_step", "apology", "greeting", "thanks", "closing"):
            longer = replace(kept, **{name: getattr(self, name)})
            if len(longer.text().split()) <= limit:
                kept = longer
        return kept

    def text(self) -> str:
        """The reply with greeting and closing on lines of their own."""
        body = " ".join(p for p in (self.thanks, self.apology, self.answer, *self.fillers, self.next_step) if p)
        return "\n".join(p for p in (self.greeting, body, self.closing) if p)


def support_reply(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    """The reply: more complete and shorter the more clearly the prompt asks for it."""
    language = reply_language(assignment, draws, skill)
    parts = _parts(assignment, draws, skill, language)
    limit = assignment.most_words
    if limit is None or not draws.chance("word limit", skill.follows):
        return parts.text()
    return parts.within(limit).text()


def reply_language(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    """The language of the reply: as asked, or the customer's, or English, which is what weak prompts get."""
    own = assignment.material_language
    if assignment.language is not None:
        return assignment.language if draws.chance("language", skill.speaks) else "en"
    if own == "en":
        return "en"
    probability = skill.speaks if assignment.same_language else skill.speaks * 0.55
    return own if draws.chance("language", probability) else "en"


def cut_to_words(text: str, limit: int) -> str:
    """At most ``limit`` words: whole sentences where some fit, else the first words."""
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        if len(" ".join([*kept, sentence]).split()) > limit:
            break
        kept.append(sentence)
    return " ".join(kept) if kept else " ".join(text.split()[:limit])


def _parts(assignment: ReadPrompt, draws: Draws, skill: Skill, language: str) -> Parts:
    topic = topic_of(assignment.material, draws, skill, guidance=assignment.guidance) or knowledge().unknown

    def does(name: str, asked: bool, habit: float = skill.habit) -> bool:
        return draws.chance(name, skill.follows if asked else habit)

    known = knowledge()
    is_angry = mood_of(assignment.material) == "negative"
    is_short = assignment.brief or assignment.most_words is not None
    fillers = known.fillers[language]
    count = sum(draws.chance(f"filler {i}", 1 - skill.follows if is_short else 0.6) for i in range(len(fillers)))
    return Parts(
        greeting=_greeting(assignment, language) if does("greeting", assignment.greeting, 0.5) else "",
        thanks=known.thanks[language] if does("thanks", assignment.polite) else "",
        apology=known.apologies[language] if does("apology", assignment.apology, 0.4 if is_angry else 0.08) else "",
        answer=topic.answers[language],
        fillers=fillers[:count],
        next_step=topic.steps[language] if does("next step", assignment.next_step) else "",
        closing=known.closings[language] if does("closing", assignment.closing, 0.0 if is_short else 0.4) else "",
    )


def _greeting(assignment: ReadPrompt, language: str) -> str:
    name = SIGNED.search(assignment.material)
    if assignment.greeting and name:
        return knowledge().named_greetings[language].format(name["name"])
    return knowledge().greetings[language]
