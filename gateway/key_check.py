"""Keys without the database: who calls, what the key may do, and how much of it at a time."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from experiments.actions.installation.manage_keys import holder, key_id_of
from experiments.vocabulary import Actor, Clock, Scope, utc_now
from storage.records import ApiKeyRecord

Headers = Iterable[tuple[bytes, bytes]]
LookUp = Callable[[str], Awaitable[ApiKeyRecord | None]]

KEY_HEADERS = (b"authorization", b"x-api-key")
UNKNOWN_FOR_S = 1.0
MOST_UNKNOWN = 1_000


class Refused(Exception):
    """A call that is not let in: HTTP status, a word for programs, a sentence, and when to come back."""

    def __init__(self, status: int, code: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def headers(self) -> dict[str, str]:
        """What goes with the answer."""
        if self.retry_after_s is not None:
            return {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}
        return {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What one key may ask for: calls a second (with a burst of two seconds' worth) and calls at the same time."""

    per_second: float = 1_000.0
    at_once: int = 512


@dataclass(slots=True)
class _Use:
    """What a key has used: tokens of its bucket, and calls that are open."""

    tokens: float
    at: float
    open: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by which key."""

    actor: Actor
    key_id: str
    use: _Use = field(repr=False)


class KeyGate:
    """Checks keys against what was last known of them; only a key nobody has heard of is looked up.

    ``known`` gives the records by id. Belongs to one event loop.
    """

    def __init__(
        self,
        known: Callable[[], Mapping[str, ApiKeyRecord]],
        look_up: LookUp,
        *,
        limits: KeyLimits | None = None,
        clock: Clock = utc_now,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._known = known
        self._look_up = look_up
        self._limits = limits or KeyLimits()
        self._clock = clock
        self._seconds = seconds
        self._uses: dict[str, _Use] = {}
        self._unknown: dict[str, float] = {}
        self.used: set[str] = set()

    async def caller(self, headers: Headers, scope: Scope) -> Caller:
        """Who calls, with one call taken from the key's allowance.

        Raises:
            Refused: 401 without a valid key, 403 without the scope, 429 beyond the limits.
        """
        key = key_in(headers)
        key_id = key_id_of(key)
        record = None if key_id is None else self._known().get(key_id) or await self._looked_up(key_id)
        actor = None if record is None else holder(record, key, self._clock())
        if actor is None or key_id is None:
            raise Refused(401, "unauthenticated", "A valid API key is needed.")
        if scope not in actor.scopes:
            raise Refused(403, "forbidden", f"This key lacks the scope '{scope.value}'.")
        self.used.add(key_id)
        return Caller(actor, key_id, self._take(key_id))

    @contextmanager
    def open_call(self, caller: Caller) -> Iterator[None]:
        """Counts a call as open. Raises Refused (429) when the key has too many."""
        if caller.use.open >= self._limits.at_once:
            raise Refused(
                429, "too_many_requests", f"This key has {self._limits.at_once} calls open.", retry_after_s=1.0
            )
        caller.use.open += 1
        try:
            yield
        finally:
            caller.use.open -= 1

    def _take(self, key_id: str) -> _Use:
        limits, now = self._limits, self._seconds()
        most = 2 * limits.per_second
        use = self._uses.get(key_id)
        if use is None:
            use = self._uses[key_id] = _Use(most, now)
        use.tokens = min(most, use.tokens + (now - use.at) * limits.per_second)
        use.at = now
        if use.tokens < 1:
            raise Refused(
                429,
                "too_many_requests",
                f"This key makes more than {limits.per_second:g} calls a second.",
                retry_after_s=(1 - use.tokens) / limits.per_second,
            )
        use.tokens -= 1
        return use

    async def _looked_up(self, key_id: str) -> ApiKeyRecord | None:
        now = self._seconds()
        if now - self._unknown.get(key_id, -math.inf) < UNKNOWN_FOR_S:
            return None
        record = await self._look_up(key_id)
        if record is None:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[key_id] = now
        return record


def key_in(headers: Headers) -> str:
    """The key of ``X-API-Key`` or ``Authorization: Bearer``: the first that has the shape of one; empty without any."""
    given = {name: value.decode("latin-1").strip() for name, value in headers if name in KEY_HEADERS}
    scheme, _, token = given.get(b"authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return next((key for key in (given.get(b"x-api-key", ""), bearer) if key_id_of(key)), "")
