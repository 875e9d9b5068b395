"""Configuration from the environment, read once by the entry points: app.py, cli.py and the pages' session."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.errors import BakeoffError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where data lives and how the server binds.

    ``insecure_no_login`` is the spoken consent to be reachable by others without a login; pages then say so.
    ``allowed_hosts`` are the names, in lower case, under which a proxy with a login serves this installation.
    """

    home: Path
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8501
    run_worker: bool = True
    load_sample: bool = True
    insecure_no_login: bool = False
    allowed_hosts: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings of an environment (the process's own by default).

        Raises:
            BakeoffError: ``bad_setting`` when BAKEOFF_PORT is no port.
        """
        env = os.environ if environ is None else environ
        home = Path(env.get("BAKEOFF_HOME") or "~/.bakeoff").expanduser()
        return cls(
            home=home,
            database_url=env.get("BAKEOFF_DATABASE_URL") or f"sqlite:///{home / 'bakeoff.db'}",
            host=env.get("BAKEOFF_HOST") or "127.0.0.1",
            port=_port(env.get("BAKEOFF_PORT") or "8501"),
            run_worker=env.get("BAKEOFF_WORKER", "1") != "0",
            load_sample=env.get("BAKEOFF_SAMPLE", "1") != "0",
            insecure_no_login=env.get("BAKEOFF_INSECURE_NO_LOGIN") == "1",
            allowed_hosts=_hosts(env.get("BAKEOFF_ALLOWED_HOSTS", "")),
        )

    def is_local(self) -> bool:
        """True when only this machine can connect."""
        return self.host in LOOPBACK

    def check_bind(self) -> None:
        """Nothing when the address may be served without a login. Raises BakeoffError ``login_needed``."""
        if not self.is_local() and not self.insecure_no_login:
            raise BakeoffError(
                "login_needed",
                f"Serving on {self.host} would let everybody on the network in, and no login is set up.",
                "Bind 127.0.0.1 behind a proxy with a login, or accept it with --insecure-no-login.",
            )

    def check_home(self) -> None:
        """Nothing when this process may write below ``home``.

        Raises:
            BakeoffError: ``home_not_writable`` with the system's reason (a full disk, a read-only one, no right to it).
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self.home) as probe:
                probe.write(b"\0" * 4096)
        except OSError as error:
            raise BakeoffError(
                "home_not_writable",
                f"The folder that BAKEOFF_HOME names cannot be written: {error.strerror}.",
                "Free some space, or name a folder that you may write.",
            ) from None

    def check_port(self) -> None:
        """Nothing when the port is free. Raises BakeoffError ``port_taken``."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise BakeoffError(
                    "port_taken",
                    f"Port {self.port} of {self.host} cannot be used: {error.strerror}.",
                    "Stop the program that listens there, or choose another one with --port.",
                ) from None

    def as_env(self) -> dict[str, str]:
        """The environment that gives a child process the same settings."""
        return {
            "BAKEOFF_HOME": str(self.home),
            "BAKEOFF_DATABASE_URL": self.database_url,
            "BAKEOFF_HOST": self.host,
            "BAKEOFF_PORT": str(self.port),
            "BAKEOFF_WORKER": "1" if self.run_worker else "0",
            "BAKEOFF_SAMPLE": "1" if self.load_sample else "0",
            "BAKEOFF_INSECURE_NO_LOGIN": "1" if self.insecure_no_login else "0",
            "BAKEOFF_ALLOWED_HOSTS": ",".join(self.allowed_hosts),
        }


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise BakeoffError("bad_setting", f"BAKEOFF_PORT is {text!r}.", "Set it to a number from 1 to 65535.")


def _hosts(text: str) -> tuple[str, ...]:
    """Host names from a list with commas, without ports. Raises BakeoffError ``bad_setting``."""
    names = tuple(name.strip().lower().rstrip(".") for name in text.split(",") if name.strip())
    for name in names:
        if not HOST_NAME.fullmatch(name):
            raise BakeoffError(
                "bad_setting",
                f"BAKEOFF_ALLOWED_HOSTS names {name[:60]!r}.",
                "Give host names with commas between them, without scheme, port or wildcard.",
            )
    return names
