"""``bakeoff promote | rollback | prompts …``: the registry, under the same guards as the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from commands import terminal
from experiments.actions.registry.promote import promote as promote_winner
from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.errors import BakeoffError, NotFound
from experiments.experiment_file import MessageSpec
from experiments.prompts.content import Message, PromptContent, chat_prompt, settings_changes, text_prompt, word_diff
from experiments.strict_yaml import parse_model
from experiments.views.registry.prompt_notices import content_notices
from experiments.views.registry.prompts import (
    PromptView,
    VersionView,
    get_prompt,
    label_history,
    list_prompts,
    served_prompt,
)

prompts = typer.Typer(help="Prompts, versions, labels.", rich_markup_mode=None)


class PromptFile(BaseModel):
    """A prompt as a file: ``prompt:`` (text) or ``messages:``, ``model:``, ``parameters:``, ``note:``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    prompt: str | None = None
    messages: tuple[MessageSpec, ...] | None = None
    model: str
    parameters: dict[str, object] = {}
    note: str = ""


def promote(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT")],
    to: Annotated[str, typer.Option("--to", help="The label that moves.")] = "production",
    variant: Annotated[str | None, typer.Option(help="Another variant than the winner; needs a reason.")] = None,
    reason: Annotated[str, typer.Option(help="Why, where the verdict leaves a doubt.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Move a label to the winner of an experiment; refused unless the verdict, or your reason, carries it."""
    done = promote_winner(
        terminal.store(), experiment, label=to, actor=terminal.actor(), variant=variant, reason=reason
    )
    if as_json:
        terminal.print_json(
            {
                "prompt": done.prompt,
                "label": done.label,
                "version": done.version,
                "previous_version": done.previous_version,
                "variant": done.variant,
                "decision": done.decision_id,
                "at": done.at.isoformat(),
                "against_verdict": done.against_verdict,
                "cautions": list(done.cautions),
            }
        )
        return
    terminal.say_all(done.cautions)
    if done.against_verdict:
        terminal.say(done.against_verdict)
    before = f" (before: v{done.previous_version})" if done.previous_version else ""
    typer.echo(f"{done.prompt}: {done.label} is now v{done.version}, variant {done.variant}{before}")


def rollback(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT")],
    reason: Annotated[str, typer.Option(help="Why.")],
    to: Annotated[int | None, typer.Option("--to", help="Version to go back to; default: the one before.")] = None,
    label: Annotated[str, typer.Option(help="The label that moves.")] = "production",
    as_json: terminal.Json = False,
) -> None:
    """Put a label back on a version that held it before."""
    move = roll_back(terminal.store(), prompt, actor=terminal.actor(), reason=reason, label=label, to=to)
    if as_json:
        terminal.print_json(
            {
                "prompt": move.prompt,
                "label": move.label,
                "version": move.version,
                "previous_version": move.previous_version,
                "cautions": list(move.cautions),
            }
        )
    else:
        terminal.say_all(move.cautions)
        typer.echo(f"{move.prompt}: {move.label} is back on v{move.version} (was v{move.previous_version})")


@prompts.command("list")
def list_all(as_json: terminal.Json = False) -> None:
    """All prompts with their newest version and labels."""
    found = list_prompts(terminal.store())
    if as_json:
        terminal.print_json([_prompt_json(p) for p in found])
        return
    rows = [[p.name, p.versions[0].number if p.versions else "", _labels(p)] for p in found]
    terminal.print_table(["prompt", "newest", "labels"], rows)


@prompts.command()
def show(
    name: Annotated[str, typer.Argument()],
    at: Annotated[str, typer.Argument(help="Version number or label; default: the newest version.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """One version of a prompt, in full."""
    store = terminal.store()
    number = _number(get_prompt(store, name), at)
    served = served_prompt(store, name, version=number)
    if as_json:
        terminal.print_json(served.to_json())
        return
    settings = ", ".join(f"{key} {json.dumps(value)}" for key, value in served.content.parameters.items())
    terminal.say(f"{name} v{number} · {served.content.model} · {settings or 'no parameters'}")
    if served.against_verdict:
        terminal.say(served.against_verdict)
    typer.echo(served.content.as_text())


@prompts.command()
def diff(
    name: Annotated[str, typer.Argument()],
    old: Annotated[str, typer.Argument(help="Version or label.")],
    new: Annotated[str, typer.Argument(help="Version or label.")],
) -> None:
    """What changed between two versions, word by word: [-removed-] {+added+}."""
    view = get_prompt(terminal.store(), name)
    before, after = _version(view, old), _version(view, new)
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    typer.echo("".join(marks[p.kind].format(p.text) for p in word_diff(before.as_text(), after.as_text())))
    for line in settings_changes(before, after):
        typer.echo(line)


@prompts.command()
def history(
    name: Annotated[str, typer.Argument()],
    label: Annotated[str | None, typer.Option(help="Only this label.")] = None,
    as_json: terminal.Json = False,
) -> None:
    """How the labels of a prompt moved, newest first."""
    moves = label_history(terminal.store(), name, label=label)
    if as_json:
        terminal.print_json(
            [
                {
                    "at": m.at.isoformat(),
                    "label": m.label,
                    "kind": m.kind,
                    "version": m.version,
                    "previous_version": m.previous_version,
                    "actor": m.actor,
                    "reason": m.reason,
                    "experiment": m.experiment,
                    "against_verdict": m.against_verdict,
                }
                for m in moves
            ]
        )
        return
    rows = [
        [
            f"{m.at:%Y-%m-%d %H:%M}",
            m.label,
            m.kind,
            f"v{m.version}",
            f"v{m.previous_version}" if m.previous_version else "",
            m.actor,
            f"{m.against_verdict} {m.reason}" if m.against_verdict else m.reason,
        ]
        for m in moves
    ]
    terminal.print_table(["when", "label", "what", "to", "from", "who", "why"], rows)


@prompts.command()
def push(
    file: Annotated[Path, typer.Argument(help="A YAML file with name, prompt or messages, model, parameters, note.")],
    label: Annotated[str | None, typer.Option(help="Label to point at the version, for example staging.")] = None,
    reason: Annotated[str, typer.Option(help="Why the label moves.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Save a prompt from a file as a new version (or find the version that has this content)."""
    spec = parse_model(PromptFile, terminal.read_text(file), source=file.name)
    store, actor = terminal.store(), terminal.actor()
    content = _content(spec, file)
    notices = content_notices(content)
    for notice in notices:
        terminal.say(notice)
    version = save_prompt(store, spec.name, content, actor=actor, note=spec.note)
    cautions: tuple[str, ...] = ()
    if label is not None:
        move = set_label(store, spec.name, label=label, at=str(version.number), actor=actor, reason=reason)
        cautions = move.cautions
        terminal.say_all(cautions)
    if as_json:
        done = {"prompt": spec.name, "version": version.number, "label": label, "cautions": list(cautions)}
        done |= {"notices": list(notices)} if notices else {}
        terminal.print_json(done)
    else:
        typer.echo(f"{spec.name} v{version.number}" + (f" is now in {label}" if label else ""))


@prompts.command()
def pull(
    name: Annotated[str, typer.Argument()],
    at: Annotated[str, typer.Option(help="Version number or label; default: the newest version.")] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; default: stdout.")] = None,
) -> None:
    """Write a prompt version as a YAML file that ``push`` reads."""
    import yaml

    view = get_prompt(terminal.store(), name)
    number = _number(view, at)
    content = served_prompt(terminal.store(), name, version=number).content
    value: dict[str, object] = {"name": name}
    if content.kind == "text":
        value["prompt"] = content.messages[0].content
    else:
        value["messages"] = [{"role": m.role, "content": m.content} for m in content.messages]
    value |= {"model": content.model, "parameters": dict(content.parameters)}
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    if output is None:
        typer.echo(text, nl=False)
    else:
        with terminal.written(output) as file:
            file.write(text)
        terminal.say(f"{name} v{number} → {output.name}")


def _content(spec: PromptFile, file: Path) -> PromptContent:
    if (spec.prompt is None) == (spec.messages is None):
        raise BakeoffError("invalid_value", f"{file.name} needs either 'prompt' or 'messages'.")
    if spec.prompt is not None:
        return text_prompt(spec.prompt, model=spec.model, parameters=spec.parameters)
    messages = [Message(m.role, m.content) for m in spec.messages or ()]
    return chat_prompt(messages, model=spec.model, parameters=spec.parameters)


def _number(view: PromptView, at: str) -> int:
    if not at:
        return view.versions[0].number
    if at.isdigit():
        return _found(view, int(at)).number
    number = view.labels.get(at)
    if number is None:
        raise NotFound(
            "no_such_label", f"Nothing of '{view.name}' is in '{at[:40]}'.", f"Labels: {_labels(view) or 'none'}."
        )
    return number


def _found(view: PromptView, number: int) -> VersionView:
    found = view.version(number)
    if found is None:
        raise NotFound("no_such_version", f"The prompt '{view.name}' has no version {number}.")
    return found


def _version(view: PromptView, at: str) -> PromptContent:
    return _found(view, _number(view, at)).content


def _labels(view: PromptView) -> str:
    return ", ".join(f"{label}: v{number}" for label, number in view.labels.items() if number)


def _prompt_json(view: PromptView) -> dict[str, object]:
    return {
        "name": view.name,
        "labels": view.labels,
        "versions": [
            {
                "number": v.number,
                "content_hash": v.content_hash,
                "model": v.content.model,
                "note": v.note,
                "created_by": v.created_by,
                "created_at": v.created_at.isoformat(),
                "against_verdict": v.against_verdict,
            }
            for v in view.versions
        ],
    }


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(promote)
    app.command()(rollback)
    app.add_typer(prompts, name="prompts")
