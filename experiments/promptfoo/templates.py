"""Nunjucks text → plain ``{{variables}}``; everything cleverer is refused by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from experiments.promptfoo.findings import Findings, Place

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_PLAIN = re.compile(r"\{\{\s*([^\W\d](?:\w|[^\x00-\x7f\s]){0,63})\s*\}\}")


def plain_template(text: str, place: Place, findings: Findings) -> str:
    """The text with every ``{{ name }}`` written ``{{name}}``; filters, blocks, comments, look-ups are refused."""

    def plain(tag: re.Match[str]) -> str:
        found = _PLAIN.fullmatch(tag[0])
        if found and found[1] != "_conversation":
            return f"{{{{{found[1]}}}}}"
        findings.refuse(place, _name_of(tag[0]))
        return tag[0]

    return _TAG.sub(plain, text)


def filled(text: str, variables: Mapping[str, str], place: Place, findings: Findings) -> str:
    """The text with the variables of one test put in, as promptfoo does with expected values."""

    def value(tag: re.Match[str]) -> str:
        found = _PLAIN.fullmatch(tag[0])
        if found is None:
            findings.refuse(place, _name_of(tag[0]))
        elif found[1] not in variables:
            findings.refuse(place, f"{tag[0]}, a variable that this test does not give")
        else:
            return variables[found[1]]
        return tag[0]

    return _TAG.sub(value, text)


def refuse_tags(text: str, place: Place, findings: Findings) -> None:
    """Refuse a value that promptfoo would render as a template of its own; values are never rendered here."""
    tag = _TAG.search(text)
    if tag is not None:
        findings.refuse(place, f"{_shortened(tag[0])} inside a variable's value (values are never rendered)")


def _name_of(tag: str) -> str:
    kind = {"{%": "the template block", "{#": "the template comment"}.get(tag[:2], "the template expression")
    return f"{kind} {_shortened(tag)} (only plain {{{{variables}}}} are filled in)"


def _shortened(tag: str) -> str:
    text = " ".join(tag.split())
    return text if len(text) <= 60 else f"{text[:57]}…"
