"""What all commands share: the store, who is asking, data to stdout, messages to stderr."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from experiments.errors import BakeoffError
from experiments.vocabulary import Actor, Role
from settings import Settings
from storage.schema_revision import is_current
from storage.store import Store, open_store

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_env()


@cache
def store() -> Store:
    """The database, brought to this program's schema first."""
    opened = open_store(settings().database_url, home=settings().home)
    if not is_current(opened.engine):
        from storage import schema

        schema.upgrade(opened.engine)
    return opened


def actor() -> Actor:
    """The person at this terminal; anybody who can start the program on the machine of the data may do everything."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return Actor(f"{name} (terminal)", Role.ADMIN)


@cache
def messages() -> Console:
    """The console for progress and messages: stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One message line to stderr, taken literally."""
    messages().print(text, markup=False)


def say_all(cautions: Iterable[str]) -> None:
    """What callers will notice, one line each; nothing for none."""
    for caution in cautions:
        say(f"Note: {caution}.")


def print_json(value: object) -> None:
    """A value as JSON to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n")


def print_table(columns: list[str], rows: list[list[Any]]) -> None:
    """A plain table to stdout; a sentence to stderr when there is nothing."""
    if not rows:
        say("Nothing there yet.")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*["" if cell is None else _literal(str(cell)) for cell in row])
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def _literal(text: str) -> Any:  # noqa: ANN401
    from rich.text import Text

    return Text("".join(c if c.isprintable() or c == "\n" else "�" for c in text))


def read_file(path: Path, *, most_bytes: int = 60_000_000) -> bytes:
    """The bytes of a file. Raises BakeoffError ``no_such_file``, ``unreadable`` or ``too_large``."""
    try:
        if path.stat().st_size > most_bytes:
            size, most = path.stat().st_size / 1_000_000, most_bytes // 1_000_000
            what = f"{path.name} has {size:,.1f} MB; at most {most} MB are read."
            raise BakeoffError("too_large", what, "Split it, or take a sample of its rows.")
        return path.read_bytes()
    except FileNotFoundError:
        raise BakeoffError("no_such_file", f"There is no file {path}.", "Check the name and the folder.") from None
    except OSError as error:
        raise BakeoffError("unreadable", f"{path} cannot be read: {error.strerror}.") from None


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises BakeoffError as ``read_file``, and ``bad_encoding``."""
    try:
        return read_file(path, most_bytes=5_000_000).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BakeoffError(
            "bad_encoding", f"{path.name} is not UTF-8 (byte {error.start}).", "Save it as UTF-8."
        ) from None


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text file to write that is there whole in the end, or not at all. Raises BakeoffError ``unwritable``."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise BakeoffError(
            "unwritable", f"{path} cannot be written: {error.strerror}.", "Check the name and the folder."
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
