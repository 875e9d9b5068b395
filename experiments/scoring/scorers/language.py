"""The output is in the language it should be in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.scoring.context import ScoringContext
from experiments.scoring.languages import LANGUAGES, language_of
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


def _one_source(options: Mapping[str, Any]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if len(given) != 1:
        raise ValueError("give one of 'code', 'column' and 'same_as_column'")
    if options["code"] is not None and _code(options["code"]) not in LANGUAGES:
        raise ValueError(
            f"{options['code']!r} is not a language that can be told; there are {', '.join(sorted(LANGUAGES))}"
        )


@scorer(kind=MetricKind.BINARY, main="code", check=_one_source, example={"code": "de"})
def language(
    ctx: ScoringContext, *, code: str | None = None, column: str | None = None, same_as_column: str | None = None
) -> Score:
    """1 when most of the output is in the wanted language, told by script and frequent words without any model.

    Close relatives (Danish and Norwegian, Czech and Slovak) may be mixed up. Where the language cannot be told (a few
    words, a number, code) there is no score.

    Options:
        code: The wanted language as ISO 639-1, such as en, de, pt or ja.
        column: Column of the test set that holds the code.
        same_as_column: Column that holds a text in the wanted language, such as the customer's message.
    """
    if same_as_column is not None:
        wanted = language_of(ctx.row[same_as_column] or "")
        if wanted is None:
            return Score(None, f"the language of the column '{same_as_column}' cannot be told")
    else:
        wanted = _code(code or ctx.row[column or ""] or "")
    if wanted not in LANGUAGES:
        return Score(None, f"'{wanted}' is not a language that can be told")
    found = language_of(ctx.output)
    if found is None:
        return Score(None, "the language of the output cannot be told")
    return Score(1.0) if found == wanted else Score(0.0, f"looks like {found}, wanted {wanted}")


def _code(text: str) -> str:
    """``pt`` from ``pt-BR``, ``PT`` or ``pt_BR``; Norwegian's two written forms are one."""
    short = text.strip().lower().replace("_", "-").split("-")[0]
    return "no" if short in ("nb", "nn") else short
