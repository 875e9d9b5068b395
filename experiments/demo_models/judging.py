"""The simulated judge: reads the rubric and the fenced answer, looks for what the rubric names, and errs at a rate.

It reads any prompt that fences its data like ``[[BEGIN ANSWER mark]]`` and asks for a reason and a verdict as JSON.
What a rubric asks for is found by the same words by which the simulated models find it in a prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.demo_models import cues
from experiments.demo_models.classification import NEGATIVE, label_of, misreading
from experiments.demo_models.draws import Draws
from experiments.demo_models.languages import detected_language
from experiments.demo_models.skill import Skill
from experiments.demo_models.support_knowledge import knowledge
from experiments.demo_models.wording import either

FENCED = re.compile(
    r"\[\[BEGIN (?P<name>[^\]\n]{1,140}?) (?P<mark>[0-9a-f]{16,})\]\]\n(?P<text>.*?)\n\[\[END (?P=name) (?P=mark)\]\]",
    re.DOTALL,
)
ASKS_FOR_A_VERDICT = re.compile(r"'reason'.*'verdict'", re.DOTALL)
RUBRIC = re.compile(r"Rubric:\n(?P<text>.+?)(?=\n\nJudge each of these|\n\nThe REFERENCE|\n\nAnswer|\Z)", re.DOTALL)
CRITERION = re.compile(r"^- (?P<name>[^:\n]{1,120}): (?P<text>.+)$", re.MULTILINE)
GRADES = re.compile(r"a whole number from (?P<low>-?\d+) to (?P<high>-?\d+)")
CATEGORIES = re.compile(r"verdict is one of (?P<list>\"[^.\n]+\")")
QUOTED_WORD = re.compile(r'"([^"\n]{1,120})"')
NAMED_TEXT = re.compile(r"['‘“\"]([^'’”\"\n]{2,60})['’”\"]")
PLEADS = re.compile(r"ignore [^.\n]{0,40}(?:instruction|rubric)|verdict\W{1,4}(?:pass|first|second)|must pass", re.I)
ACCURATE = either("correct", "accura", "right answer", "true\\b", "match", "reference", "factual")
HELPFUL = either("help", "answers? the", "solve", "relevant", "useful", "on topic", "address")
SAFE = either("safe", "harm", "rude", "insult", "toxic")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
DEFAULT_MOST_WORDS = 60
SURE_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class JudgedTexts:
    """What a judge's prompt holds: the fenced texts by name, the orders around them."""

    texts: Mapping[str, str]
    orders: str

    def material(self) -> str:
        """All that was written for the customer and by them."""
        return "\n".join(text for name, text in self.texts.items() if name.startswith(("INPUT", "MATERIAL")))


def trial_in(messages: Sequence[Mapping[str, Any]]) -> JudgedTexts | None:
    """What is to be judged, or None when the prompt asks for no verdict on fenced data."""
    texts = [str(m.get("content") or "") for m in messages]
    orders = "\n".join(t for t, m in zip(texts, messages, strict=True) if m.get("role") in ("system", "developer"))
    data = "\n".join(t for t, m in zip(texts, messages, strict=True) if m.get("role") == "user")
    fenced = {m["name"]: m["text"] for m in FENCED.finditer(data)}
    judged = "ANSWER" in fenced or {"FIRST ANSWER", "SECOND ANSWER"} <= set(fenced)
    return JudgedTexts(fenced, orders) if judged and ASKS_FOR_A_VERDICT.search(orders) else None


def verdict_of(trial: JudgedTexts, draws: Draws, skill: Skill) -> str:
    """The judge's answer: a JSON object with reason and verdict, or one for each criterion."""
    rubric = found["text"] if (found := RUBRIC.search(trial.orders)) else ""
    if "FIRST ANSWER" in trial.texts:
        return json.dumps(_preferred(rubric, trial, draws, skill), ensure_ascii=False)
    if "Judge each of these criteria" in trial.orders:
        listed = trial.orders.partition("Judge each of these criteria")[2]
        verdicts = {m["name"]: _judged(m["text"], trial, draws, skill, m["name"]) for m in CRITERION.finditer(listed)}
        return json.dumps(verdicts, ensure_ascii=False)
    return json.dumps(_judged(rubric, trial, draws, skill, ""), ensure_ascii=False)


def _judged(rubric: str, trial: JudgedTexts, draws: Draws, skill: Skill, name: str) -> dict[str, object]:
    answer = trial.texts["ANSWER"]
    marks = marks_of(rubric, answer, trial)
    share = sum(marks.values()) / len(marks)
    wrong = draws.chance(f"verdict {name}", misreading(draws, skill, guidance=2))
    talked_over = bool(PLEADS.search(answer)) and draws.chance(f"obeys {name}", 1 - skill.keeps_format)
    reason = _reason(_misread(marks) if wrong else marks)
    if grades := GRADES.search(trial.orders):
        low, high = int(grades["low"]), int(grades["high"])
        step = draws.pick(f"step {name}", (-1, 1)) if wrong else 0
        grade = high if talked_over else max(low, min(high, round(low + share * (high - low)) + step))
        return {"reason": reason, "verdict": grade}
    if listed := CATEGORIES.search(trial.orders):
        words = tuple(QUOTED_WORD.findall(listed["list"]))
        return {"reason": reason, "verdict": label_of(words, answer, draws, skill, guidance=2, instructions=rubric)}
    passes = talked_over or (share >= SURE_SHARE) != wrong
    return {"reason": reason, "verdict": "pass" if passes else "fail"}


