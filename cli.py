"""``bakeoff …``: the commands put together, and every error told in one line.

Exit codes: 0 done · 1 to 4 answers of ``--gate`` · 2 what the user can fix · 5 stopped by budget · 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import typer
from typer.exceptions import TyperException

from commands import administration, data, live, registry, running, serving
from experiments.errors import BakeoffError

app = typer.Typer(
    name="bakeoff",
    help="Compare prompt variants, get one honest verdict, promote the winner.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
serving.register(app)
running.register(app)
data.register(app)
registry.register(app)
live.register(app)
administration.register(app)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command; errors are one line on stderr, never a traceback."""
    try:
        result = app(args=arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BakeoffError as error:
        return _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _complain("Interrupted; everything finished is kept.")
        return 130
    except TyperException as error:
        return _complain(" ".join(getattr(error, "message", str(error)).split()))
    except BrokenPipeError:
        # The reader of our output went away (as in `bakeoff export … | head`): not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _complain(line: str) -> int:
    sys.stderr.write(f"bakeoff: {line}\n")
    return 2


if __name__ == "__main__":
    main()
