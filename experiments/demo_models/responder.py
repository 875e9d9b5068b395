"""The simulated model's answer: which of its few skills a prompt calls for, and that skill's text."""

from __future__ import annotations

import re

from experiments.demo_models.classification import label_of, topic_of
from experiments.demo_models.draws import Draws
from experiments.demo_models.extraction import summary
from experiments.demo_models.json_answers import json_answer
from experiments.demo_models.reading import ReadPrompt
from experiments.demo_models.skill import Skill
from experiments.demo_models.support_replies import cut_to_words, reply_language, support_reply
from experiments.demo_models.word_problems import asks_for_a_number, worked_answer

DANGEROUS = re.compile(
    r"\b(?:how (?:do|can|could|to|would) (?:i |you |we |one )?|help me (?:to )?|instructions (?:for|to|on)|steps to"
    r"|teach me (?:how )?(?:to )?|write (?:me )?(?:a |an |some )?|create (?:a |an )?|build (?:a |an )?)[^.?!\n]{0,60}?"
    r"(?:\bbomb|explosive|nerve agent|\bpoison (?:a|my|someone)|hack (?:into|someone|a )|phishing|malware|ransomware"
    r"|steal (?:a |some)?(?:password|credit|identit)|keylogger|launder|meth\b|counterfeit"
    r"|kill (?:myself|someone|a person)|hurt (?:myself|someone))",
    re.IGNORECASE,
)
REFUSALS = {
    "en": "I'm sorry, but I can't help with that.",
    "de": "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "fr": "Je suis désolé, mais je ne peux pas vous aider avec cela.",
    "es": "Lo siento, pero no puedo ayudarle con eso.",
}
CANNOT = (
    "I'm a simulated model and don't know how to do this. I can classify texts, pull out facts as JSON, summarise, "
    "reply to support messages, and solve simple word problems."
)


def respond(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    """The text of the answer. What it has no skill for, it says that it cannot do."""
    if DANGEROUS.search(assignment.material) or DANGEROUS.search(assignment.instructions):
        return REFUSALS[assignment.language or assignment.material_language]
    if assignment.fields:
        return json_answer(assignment, draws, skill)
    if assignment.labels:
        return _labelled(assignment, draws, skill)
    if asks_for_a_number(assignment.material) and not assignment.reply:
        return worked_answer(assignment, draws, skill)
    if assignment.summary:
        return _summarised(assignment, draws, skill)
    is_support = assignment.reply or topic_of(assignment.material, draws, skill, guidance=assignment.guidance)
    return support_reply(assignment, draws, skill) if is_support else CANNOT


def _labelled(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    label = label_of(
        assignment.labels,
        assignment.material,
        draws,
        skill,
        guidance=assignment.guidance,
        instructions=assignment.instructions,
    )
    if draws.chance("bare", skill.keeps_format if assignment.bare_answer else 0.35):
        return label
    reason = summary(assignment.material, most_words=10)
    return draws.pick(
        "wording",
        (
            f"I would put this under {label}.",
            f"Category: {label}",
            f"This is about {label}, because the text says: {reason}",
        ),
    )


def _summarised(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    text = summary(assignment.material)
    if not text:
        return CANNOT
    limit = assignment.most_words
    if limit is not None and draws.chance("word limit", skill.follows):
        return cut_to_words(text, limit)
    if assignment.brief or draws.chance("plain", skill.habit):
        return text
    language = reply_language(assignment, draws, skill)
    return text if language != "en" else f"In short, the author writes the following: {text}"
