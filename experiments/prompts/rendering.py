"""Prompt content + one row's values → exactly what is sent."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.errors import BakeoffError, TooLarge
from experiments.plain_text import check_text
from experiments.prompts.content import VARIABLE, PromptContent
from experiments.vocabulary import Request

MAX_RENDERED_CHARACTERS = 4_000_000


def render(content: PromptContent, values: Mapping[str, str | None], *, row: str = "") -> Request:
    """The request for one row.

    ``values`` maps variable names to texts; None means the row has no value there. ``row`` names the row in errors.

    Raises:
        BakeoffError: ``missing_variable`` or ``bad_character`` before anything is spent; TooLarge when the filled
            prompt is absurdly long.
    """
    where = f" in {row}" if row else ""

    def fill(text: str) -> str:
        def value_of(match: object) -> str:
            name = match.group(1)  # type: ignore[attr-defined]
            value = values.get(name)
            if value is None:
                raise BakeoffError(
                    "missing_variable",
                    f"The variable {{{{{name}}}}} has no value{where}.",
                    "Match it to a column or fill the cell.",
                )
            return check_text(value, what=f"The variable {{{{{name}}}}}{where}")

        return VARIABLE.sub(value_of, text)

    messages = tuple({"role": m.role, "content": fill(m.content)} for m in content.messages)
    length = sum(len(m["content"]) for m in messages)
    if length > MAX_RENDERED_CHARACTERS:
        raise TooLarge(
            "prompt_too_large",
            f"The filled prompt{where} has {length:,} characters (about {length // 4:,} tokens).",
            f"At most {MAX_RENDERED_CHARACTERS:,} are sent; shorten the row.",
        )
    return Request(content.model, messages, dict(content.parameters))
