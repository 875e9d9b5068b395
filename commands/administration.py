"""``bakeoff audit | db | keys``: proof, care of the database, access of applications."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands import terminal
from experiments.actions.installation.manage_keys import create_key, revoke_key
from experiments.errors import BakeoffError
from experiments.wording import count
from storage.anchors import Anchor
from storage.store import open_store

audit = typer.Typer(help="The hash-chained log of changes.", rich_markup_mode=None)
db = typer.Typer(help="The database.", rich_markup_mode=None)
keys = typer.Typer(help="API keys of applications.", rich_markup_mode=None)


@audit.command()
def verify(
    head: Annotated[str, typer.Option(help="A head that was kept elsewhere; with --events.")] = "",
    number: Annotated[int, typer.Option("--events", min=0, help="How many events there were at that head.")] = 0,
    as_json: terminal.Json = False,
) -> int:
    """Recompute the chain, and compare it with the anchor file and all decisions; exit code 2 when anything differs."""
    if bool(head) != bool(number):
        raise BakeoffError("invalid_value", "--head and --events go together.", "See: bakeoff audit verify --json")
    report = terminal.store().verify_audit([Anchor(number, head, "what was kept elsewhere")] if head else [])
    broken = bool(report.faults)
    if as_json:
        terminal.print_json(
            {
                "events": report.events,
                "head": report.head,
                "broken_at": report.broken_at,
                "ok": not broken,
                "faults": [{"event": fault.event, "message": fault.message} for fault in report.faults],
            }
        )
    elif broken:
        typer.echo(f"BROKEN at event {report.broken_at}.")
        for fault in report.faults:
            typer.echo(f"  {fault.message}")
    else:
        typer.echo(f"{report.events} events, unbroken. Head {report.head}")
    return 2 if broken else 0


@audit.command("list")
def list_events(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50, as_json: terminal.Json = False) -> None:
    """The newest events."""
    with terminal.store().read() as tx:
        events = tx.audit.newest(limit)
    if as_json:
        terminal.print_json(
            [
                {
                    "sequence": e.sequence,
                    "at": e.at.isoformat(),
                    "actor": e.actor,
                    "action": e.action,
                    "subject": e.subject,
                    "details": e.details,
                    "hash": e.hash,
                }
                for e in events
            ]
        )
    else:
        rows = [[e.sequence, f"{e.at:%Y-%m-%d %H:%M:%S}", e.actor, e.action, e.subject] for e in events]
        terminal.print_table(["#", "when", "who", "what", "on"], rows)


@db.command()
def upgrade() -> int:
    """Bring the database to this program's schema, and compare both; exit code 2 when they differ."""
    from storage import schema

    typer.echo(f"The schema is at revision {schema.upgrade(open_store(terminal.settings().database_url).engine)}")
    return check()


@db.command()
def check() -> int:
    """Compare the database with this program; exit code 2 when they differ."""
    from storage import schema

    differences = schema.check(open_store(terminal.settings().database_url).engine)
    for line in differences:
        typer.echo(line)
    if not differences:
        typer.echo("The schema fits.")
    return 2 if differences else 0


@db.command()
def backup(file: Annotated[Path, typer.Argument()]) -> None:
    """Write everything to one file, while everything goes on."""
    from storage.backup import backup as write

    report = write(terminal.store(), file)
    typer.echo(f"{report.rows} rows of {report.tables} tables → {file.name}; audit head {report.audit_head[:16]}")


@db.command()
def restore(file: Annotated[Path, typer.Argument()]) -> None:
    """Fill an empty database from a backup; all of it, or nothing."""
    from storage.backup import restore as read

    chosen = terminal.settings()
    report = read(open_store(chosen.database_url, home=chosen.home), file)
    typer.echo(f"{report.rows} rows restored; audit head {report.audit_head[:16]}")
    if report.paused:
        terminal.say(f"{count(report.paused, 'run')} paused; go on with: bakeoff resume")


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="What uses the key.")],
    scopes: Annotated[str, typer.Option(help="Comma-separated: assign, ingest, read, promote.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires.")] = None,
    as_json: terminal.Json = False,
) -> None:
    """Make a key; it is shown once."""
    made = create_key(terminal.store(), name, scopes.split(","), actor=terminal.actor(), days_valid=days)
    if as_json:
        terminal.print_json(
            {"id": made.record.id, "name": made.record.name, "scopes": made.record.scopes, "key": made.key}
        )
        return
    typer.echo(made.key)
    terminal.say("Keep it now: it is not shown again.")


@keys.command("list")
def list_keys(as_json: terminal.Json = False) -> None:
    """All keys, without their secrets."""
    with terminal.store().read() as tx:
        found = tx.keys.all()
    if as_json:
        terminal.print_json(
            [
                {
                    "id": k.id,
                    "name": k.name,
                    "scopes": k.scopes,
                    "created_at": k.created_at.isoformat(),
                    "expires_at": k.expires_at.isoformat() if k.expires_at else None,
                    "revoked_at": k.revoked_at.isoformat() if k.revoked_at else None,
                    "last_used_on": k.last_used_on,
                }
                for k in found
            ]
        )
        return
    rows = [
        [k.id, k.name, ", ".join(k.scopes), k.last_used_on or "never", "revoked" if k.revoked_at else ""] for k in found
    ]
    terminal.print_table(["id", "name", "scopes", "last used", ""], rows)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """The key stops working at once."""
    if key_id.startswith("bk_"):
        key_id = key_id.split("_")[1]
    if not key_id:
        raise BakeoffError("no_such_key", "Name the key by its id.", "See: bakeoff keys list")
    revoke_key(terminal.store(), key_id, actor=terminal.actor())
    typer.echo(f"Key {key_id} is revoked")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(audit, name="audit")
    app.add_typer(db, name="db")
    app.add_typer(keys, name="keys")
