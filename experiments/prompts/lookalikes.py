"""What in a prompt looks like a hole and is none: forms of other tools, which would be sent as plain text.

Only ``{{name}}`` is filled in. Whoever writes ``{question}``, ``{{question | upper}}`` or ``{% if question %}`` means a
hole all the same, and would pay for requests that hold the name instead of the value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from experiments.prompts.content import VARIABLE, variables_of

_LONGEST_SHOWN = 60
_LETTERS = r"[^\W\d](?:[\w. -]|[^\x00-\x7f\s]){0,119}"
_ONLY_HERE = "only {{name}} is filled in"

_ALWAYS = (
    (re.compile(r"@@@\w+:[^@\n]{1,300}@@@"), "a reference to a prompt of another tool"),
    (re.compile(r"\{%.{0,300}?%\}", re.DOTALL), "a template block"),
    (re.compile(r"<%.{0,300}?%>", re.DOTALL), "a template block"),
    (re.compile(r"\{#.{0,300}?#\}", re.DOTALL), "a template comment"),
    (re.compile(r"\{\{[^{}\n]{1,300}\}\}"), "a template expression"),
)
"""Forms that are seldom meant as text, whether or not they name something."""

_NAMED = (
    re.compile(rf"[$#]\{{[ \t]*({_LETTERS})\}}"),
    re.compile(
        rf"(?<![\w\\{{}}^$#])\{{[ \t]*({_LETTERS})(?:\[[^\]\n]{{0,40}}\])?(?:![rsa])?(?::[^{{}}\n]{{0,20}})?\}}(?!\}})"
    ),
    re.compile(r"%\(([^()\n]{1,120})\)[sdifgr]"),
)
"""Forms of format strings: a hole when the name is known, otherwise often text."""

_MARKED = (
    re.compile(rf"(?<![\w<])<<?[ \t]*({_LETTERS})>>?"),
    re.compile(rf"(?<![\w\\\]])\[\[?[ \t]*({_LETTERS})\]\]?(?![(\[])"),
    re.compile(r"(?<![\w$\\])\$([A-Za-z_]\w{0,119})"),
)
"""Tags, links and amounts use these too: named only when nothing else fills that name in."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A stretch of a prompt that is sent as it stands. ``what`` says what it looks like.

    ``name`` is the known name (a column, a variable) that it holds, None when it holds none; ``certain`` that it can
    hardly be meant as text.
    """

    text: str
    what: str
    name: str | None
    certain: bool

    def sentence(self) -> str:
        """That it is sent as it stands, and what to write instead where it names something."""
        told = f"{self.text} ({self.what}) is sent as it stands: {_ONLY_HERE}"
        return f"{told}; write {{{{{self.name}}}}}." if self.name else f"{told}."


def lookalikes(texts: Iterable[str], *, names: Collection[str] | None = None) -> tuple[Lookalike, ...]:
    """The lookalikes of one prompt, each text once, the certain ones first; empty when there are none.

    ``names`` are the columns (or variables) that there are; None when that is not known yet: then a ``{name}`` counts
    only in a prompt that has no variable at all.
    """
    parts = list(texts)
    filled = variables_of(parts)
    known = {name.casefold(): name for name in (*(names or ()), *filled)}
    found: dict[str, Lookalike] = {}
    for part in parts:
        # Spaces in place of the variables: what stands around them is looked at as if they were filled in.
        rest = VARIABLE.sub(lambda hole: " " * len(hole[0]), part)
        for one in (*_foreign(rest, known), *_format_holes(rest, known, filled, sure=names is not None)):
            found.setdefault(one.text, one)
    return tuple(sorted(found.values(), key=lambda one: not one.certain))


def _foreign(rest: str, known: dict[str, str]) -> Iterator[Lookalike]:
    for form, what in _ALWAYS:
        for match in form.finditer(rest):
            name = _mentioned(match[0], known)
            yield Lookalike(_shortened(match[0]), what, name, name is not None or match[0].startswith("@@@"))


def _format_holes(rest: str, known: dict[str, str], filled: tuple[str, ...], *, sure: bool) -> Iterator[Lookalike]:
    for form in _NAMED:
        for match in form.finditer(rest):
            name = _known(match[1], known)
            if name is not None:
                yield Lookalike(_shortened(match[0]), "a hole of a format string", name, name not in filled)
            elif not sure and not filled:
                yield Lookalike(_shortened(match[0]), "a hole of a format string", match[1].strip(), False)
    for form in _MARKED:
        for match in form.finditer(rest):
            name = _known(match[1], known)
            closed = name is not None and re.search(rf"</\s*{re.escape(match[1])}\s*>", rest)
            if name is not None and name not in filled and not closed:
                yield Lookalike(_shortened(match[0]), "a placeholder", name, False)


def _known(name: str, known: dict[str, str]) -> str | None:
    """The known name that a hole means: as written, or the first or last part of a dotted one."""
    plain = name.strip().casefold()
    return known.get(plain) or known.get(plain.partition(".")[0]) or known.get(plain.rpartition(".")[2])


def _mentioned(text: str, known: dict[str, str]) -> str | None:
    """The longest known name that stands in the text as a word of its own."""
    plain = text.casefold()
    words = sorted(known, key=len, reverse=True)
    return next((known[name] for name in words if name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", plain)), None)


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[: _LONGEST_SHOWN - 1]}…"
