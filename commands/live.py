"""``bakeoff live``: split real traffic, watch it, ramp it, stop it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from commands import terminal
from commands.experiment_source import load_or_create
from commands.rating import own_address
from commands.running import model_check
from experiments.actions.live import control_live
from experiments.actions.live.design_live import no_draft_left
from experiments.actions.live.draw_answers import USUAL, draw_answers
from experiments.actions.live.start_live import start_live
from experiments.actions.live.stop_live import stop_live
from experiments.actions.results.analyse import fresh_analysis
from experiments.errors import BakeoffError
from experiments.views.live.live_replay import replay_live
from experiments.views.live.tests import LiveTestView, list_live_tests, live_test_view
from experiments.wording import count

live = typer.Typer(no_args_is_help=True, help="Experiments on real traffic.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the experiment, or its key.")]
Reason = Annotated[str, typer.Option(help="Why, for the log.")]


@live.command()
def start(
    file: Annotated[Path, typer.Argument(metavar="EXPERIMENT.yaml")],
    reason: Reason = "",
    as_json: terminal.Json = False,
) -> None:
    """Create the experiment (or find it) and let traffic in; the same command again changes nothing."""
    store = terminal.store()
    spec, experiment, created = load_or_create(store, file, actor=terminal.actor())
    check = model_check()
    with no_draft_left(store, experiment.name if created else None, actor=terminal.actor()):
        with store.read() as tx:
            models = dict.fromkeys(variant.model for variant in tx.experiments.variants(experiment.id))
        for model in models:
            problem = check(model)
            if problem is not None:
                raise problem
        phase = start_live(store, experiment.name, actor=terminal.actor(), reason=reason)
    terminal.say(f"{spec.name!r} is live: clients ask for experiment:{phase.key}")
    _print(live_test_view(store, phase.key), as_json)


@live.command(name="list")
def list_tests(as_json: terminal.Json = False) -> None:
    """All live tests, those that run first."""
    found = list_live_tests(terminal.store())
    if as_json:
        terminal.print_json([view.to_json() for view in found])
        return
    rows = [[v.key, v.experiment, v.state, f"{v.enrolled:g} %", v.users] for v in found]
    terminal.print_table(["key", "experiment", "state", "takes part", "users"], rows)


@live.command()
def status(name: Name, as_json: terminal.Json = False) -> None:
    """Traffic, split, cost and health; shows no effect (see ``bakeoff results``)."""
    store = terminal.store()
    view = live_test_view(store, name)
    health = fresh_analysis(store, view.experiment).result["health"]
    if as_json:
        terminal.print_json({**view.to_json(), "health": health})
        return
    _print(view, as_json=False)
    for check in health:
        mark = {"ok": "·", "warn": "?", "fail": "!"}[check["status"]]
        typer.echo(f"{mark} {check['message']}")


@live.command()
def check(name: Name, as_json: terminal.Json = False) -> int:
    """Draw every stored exposure of all phases again; exit code 2 when any is not what the hash gives."""
    found = replay_live(terminal.store(), name)
    if as_json:
        terminal.print_json(found.to_json())
        return 0 if found.ok else 2
    phases = count(found.phases, "phase")
    typer.echo(f"{count(found.looked_at, 'exposure')} of {phases} looked at, {found.drawn:,} of them drawn again.")
    if found.ok:
        typer.echo("Every one is what the hash gives.")
        return 0
    typer.echo(f"{found.mismatches:,} NOT AS DRAWN; begin a new phase once you know why.")
    rows = [[m.phase, m.unit or "(no unit)", m.variant, m.drawn or "–", m.fault] for m in found.first]
    terminal.print_table(["phase", "unit", "stored", "drawn", "fault"], rows)
    return 2


@live.command()
def ramp(
    name: Name,
    percent: Annotated[float, typer.Argument(metavar="PERCENT", help="Share of all users who take part.")],
    as_json: terminal.Json = False,
) -> None:
    """Let more (or fewer) users take part; nobody who takes part changes their variant."""
    _after(control_live.ramp_live(terminal.store(), name, percent, actor=terminal.actor()).key, as_json)


@live.command()
def pause(name: Name, reason: Reason = "", as_json: terminal.Json = False) -> None:
    """Everybody meets the control until it is resumed."""
    _after(control_live.pause_live(terminal.store(), name, actor=terminal.actor(), reason=reason).key, as_json)


@live.command()
def resume(name: Name, as_json: terminal.Json = False) -> None:
    """Everybody meets the variant they met before."""
    _after(control_live.resume_live(terminal.store(), name, actor=terminal.actor()).key, as_json)


@live.command()
def freeze(name: Name, as_json: terminal.Json = False) -> None:
    """Count nobody new, go on measuring the others: for outcomes that come late."""
    _after(control_live.freeze_live(terminal.store(), name, actor=terminal.actor()).key, as_json)


@live.command()
def stop(
    name: Name,
    everyone: Annotated[str | None, typer.Option(help="Variant that all meet from now on; default: control.")] = None,
    reason: Reason = "",
    as_json: terminal.Json = False,
) -> None:
    """End it: everybody meets the control, at once."""
    phase = stop_live(terminal.store(), name, actor=terminal.actor(), everyone=everyone, reason=reason)
    _after(phase.key, as_json)


@live.command()
def phase(
    name: Name,
    reason: Reason = "",
    split: Annotated[str | None, typer.Option(help="A new split, as 'A=80,B=20'.")] = None,
    as_json: terminal.Json = False,
) -> None:
    """Draw everybody anew; what was collected before is left out from now on."""
    begun = control_live.new_phase(
        terminal.store(), name, actor=terminal.actor(), reason=reason, split=_split(split) if split else None
    )
    _after(begun.key, as_json)


@live.command()
def force(
    name: Name,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="The tester, as the application names them.")],
    variant: Annotated[str | None, typer.Option(help="What they meet; without it they are let go.")] = None,
    as_json: terminal.Json = False,
) -> None:
    """A tester meets this variant and is not counted."""
    _after(control_live.force_unit(terminal.store(), name, unit, variant, actor=terminal.actor()).key, as_json)


@live.command()
def rate(
    name: Name,
    answers: Annotated[int, typer.Option(help="How many answers are drawn at random.")] = USUAL,
    metric: Annotated[str | None, typer.Option(help="Whose judge is corrected; default: the one that decides.")] = None,
    as_json: terminal.Json = False,
) -> None:
    """Let people rate a random few of the answers that a judge scored; prints the raters' link, once."""
    drawn = draw_answers(terminal.store(), name, actor=terminal.actor(), answers=answers, metric=metric)
    terminal.say(
        f"{count(drawn.answers, 'answer')} drawn, each with probability {drawn.share:.3g}: '{drawn.experiment}'."
    )
    link = own_address(drawn.session.path)
    told = {"experiment": drawn.experiment, "answers": drawn.answers, "share": drawn.share, "link": link}
    terminal.print_json({**told, "session": drawn.session.session_id}) if as_json else typer.echo(link)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(live, name="live")


