"""``bakeoff …``: the commands put together, and every error told in one line.

Exit codes: 0 done · 1 to 4 answers of ``--gate`` · 2 what the user can fix · 5 stopped by budget · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from commands import administration, data, live, outcomes, rating, registry, running, serving
from experiments.errors import BakeoffError

app = typer.Typer(
    name="bakeoff",
    help="Compare prompt variants, get one honest verdict, promote the winner.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("bakeoff"))
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    del show_version


serving.register(app)
running.register(app)
data.register(app)
rating.register(app)
registry.register(app)
live.register(app)
outcomes.register(app)
administration.register(app)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command; errors are one line on stderr, never a traceback."""
    try:
        result = app(args=arguments or ["--help"], prog_name="bakeoff", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BakeoffError as error:
        return _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _complain("Interrupted; everything finished is kept.")
        return 130
    except TyperException as error:
        return _complain(_usage(error))
    except BrokenPipeError:
        # The reader of our output went away (as in `bakeoff export … | head`): not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _usage(error: TyperException) -> str:
    """What is wrong with the arguments, which one, and where to look."""
    context = getattr(error, "ctx", None)
    hint = f" See: {context.command_path} --help" if context is not None else ""
    return f"{' '.join(error.format_message().split()).rstrip('.')}.{hint}"


def _complain(line: str) -> int:
    sys.stderr.write(f"bakeoff: {line}\n")
    return 2


if __name__ == "__main__":
    main()
