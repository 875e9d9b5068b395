"""The phrases by which people say in a prompt how the answer should be."""

from __future__ import annotations

import re
from typing import TypeAlias

from experiments.demo_models.wording import either

Cue: TypeAlias = re.Pattern[str]

STEP_BY_STEP = either(
    "step[- ]by[- ]step",
    "show your (?:work|reasoning)",
    "think (?:it )?through",
    "reason(?:ing)? (?:first|carefully|before)",
    "explain your (?:reasoning|steps)",
    "schritt für schritt",
    "étape par étape",
    "paso a paso",
)
ONLY = either(
    r"only\b",
    r"just\b",
    "nothing but",
    "nothing else",
    "no (?:other|extra|further) (?:text|words)",
    "without (?:any )?(?:explanation|other text)",
    "no explanation",
    "exactly one (?:word|label)",
    "single (?:word|label|number)",
    "nur (?:mit|die|das)",
    r"uniquement\b",
    r"sólo\b",
    r"solo\b",
)
ANSWER_NOUN = either(
    "(?:number|label|category|answer|word|class|letter|name|result|digit|sentiment|value|zahl|nombre|número)s?\\b",
    "one of",
)
BRIEF = either(
    r"brief(?:ly)?\b",
    r"short(?:ly)?\b",
    r"concise(?:ly)?\b",
    "in one sentence",
    "one[- ](?:sentence|line)",
    r"terse\b",
    "to the point",
    r"kurz\b",
    r"knapp\b",
    r"bref\b",
    "brièvement",
    r"breve\b",
)
MOST_WORDS = either(
    r"(?:at most|no more than|not more than|under|fewer than|less than|maximum(?: of)?|max\.?|up to|within|in) "
    r"(?:about )?(\d{1,4}) words",
    r"(\d{1,4}) words (?:or less|or fewer|max|at most)",
    r"höchstens (\d{1,4}) wörter",
)
MOST_SENTENCES = either(
    "(?:at most|no more than|in|maximum(?: of)?|max\\.?|within) (one|two|three|four|[1-9]) (?:short )?sentences?"
)
NEXT_STEP = either(
    "next step",
    "what (?:to do|happens) next",
    "call to action",
    "what the customer (?:should|can|must) do",
    "concrete action",
    "nächste[nr]? schritt",
    "prochaine étape",
    "siguiente paso",
    "próximo paso",
)
APOLOGY = either(
    "apolog",
    "say(?:ing)? sorry",
    "empath",
    "acknowledge (?:the|their) (?:problem|frustration|feelings)",
    "entschuldig",
    "excus",
    "disculp",
)
GREETING = either(
    "greet",
    "address (?:the customer|them) by name",
    "start with (?:hello|hi|dear)",
    "begrüß",
    r"salu(?:e|er|da)\b",
)
POLITE = either(
    "polite", "friendly", r"kind\b", "courteous", "warm", "professional", "höflich", "freundlich", r"poli\b", "amable"
)
CLOSING = either(
    "sign[- ]?off", "sign the", r"closing\b", "end with (?:thanks|a thank|your name|best regards)", r"regards\b"
)
SUMMARY = either("summar", r"tl;?dr\b", "zusammenfass", "résum", "resum")
REPLY = either(
    "reply",
    "respond(?! (?:only|with))",
    "response to",
    "support agent",
    "customer (?:support|service)",
    "answer (?:the|this) (?:customer|ticket|e-?mail)",
    "help (?:the|this) customer",
    "antwort",
    "répond",
    "responde",
)
LANGUAGE = either("language", "sprache", "langue", "idioma")
FINAL_MARK = re.compile(
    r"(?:end|finish|conclude|last line|final line)[^.\n]{0,60}?['\"“`]?"
    r"((?:final )?answer|####|A|result)\s*:?\s*['\"”`]?",
    re.IGNORECASE,
)
GUIDANCE = (
    either("you are (?:a|an|the)\\b", "du bist", "vous êtes", "eres un"),
    either("for example", "examples?:", r"e\.g\."),
    either(r"means\b", "definition", "is when", "refers to", "(?:questions|anything|when) about"),
    either("if (?:unsure|in doubt|none|it|the)\\b", r"rules?\b", "guidelines?\\b", "carefully", "double[- ]check"),
)
"""Help beyond naming the task: a role, examples, definitions, rules."""

COUNT_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4}
WORDS_PER_SENTENCE = 16


def most_words(instructions: str) -> int | None:
    """The most words that the answer may have, at least 1, or None without a limit."""
    match = MOST_WORDS.search(instructions)
    if match:
        return max(1, int(next(group for group in match.groups() if group)))
    match = MOST_SENTENCES.search(instructions)
    if match is None:
        return None
    count = match[1].lower()
    return WORDS_PER_SENTENCE * (int(count) if count.isdigit() else COUNT_WORDS[count])


def final_mark(instructions: str) -> str | None:
    """What the final answer should stand behind, like ``Answer:`` or ``####``, or None."""
    match = FINAL_MARK.search(instructions)
    if match is None:
        return None
    return "####" if match[1] == "####" else f"{match[1].capitalize()}:"


def guidance(instructions: str) -> int:
    """How many of the four kinds of help a prompt gives."""
    return sum(sign.search(instructions) is not None for sign in GUIDANCE)
