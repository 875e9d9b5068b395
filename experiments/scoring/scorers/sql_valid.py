"""The output is SQL that SQLite can parse."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

from pydantic import AfterValidator

from experiments.scoring.context import ScoringContext
from experiments.scoring.fences import first_fence
from experiments.scoring.reasons import one_line
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

LONGEST_SQL = 100_000
_MOST_INSTRUCTIONS = 5_000_000
_PIECE = re.compile(  # what is never closed runs to the end, so that each character is looked at once
    r"'(?:[^']|'')*+'?|\"(?:[^\"]|\"\")*+\"?|`[^`]*+`?|\[[^\]]*+\]?|--[^\n]*+|/\*(?:.*?\*/|.*)|(?P<end>;)|[^'\"`\[\-/;]++|.",
    re.DOTALL,
)
_TRIGGER = re.compile(r"\s*create\s+(?:temp\s+|temporary\s+)?trigger\b", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*explain\b", re.IGNORECASE)
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_ACCEPTED = re.compile("not authorized|Incorrect number of bindings|You did not supply a value for binding")
"""Complaints about what we withhold (files, settings, values of placeholders), not about the SQL."""
_ACCEPTED_WITHOUT_SCHEMA = re.compile(
    rf"{_ACCEPTED.pattern}|no such (?:table|column|function|module|collation|index|view|trigger|window)"
    r"|unknown database|table \S+ has no column"
)
_NEVER = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA})


@scorer(kind=MetricKind.BINARY, main="schema", example={"schema": "CREATE TABLE orders (id INTEGER, total REAL)"})
def sql_valid(
    ctx: ScoringContext, *, schema: Ddl = "", allow_fence: bool = True, single_statement: bool = False
) -> Score:
    """1 when the output is SQL that SQLite's own parser accepts. Nothing is executed.

    Without ``schema`` only the grammar counts, unknown tables and columns are fine; with it they must exist. Dialects
    of other databases (::casts, TOP, QUALIFY …) are refused as SQLite would. Above 100,000 characters no score.

    Options:
        schema: CREATE statements of the tables that the SQL may use.
        allow_fence: Take the SQL from the first ``` code fence when there is one.
        single_statement: Refuse more than one statement.
    """
    text = (first_fence(ctx.output) or ctx.output) if allow_fence else ctx.output
    if len(text) > LONGEST_SQL:
        return Score(None, f"longer than {LONGEST_SQL:,} characters")
    statements = list(split_statements(text))
    if not statements:
        return Score(0.0, "no SQL statement")
    if single_statement and len(statements) > 1:
        return Score(0.0, f"{len(statements)} statements instead of one")
    with closing(_database(schema)) as database:
        for statement in statements:
            problem = _problem(database, statement, names_must_exist=bool(schema))
            if problem:
                return Score(0.0, problem)
    return Score(1.0)


def split_statements(sql: str) -> Iterator[str]:
    """The statements, without those that hold only spaces and comments; semicolons in texts and names do not part."""
    start, content = 0, False
    for piece in _PIECE.finditer(sql):
        if piece["end"] and not _TRIGGER.match(sql, start):
            if content:
                yield sql[start : piece.start()]
            start, content = piece.end(), False
        elif not piece.group().startswith(("--", "/*")) and piece.group().strip():
            content = True
    if content:
        yield sql[start:]


def _database(schema: str) -> sqlite3.Connection:
    """An empty database in memory with the schema, from which no file, setting or long computation can be reached."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action in _NEVER else sqlite3.SQLITE_OK)
    database.set_progress_handler(lambda: True, _MOST_INSTRUCTIONS)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * LONGEST_SQL)
    try:
        database.executescript(schema)
    except BaseException:
        database.close()
        raise
    return database


def _problem(database: sqlite3.Connection, statement: str, *, names_must_exist: bool) -> str | None:
    """Why SQLite cannot compile the statement, or None. EXPLAIN compiles and does not run."""
    if _UNREADABLE.search(statement):
        return "holds a NUL character or half a character"
    try:
        database.execute(statement if _EXPLAIN.match(statement) else f"EXPLAIN {statement}")
    except sqlite3.Error as error:
        told = str(error)
        harmless = _ACCEPTED if names_must_exist else _ACCEPTED_WITHOUT_SCHEMA
        return None if harmless.match(told) else one_line(told)
    return None


def _creates_tables(schema: str) -> str:
    try:
        with closing(_database(schema)):
            return schema
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise ValueError(f"is no SQL that creates tables: {one_line(str(error))}") from None


Ddl = Annotated[str, AfterValidator(_creates_tables)]
"""The type of an option that holds CREATE statements."""
