"""Prompts that hold less than their author means: holes of other tools, and one request for every row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from experiments.errors import BakeoffError
from experiments.loading.runs.blueprint import Arm, Blueprint
from experiments.prompts.content import PromptContent
from experiments.prompts.lookalikes import Lookalike, lookalikes
from experiments.wording import count
from storage.records import ExampleRecord

_ACCEPT = "or say that it is meant so: 'as_written: true' in the experiment file (--as-written in the terminal)"


def prompt_lookalikes(content: PromptContent, *, names: Collection[str] | None = None) -> tuple[Lookalike, ...]:
    """What of a prompt looks like a hole and is none; ``names`` as in ``lookalikes``."""
    return lookalikes((m.content for m in content.messages), names=names)


def notices_of(blueprint: Blueprint) -> tuple[str, ...]:
    """One sentence for each variant's lookalikes and for each variant without a variable; empty when all is plain.

    Prompts of a live test need no variable: callers add messages of their own.
    """
    if blueprint.spec.as_written:
        return ()
    told = []
    for arm, content in _prompts(blueprint.arms):
        told += [f"{arm.name}: {one.sentence()}" for one in prompt_lookalikes(content, names=_columns(blueprint))]
        if blueprint.dataset is not None and blueprint.dataset.row_count > 1 and not content.variables():
            told.append(f"{arm.name}: its prompt has no variable, so it is the same request for every row.")
    return tuple(told)


def refuse_unfilled(blueprint: Blueprint) -> None:
    """Raise BakeoffError ``not_a_variable`` where a prompt holds a column's name in another tool's form."""
    for arm, content in _prompts(blueprint.arms):
        for one in prompt_lookalikes(content, names=_columns(blueprint)):
            if one.certain:
                fix = f"Write {{{{{one.name}}}}}" if one.name else "Put the text itself there"
                raise BakeoffError("not_a_variable", f"{arm.name}: {one.sentence()}", f"{fix}, {_ACCEPT}.")


class SameRequests:
    """Whether each variant's requests differ between the rows that it is shown."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._first: dict[str, Sequence[str | None]] = {}
        self._differ: set[str] = set()
        self._rows = 0

    def see(self, example: ExampleRecord) -> None:
        """Take in one more row."""
        self._rows += 1
        for arm, content in _prompts(self._blueprint.arms):
            if arm.name not in self._differ:
                values = tuple(self._blueprint.values(content, example).values())
                if values != self._first.setdefault(arm.name, values):
                    self._differ.add(arm.name)

    def refuse(self) -> None:
        """Raise BakeoffError ``same_request`` for a variant whose every row is one and the same request."""
        if self._rows < 2:
            return
        for arm, content in _prompts(self._blueprint.arms):
            if arm.name in self._differ:
                continue
            named = ", ".join(f"{{{{{name}}}}}" for name in content.variables())
            why = f"every row has the same value of {named}" if named else "its prompt has no variable"
            raise BakeoffError(
                "same_request",
                f"{arm.name} would send the same request for all {count(self._rows, 'row')}: {why}.",
                f"Write {{{{column}}}} where something of the row goes in, {_ACCEPT}.",
            )


def _prompts(arms: Iterable[Arm]) -> list[tuple[Arm, PromptContent]]:
    return [(arm, arm.content) for arm in arms if arm.content is not None]


def _columns(blueprint: Blueprint) -> tuple[str, ...] | None:
    return tuple(blueprint.dataset.columns) if blueprint.dataset is not None else None
