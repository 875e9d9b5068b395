"""Which label, topic, mood or urgency a text has, by the words in it."""

from __future__ import annotations

import re
from functools import cache

from experiments.demo_models.draws import Draws
from experiments.demo_models.languages import NAMES, detected_language
from experiments.demo_models.skill import Skill
from experiments.demo_models.support_knowledge import Topic, knowledge
from experiments.demo_models.wording import stems

POSITIVE = stems(
    "love great awesome thank excellent perfect amazing happy good best enjoy wonderful fantastic helpful easy smooth "
    "recommend danke toll super merci bravo parfait gracias excelente encanta"
)
NEGATIVE = stems(
    "bad terrible awful worst hate angry disappoint frustrat annoy unacceptable broken useless never refund waste poor "
    "rude wrong fail late ridiculous complain schlecht ärger enttäuscht unverschämt nul déçu horrible inaccept malo "
    "pésimo decepcion"
)
URGENT = stems("urgent asap immediately now emergency today deadline critical blocked sofort dringend urgente vite")
CALM = ("whenever", "no rush", "not urgent", "just wondering", "curious", "someday", "eventually", "suggestion")

MEANINGS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"^(?:very )?positive$|^happy$|^satisfied$|^good$|^praise$"), POSITIVE),
    (re.compile(r"^(?:very )?negative$|^angry$|^unsatisfied$|^dissatisfied$|^bad$|^complaint$"), NEGATIVE),
    (re.compile(r"^urgent$|^high(?: priority)?$|^critical$|^p[01]$"), (*URGENT, *NEGATIVE[:6])),
    (re.compile(r"^low(?: priority)?$|^not urgent$|^p3$"), (*CALM, *POSITIVE[:4])),
)
SHORT_STEM = 4
AFFIRMATIVE, NEGATED = (
    frozenset({"yes", "true", "pass", "ja", "oui", "sí"}),
    frozenset({"no", "false", "fail", "nein", "non"}),
)
FALLBACKS = (
    "other",
    "general",
    "neutral",
    "none",
    "unknown",
    "medium",
    "misc",
    "miscellaneous",
    "normal",
    "general question",
)


def topic_of(material: str, draws: Draws, skill: Skill, *, guidance: int) -> Topic | None:
    """The support topic of a text as the model takes it, right or wrong; None when nothing points to one."""
    scores = {topic.name: _hits(material, topic.stems) for topic in knowledge().topics}
    ranked = sorted(knowledge().topics, key=lambda topic: scores[topic.name], reverse=True)
    if scores[ranked[0].name] == 0:
        return None
    is_close = scores[ranked[0].name] - scores[ranked[1].name] < 1
    wrong = draws.chance("topic", misreading(draws, skill, guidance=guidance, is_close=is_close))
    if wrong:
        return ranked[1] if scores[ranked[1].name] else None
    return ranked[0]


def label_of(
    labels: tuple[str, ...], material: str, draws: Draws, skill: Skill, *, guidance: int, instructions: str = ""
) -> str:
    """The label that the model gives a text, right or wrong; yes and no answer the question in ``instructions``."""
    scores = [evidence(label, material) for label in labels]
    if {_plain(label) for label in labels} <= AFFIRMATIVE | NEGATED:
        truth = holds(instructions, material)
        scores = [2.0 * ((_plain(label) in AFFIRMATIVE) == truth) for label in labels]
    ranked = sorted(range(len(labels)), key=lambda i: scores[i], reverse=True)
    if scores[ranked[0]] == 0:
        fallback = next((label for label in labels if _plain(label) in FALLBACKS), None)
        return fallback or draws.pick("label", labels)
    is_close = len(labels) > 1 and scores[ranked[0]] - scores[ranked[1]] < 1
    wrong = len(labels) > 1 and draws.chance("label", misreading(draws, skill, guidance=guidance, is_close=is_close))
    return labels[ranked[1]] if wrong else labels[ranked[0]]


def misreading(draws: Draws, skill: Skill, *, guidance: int, is_close: bool = False) -> float:
    """The probability of taking this text for something else; role, examples, definitions and rules lower it."""
    helped = skill.misreads * (1 - 0.17 * min(guidance, 4)) * draws.difficulty()
    return min(0.9, helped * (1.8 if is_close else 1.0))


def evidence(label: str, material: str) -> float:
    """How many words of a text speak for a label, 0 or more."""
    plain = _plain(label)
    for pattern, words in MEANINGS:
        if pattern.match(plain):
            return _hits(material, words)
    for language, names in NAMES.items():
        if plain == language or re.fullmatch(names, plain):
            return 3.0 * (detected_language(material) == language)
    matching = [topic for topic in knowledge().topics if plain in topic.names or plain == topic.name]
    words = tuple(word[:6] for word in plain.split() if len(word) > 3)
    return max([_hits(material, topic.stems) for topic in matching], default=0.0) + 0.5 * _hits(material, words)


def holds(question: str, material: str) -> bool:
    """Whether what a yes-or-no question names is there: a mood, urgency, a topic, or its own words."""
    asked = question.lower()
    if re.search(r"\b(?:angry|upset|unhappy|negative|complain|dissatisf|frustrat)", asked):
        return mood_of(material) == "negative"
    if re.search(r"\b(?:happy|satisfied|positive|praise)", asked):
        return mood_of(material) == "positive"
    if "urgent" in asked:
        return urgency_of(material) == "high"
    topics = [topic for topic in knowledge().topics if any(name in asked for name in topic.names)]
    if topics:
        return any(_hits(material, topic.stems) for topic in topics)
    words = tuple(word[:6] for word in re.findall(r"[^\W\d_]{5,}", asked))
    return _hits(material, words) >= 2


def mood_of(material: str) -> str:
    """``positive``, ``negative`` or ``neutral``."""
    good, bad = _hits(material, POSITIVE), _hits(material, NEGATIVE)
    return "neutral" if good == bad else ("positive" if good > bad else "negative")


def urgency_of(material: str) -> str:
    """``high``, ``medium`` or ``low``."""
    if _hits(material, URGENT):
        return "high"
    return "low" if _hits(material, CALM) or mood_of(material) == "positive" else "medium"


def _hits(material: str, stems: tuple[str, ...]) -> float:
    text = material.lower()
    return float(sum(1 for stem in stems if stem in text and _pattern(stem).search(text)))


@cache
def _pattern(stem: str) -> re.Pattern[str]:
    """Finds a stem at the beginning of a word; a short one only as the whole word: "plan" is not in "planet"."""
    whole = "(?![a-zà-ÿ])" if len(stem) <= SHORT_STEM else ""
    return re.compile(rf"(?<![a-zà-ÿ]){re.escape(stem)}{whole}")


def _plain(label: str) -> str:
    return re.sub(r"[_\-/]+", " ", label).strip().lower()
