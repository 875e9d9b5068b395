"""Who may reach this server at all: callers on this machine, under its own names, from its own pages.

The application decides this for every request and websocket, because any ASGI server can start it on any address.
Without a login, an address that others reach would make everybody an administrator. A name that is not ours in
``Host`` is DNS rebinding; an ``Origin`` that is not ours is another site's page in the user's browser.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from socket import gethostname
from time import monotonic
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import error_response

logger = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
NO_HOST = "?.?"
"""Stands for a host that cannot be read; nothing is known under it."""
WARN_EVERY_S = 60.0
_KEYS = (b"authorization", b"x-api-key")
_HOSTS = (b"host", b"x-forwarded-host")
_ORIGIN = b"origin"
_FORWARDED = (b"x-forwarded-for", b"x-real-ip", b"forwarded")
_READ = frozenset((*_KEYS, *_HOSTS, _ORIGIN, *_FORWARDED))


@dataclass(frozen=True, slots=True)
class Admission:
    """``open_to_all``: the spoken consent to serve other machines without a login (``--insecure-no-login``).

    ``hosts``: names under which a proxy with a login serves this installation (``BAKEOFF_ALLOWED_HOSTS``).
    """

    open_to_all: bool = False
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in: a word for programs, a sentence, what to do."""

    code: str
    message: str
    hint: str


class OwnCallersOnly:
    """Refuses, with 403, requests and websockets from other machines, under foreign names, from foreign pages."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._warned: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is let in."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = _refusal(self._admission, _address(scope.get("server")), _address(scope.get("client")), _read(scope))
        if refusal is None:
            await self._app(scope, receive, send)
            return
        self._warn(refusal)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
            return
        await error_response(403, refusal.code, refusal.message, refusal.hint)(scope, receive, send)

    def _warn(self, refusal: Refusal) -> None:
        """One line per cause and minute: a scan must not fill the log."""
        now = monotonic()
        if now - self._warned.get(refusal.code, -WARN_EVERY_S) >= WARN_EVERY_S:
            self._warned[refusal.code] = now
            logger.warning("a caller was refused (%s): %s %s", refusal.code, refusal.message, refusal.hint)


def _read(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that decide; of a key only that there is one, so that the answer can be remembered."""
    return tuple((name, b"" if name in _KEYS else value) for name, value in scope["headers"] if name in _READ)


def _address(end: Iterable[object] | None) -> str | None:
    return str(next(iter(end))) if end else None


@lru_cache(maxsize=1024)
def _refusal(
    admission: Admission, server: str | None, client: str | None, headers: tuple[tuple[bytes, bytes], ...]
) -> Refusal | None:
    hosts = [_netloc(value) for name, value in headers if name in _HOSTS]
    names = {_hostname(host) for host in hosts}
    origins = [value.decode("latin-1").lower() for name, value in headers if name == _ORIGIN]
    if not admission.open_to_all:
        refusal = _foreign_address(admission, server, client, headers, names)
        if refusal is not None:
            return refusal
    foreign = next((name for name in names if not _is_own(name, admission)), None)
    if foreign is not None:
        return Refusal(
            "unknown_host",
            f"This server is not known as '{foreign[:100]}'.",
            "Open it as http://localhost, or name the host in BAKEOFF_ALLOWED_HOSTS.",
        )
    # Only a program can send a key to a page of another origin (a browser asks first, and is refused here).
    if not any(name in _KEYS for name, _ in headers):
        for origin in origins:
            page = _netloc(origin.partition("://")[2].encode("latin-1"))
            if page == NO_HOST or (page not in hosts and _hostname(page) not in admission.hosts):
                return Refusal(
                    "foreign_origin",
                    "The request comes from a page of another site or port.",
                    "Open Bakeoff at its own address.",
                )
    return None


def _foreign_address(
    admission: Admission,
    server: str | None,
    client: str | None,
    headers: tuple[tuple[bytes, bytes], ...],
    names: set[str],
) -> Refusal | None:
    bound_here = server is not None and (server in LOOPBACK or server.startswith("/"))
    from_here = client in LOOPBACK and all(address in LOOPBACK for address in _forwarded_for(headers))
    by_proxy = bound_here and bool(names & set(admission.hosts))
    if bound_here and (from_here or by_proxy):
        return None
    return Refusal(
        "login_needed",
        "No login is set up, so only this machine is served.",
        "Open http://localhost on the machine itself; for others, bind 127.0.0.1 behind a proxy with a login and name "
        "its host in BAKEOFF_ALLOWED_HOSTS, or accept it with --insecure-no-login.",
    )


def _forwarded_for(headers: tuple[tuple[bytes, bytes], ...]) -> list[str]:
    """The callers that proxies name. An address that cannot be read is returned as it stands, so it is foreign."""
    found = []
    for name, value in headers:
        if name not in _FORWARDED:
            continue
        for part in value.decode("latin-1").lower().split(","):
            text = part
            if name == b"forwarded":
                fields = dict(field.strip().partition("=")[::2] for field in part.split(";"))
                text = fields.get("for", "")
            text = text.strip().strip('"')
            found.append(text[1:].partition("]")[0] if text.startswith("[") else text)
    return [text for text in found if text]


def _is_own(name: str, admission: Admission) -> bool:
    if name in LOCAL_NAMES or name in admission.hosts:
        return True
    if not admission.open_to_all:
        return False
    # Rebinding needs a name of the public DNS: an address or a name without a dot is none.
    return "." not in name or name == gethostname().lower() or _is_ip(name)


def _is_ip(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _netloc(value: bytes) -> str:
    """Host and port in one form, without a port that is the scheme's own; ``NO_HOST`` for what is no host."""
    parts = _split(value.decode("latin-1").strip().lower())
    return NO_HOST if parts is None else _without_port(parts)


def _split(host: str) -> str | None:
    """The text itself when it is ``host`` or ``host:port`` and nothing more."""
    try:
        parts = urlsplit(f"//{host}")
        bad = parts.hostname is None or parts.netloc != host or "@" in host or (parts.port or 1) < 1
    except ValueError:
        return None
    return None if bad else host


def _without_port(host: str) -> str:
    return host.removesuffix(":80").removesuffix(":443")


def _hostname(host: str) -> str:
    return (urlsplit(f"//{host}").hostname or NO_HOST).rstrip(".")