def _after(key: str, as_json: bool) -> None:
    _print(live_test_view(terminal.store(), key), as_json)


def _print(view: LiveTestView, as_json: bool) -> None:
    if as_json:
        terminal.print_json(view.to_json())
        return
    typer.echo(f"{view.experiment} (key {view.key}, phase {view.phase}): {view.state}, {view.enrolled:g} % take part")
    if view.reason:
        typer.echo(f"  {view.reason}")
    rows = []
    for variant, share in view.split.items():
        calls = view.traffic.calls.get(variant, {})
        rows.append(
            [
                variant + (" (control)" if variant == view.control else ""),
                f"{share:g} %",
                view.exposed.get(variant, 0),
                int(calls.get("calls", 0)),
                int(calls.get("failed", 0)),
                int(calls.get("abandoned", 0)),
                _spent(calls),
            ]
        )
    terminal.print_table(["variant", "split", "users", "calls", "failed", "abandoned", "cost"], rows)


def _spent(calls: Mapping[str, float]) -> str:
    number, unknown = int(calls.get("calls", 0)), int(calls.get("unknown", 0))
    if number and unknown == number:
        return "unknown"
    return f"${calls.get('cost_usd', 0.0):.4f}" + (f" + {unknown:,} unknown" if unknown else "")


def _split(text: str) -> dict[str, float]:
    try:
        pairs = [part.rsplit("=", 1) for part in text.split(",")]
        return {name.strip(): float(share) for name, share in pairs}
    except ValueError:
        raise BakeoffError("bad_split", f"{text!r} is no split.", "Write it as 'A=80,B=20'.") from None
