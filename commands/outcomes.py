"""``bakeoff outcomes``: take back what applications reported wrongly."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import terminal
from experiments.actions.live.void_outcomes import void_outcomes
from experiments.wording import count

outcomes = typer.Typer(no_args_is_help=True, help="Outcomes that applications reported.", rich_markup_mode=None)


@outcomes.command()
def void(
    outcome_ids: Annotated[
        list[str], typer.Argument(metavar="ID…", help="As in the answer to the report, and in the export of outcomes.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the log.")],
    as_json: terminal.Json = False,
) -> None:
    """Take outcomes back: they stay in the export with a mark, and leave every sum."""
    voided = void_outcomes(terminal.store(), outcome_ids, reason=reason, actor=terminal.actor())
    if as_json:
        terminal.print_json(
            [
                {"outcome": one.id, "key": one.key, "metric": one.metric, "value": one.value, "reason": one.void_reason}
                for one in voided
            ]
        )
        return
    typer.echo(f"{count(len(voided), 'outcome')} voided.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(outcomes, name="outcomes")
