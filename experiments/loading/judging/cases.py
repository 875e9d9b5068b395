"""A stored answer → the case that a judge sees of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from experiments.judges import JudgeCase, JudgeSpec
from experiments.loading.runs.blueprint import Blueprint
from storage.records import ExampleRecord


def case_of(
    blueprint: Blueprint,
    spec: JudgeSpec,
    example: ExampleRecord,
    output: Mapping[str, Any],
    control: Mapping[str, Any] | None = None,
) -> JudgeCase:
    """The case of an answer; ``control`` is the control's answer to the same row, for pairs."""
    return JudgeCase(
        answer=answer_text(output, blueprint),
        inputs=shown_inputs(blueprint, example),
        reference=blueprint.reference(example) if spec.reference else None,
        material={column: example.cells.get(column) or "" for column in spec.columns},
        other=answer_text(control, blueprint) if control is not None else None,
    )


def lacking(spec: JudgeSpec, case: JudgeCase) -> str | None:
    """Why a case cannot be judged at all, or None."""
    if spec.reference and not (case.reference or "").strip():
        return "no reference"
    empty = next((column for column, value in case.material.items() if not value.strip()), None)
    if empty is not None:
        return f"no value in the column '{empty}'"
    return "no answer of the control to compare with" if spec.pairwise and case.other is None else None


def shown_inputs(blueprint: Blueprint, example: ExampleRecord) -> dict[str, str]:
    """Variable → value for the variables of all variants alike, so that they do not tell whose answer it is.

    Imported answers have no prompts; there every column is shown that is no reference, name or group of the row.
    """
    contents = [arm.content for arm in blueprint.arms if arm.content is not None]
    if contents:
        values = {name: value for content in contents for name, value in blueprint.values(content, example).items()}
        return {name: value for name, value in values.items() if value is not None}
    roles = blueprint.roles
    hidden = {roles.reference, roles.unit, roles.cluster}
    return {name: value for name, value in example.cells.items() if value is not None and name not in hidden}


def answer_text(output: Mapping[str, Any], blueprint: Blueprint) -> str:
    """The text of an answer as it is scored, and its tool calls as JSON where it has any."""
    calls = json.dumps(output["tool_calls"], ensure_ascii=False, indent=1) if output["tool_calls"] else ""
    return "\n".join(part for part in (blueprint.answer(output["text"]), calls) if part)
