"""Answers as JSON: a value for each field that was asked for, found in the material or made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from experiments.demo_models.arithmetic import shown
from experiments.demo_models.classification import holds, label_of, mood_of, topic_of, urgency_of
from experiments.demo_models.draws import Draws
from experiments.demo_models.extraction import fact, summary
from experiments.demo_models.json_fields import Field
from experiments.demo_models.reading import ReadPrompt
from experiments.demo_models.skill import Skill
from experiments.demo_models.support_replies import support_reply
from experiments.demo_models.word_problems import asks_for_a_number, guessed_result

LABELLED = re.compile(r"label|categor|class|topic|intent|type|department|queue|tag", re.IGNORECASE)


def json_answer(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    """The object as text. Where nothing enforces JSON, weak prompts get it with words or fences around it."""
    filling = Filling(assignment, draws, skill)
    text = json.dumps({f.name: filling.value(f) for f in assignment.fields}, ensure_ascii=False)
    if assignment.json_enforced:
        return text
    keeps = skill.keeps_format if assignment.nothing_else else skill.keeps_format * 0.85
    if draws.chance("clean json", keeps):
        return text
    return draws.pick(
        "unclean json",
        (f"```json\n{text}\n```", f"Sure! Here is the JSON you asked for:\n{text}", f"{text[:-1]}, }}"),
    )


@dataclass(frozen=True, slots=True)
class Filling:
    """Fills fields from one assignment. What it cannot find is null."""

    assignment: ReadPrompt
    draws: Draws
    skill: Skill

    def value(self, field: Field) -> object:
        """The value of a field, of the type that was asked for."""
        if field.fields:
            return {inner.name: self.value(inner) for inner in field.fields}
        if field.type in ("number", "integer"):
            return self._number(field)
        if field.type == "boolean":
            return self._truth(field)
        if field.type == "array":
            return [name] if (name := self._topic(None)) else []
        return self._words(field)

    def _words(self, field: Field) -> str | None:
        name, material = field.name.lower(), self.assignment.material
        offered = self.assignment.labels if re.search(rf"{LABELLED.pattern}|sentiment", name) else ()
        labels = field.choices or offered
        if labels:
            return label_of(labels, material, self.draws, self.skill, guidance=self.assignment.guidance)
        fitting = next((fill for pattern, fill in FILLERS if pattern.search(name)), None)
        return fact(name, material) if fitting is None else fitting(self)

    def _topic(self, otherwise: str | None = "other") -> str | None:
        topic = topic_of(self.assignment.material, self.draws, self.skill, guidance=self.assignment.guidance)
        return topic.name if topic else otherwise

    def _said(self) -> str | None:
        if not asks_for_a_number(self.assignment.material):
            return support_reply(self.assignment, self.draws, self.skill)
        result = guessed_result(self.assignment, self.draws, self.skill)
        return None if result is None else shown(result.result)

    def _reason(self) -> str:
        material = self.assignment.material
        return f"The text reads as {mood_of(material)} and mentions: {summary(material, most_words=12)}"

    def _number(self, field: Field) -> float | int | None:
        if re.search(r"confiden|probab|certain|score", field.name, re.IGNORECASE):
            return round(0.55 + 0.4 * self.draws.share(field.name), 2)
        if asks_for_a_number(self.assignment.material):
            result = guessed_result(self.assignment, self.draws, self.skill)
            number = None if result is None else result.result
        else:
            digits = re.search(r"\d[\d,]*(?:\.\d+)?", fact(field.name, self.assignment.material) or "")
            number = float(digits.group(0).replace(",", "")) if digits else None
        if number is None:
            return None
        return int(number) if number == int(number) else round(number, 2)

    def _truth(self, field: Field) -> bool:
        return holds(re.sub(r"[_\W]+", " ", field.name), self.assignment.material)


FILLERS: tuple[tuple[re.Pattern[str], Callable[[Filling], str | None]], ...] = (
    (re.compile(r"sentiment|mood|tone"), lambda f: mood_of(f.assignment.material)),
    (re.compile(r"urgen|priorit|severity"), lambda f: urgency_of(f.assignment.material)),
    (re.compile(r"lang"), lambda f: f.assignment.material_language),
    (
        re.compile(r"summary|title|subject|headline|issue|problem|description"),
        lambda f: summary(f.assignment.material, most_words=f.assignment.most_words),
    ),
    (re.compile(r"reason|rationale|explanation|why|justification"), lambda f: f._reason()),
    (re.compile(r"e-?mail_?address|^e-?mail$"), lambda f: fact("email", f.assignment.material)),
    (LABELLED, lambda f: f._topic()),
    (re.compile(r"reply|answer|response|message|text|output|body"), lambda f: f._said()),
)
"""What fills a field of words, by its name; the first that fits."""