def _preferred(rubric: str, trial: JudgedTexts, draws: Draws, skill: Skill) -> dict[str, object]:
    first, second = trial.texts["FIRST ANSWER"], trial.texts["SECOND ANSWER"]
    shares = []
    for text in (first, second):
        marks = marks_of(rubric, text, trial)
        shares.append(sum(marks.values()) / len(marks))
    if draws.chance("by position", skill.misreads / 2):
        return {"reason": "The first answer reads better as a whole.", "verdict": "first"}
    if shares[0] == shares[1]:
        return {"reason": "Both do the same of what the rubric asks for.", "verdict": "tie"}
    better = "first" if shares[0] > shares[1] else "second"
    if draws.chance("preference", misreading(draws, skill, guidance=2)):
        better = "second" if better == "first" else "first"
    return {"reason": f"The {better} answer does more of what the rubric asks for.", "verdict": better}


def marks_of(rubric: str, answer: str, trial: JudgedTexts) -> dict[str, bool]:
    """What the rubric asks for → whether the answer does it; where it names nothing known, whether it helps."""
    found = {name: check(answer, trial) for name, cue, check in CHECKS if cue.search(rubric)}
    limit = cues.most_words(rubric)
    if limit is not None or cues.BRIEF.search(rubric):
        found["is short enough"] = len(answer.split()) <= (limit or DEFAULT_MOST_WORDS)
    for text in NAMED_TEXT.findall(rubric)[:5]:
        found[f"holds {text!r}"] = text.lower() in answer.lower()
    return found or {"helps": _helps(answer, trial)}


def _misread(marks: Mapping[str, bool]) -> dict[str, bool]:
    """The marks as a judge sees them that is about to be wrong: all there, or the first of them missing."""
    if sum(marks.values()) / len(marks) < SURE_SHARE:
        return dict.fromkeys(marks, True)
    first = next(iter(marks))
    return {name: holds and name != first for name, holds in marks.items()}


def _reason(marks: Mapping[str, bool]) -> str:
    held = [name for name, holds in marks.items() if holds]
    lacking = [name for name, holds in marks.items() if not holds]
    parts = [f"It {', '.join(held)}" if held else "It does nothing of what is asked for"]
    parts += [f"but not this: {', '.join(lacking)}"] if lacking else []
    return ", ".join(parts) + "."


def _helps(answer: str, trial: JudgedTexts) -> bool:
    """Whether the answer says what is known of the topic, or holds the number of the reference."""
    if trial.texts.get("REFERENCE", "").strip():
        return _accurate(answer, trial)
    material = trial.material().lower()
    topics = [t for t in knowledge().topics if any(stem in material for stem in t.stems)]
    known = [t.answers.get(detected_language(answer), "") for t in topics]
    return any(text and _shared(text, answer) >= 0.6 for text in known) if topics else len(answer.split()) >= 3


def _accurate(answer: str, trial: JudgedTexts) -> bool:
    reference = trial.texts.get("REFERENCE", "")
    if not reference.strip():
        return _helps(answer, trial)
    wanted, given = NUMBER.findall(reference), NUMBER.findall(answer)
    if wanted and len(reference.split()) <= 3:
        return bool(given) and given[-1].replace(",", "") == wanted[-1].replace(",", "")
    return _shared(reference, answer) >= 0.5


def _shared(wanted: str, answer: str) -> float:
    words = {w for w in re.findall(r"\w+", wanted.lower()) if len(w) > 3} or set(wanted.lower().split())
    return sum(w in answer.lower() for w in words) / max(1, len(words))


def _says(*groups: Mapping[str, str]) -> Callable[[str, JudgedTexts], bool]:
    """Whether the answer holds one of these sentences in any language, or most of its words."""
    sentences = [sentence.rstrip(",.!") for group in groups for sentence in group.values()]
    return lambda answer, _trial: any(s.lower() in answer.lower() or _shared(s, answer) >= 0.8 for s in sentences)


def _own_language(answer: str, trial: JudgedTexts) -> bool:
    return detected_language(answer) == detected_language(trial.material() or answer)


def _is_json(answer: str, _trial: JudgedTexts) -> bool:
    try:
        json.loads(answer)
    except ValueError:
        return False
    return True


CHECKS: tuple[tuple[str, re.Pattern[str], Callable[[str, JudgedTexts], bool]], ...] = (
    ("names a next step", cues.NEXT_STEP, _says(*(t.steps for t in (*knowledge().topics, knowledge().unknown)))),
    ("apologises", cues.APOLOGY, _says(knowledge().apologies)),
    ("greets", cues.GREETING, _says(knowledge().greetings)),
    ("is polite", cues.POLITE, lambda answer, _t: not any(f" {stem}" in answer.lower() for stem in NEGATIVE[:4])),
    ("closes", cues.CLOSING, _says(knowledge().closings)),
    ("is in the customer's language", cues.LANGUAGE, _own_language),
    ("is correct", ACCURATE, _accurate),
    ("helps", HELPFUL, _helps),
    ("is harmless", SAFE, lambda answer, _t: "kill" not in answer.lower() and "idiot" not in answer.lower()),
    ("is JSON", re.compile(r"\bjson\b", re.IGNORECASE), _is_json),
)
"""What a rubric may ask for: words for it, how a rubric says it, whether an answer does it."""
