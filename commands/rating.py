"""``bakeoff rate``: ask people, see how far they are, end it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import terminal
from experiments.actions.rating.open_rating import close_session, new_link, open_session, revoke_links
from experiments.ratings.session_file import SessionSpec, parse_session

if TYPE_CHECKING:
    from experiments.views.rating.report import RaterLine, SessionReport

rate = typer.Typer(no_args_is_help=True, help="Blind ratings by people.", rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The experiment.")]


@rate.command("open")
def open_rating(
    name: Name,
    file: Annotated[Path | None, typer.Option(help="SESSION.yaml; default: which of two answers is better.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would ask of people.")] = False,
    as_json: terminal.Json = False,
) -> None:
    """Open a rating session over the experiment's answers and print the raters' link; it is shown once."""
    from experiments.views.rating.sessions import preview_session

    spec = parse_session(terminal.read_text(file), source=file.name) if file else SessionSpec()
    preview = preview_session(terminal.store(), name, spec)
    for sentence in preview.sentences:
        terminal.say(sentence)
    terminal.say(
        f"{preview.items} items, {preview.ratings} ratings by at least {preview.raters_needed} raters: about "
        f"{preview.minutes_total:g} minutes of work ({preview.minutes_per_rater:g} each)."
    )
    cost = {
        "items": preview.items,
        "ratings": preview.ratings,
        "raters_needed": preview.raters_needed,
        "seconds_per_item": preview.seconds_per_item,
        "minutes_total": preview.minutes_total,
        "minutes_per_rater": preview.minutes_per_rater,
        "notices": list(preview.sentences),
    }
    if dry_run:
        if as_json:
            terminal.print_json({"experiment": name, "metric": preview.metric, "kind": preview.kind, **cost})
        return
    opened = open_session(terminal.store(), name, spec, actor=terminal.actor())
    if as_json:
        terminal.print_json(
            {
                "experiment": name,
                "session": opened.session_id,
                "number": opened.session.number,
                "metric": opened.session.metric,
                "kind": opened.session.kind,
                "link": own_address(opened.path),
                "expires_at": opened.link.expires_at.isoformat(),
                "most_raters": opened.link.most_raters,
                **cost,
            }
        )
    else:
        typer.echo(own_address(opened.path))


@rate.command()
def status(name: Name, as_json: terminal.Json = False) -> None:
    """How far the newest session is, how far raters agree, and what they say."""
    from experiments.views.rating.report import session_report

    report = session_report(terminal.store(), _newest(name))
    terminal.print_json(report.to_json()) if as_json else _print_report(report)


@rate.command()
def close(name: Name, as_json: terminal.Json = False) -> None:
    """End the newest session; what was rated stays and counts."""
    session_id = _newest(name)
    closed = close_session(terminal.store(), session_id, actor=terminal.actor())
    if as_json:
        terminal.print_json({"experiment": name, "session": session_id, "closed_now": closed})
    else:
        typer.echo("Closed." if closed else "It was closed before.")


@rate.command()
def link(
    name: Name,
    raters: Annotated[int | None, typer.Option(min=1, max=500, help="How many people may come by it.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=365, help="How long it is good.")] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="First stop all links there are.")] = False,
    as_json: terminal.Json = False,
) -> None:
    """One more link to the newest session; with --revoke those there are stop working."""
    session_id = _newest(name)
    stopped = revoke_links(terminal.store(), session_id, actor=terminal.actor()) if revoke else 0
    made = new_link(terminal.store(), session_id, actor=terminal.actor(), raters=raters, days=days)
    if as_json:
        terminal.print_json(
            {
                "link": own_address(made.path),
                "expires_at": made.expires_at.isoformat(),
                "most_raters": made.most_raters,
                "revoked": stopped,
            }
        )
    else:
        typer.echo(own_address(made.path))


def _newest(name: str) -> str:
    from experiments.views.rating.sessions import newest_session_id

    return newest_session_id(terminal.store(), name)


def own_address(path: str) -> str:
    """The address of a path on the server that these settings describe."""
    settings = terminal.settings()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}{path}"


def _print_report(report: SessionReport) -> None:
    s = report.summary
    typer.echo(f"{s.experiment}, session {s.number} ({s.state}): {s.question}")
    typer.echo(
        f"{s.ratings} of {s.ratings_wanted} ratings, {s.items_full} of {s.items} items done, {s.raters} raters, "
        f"about {s.minutes_left:g} minutes left. Link: {s.link.state}."
    )
    typer.echo(report.agreement.sentence)
    if report.position is not None:
        typer.echo(report.position.sentence)
    if report.result is None:
        typer.echo(report.result_hidden)
    else:
        for pair in report.result.pairs:
            typer.echo(pair.sentence)
    if report.raters:
        terminal.print_table(_COLUMNS, [_row(line) for line in report.raters])
    if any(line.excluded for line in report.raters):
        typer.echo(report.rule)
        for pair in report.result_with_all.pairs if report.result_with_all else ():
            typer.echo(f"With everybody: {pair.sentence}")


_COLUMNS = ["rater", "rated", "skipped", "seconds", "left", "known answers", "repeats the same", "notes"]


def _row(line: RaterLine) -> list[Any]:
    notes = [*line.flags, *([f"Left out: {line.excluded_why}."] if line.excluded else [])]
    return [
        line.label,
        line.done,
        line.skipped + line.reported,
        "" if line.median_s is None else f"{line.median_s:.1f}",
        "" if line.left_share is None else f"{line.left_share:.0%}",
        f"{line.gold_right}/{line.gold_seen}" if line.gold_seen else "",
        f"{line.repeats_same}/{line.repeats_seen}" if line.repeats_seen else "",
        " ".join(notes),
    ]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(rate, name="rate")
