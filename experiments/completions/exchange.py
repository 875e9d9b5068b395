"""What went over the wire in one attempt: the facts that both engines report alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

MOST_BYTES = 16 * 1024 * 1024
"""The longest response that is read; what is longer is a malformed response."""
MOST_KEPT_BYTES = 1024 * 1024
CONNECT_TIMEOUT_S = 15.0
"""A host that does not even accept a connection is told apart from a slow model."""

DOCUMENT_TYPES = frozenset({"application/json", "text/html", "text/plain", ""})
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id")
KEPT_HEADERS = frozenset(
    {"content-type", "content-encoding", "retry-after", "retry-after-ms", "date", *REQUEST_ID_HEADERS}
)


@dataclass(slots=True)
class Exchange:
    """Filled in while the attempt runs, so that whatever ends it (deadline, broken connection) can be told.

    ``posted`` holds the addresses that a request was handed to the transport for; ``sent`` is true once one may have
    reached the provider, who may then bill it. ``is_document`` tells one whole body from a stream of events.
    ``repaired`` says that bytes of it were no UTF-8 and had to be replaced, ``broken`` that the connection ended in the
    middle of it. ``body`` is the whole body, or the first ``MOST_KEPT_BYTES`` of a stream that a library reads.
    """

    host: str = "the provider"
    wants_stream: bool = False
    wants_vector: bool = False
    posted: set[str] = field(default_factory=set)
    sent: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_document: bool = False
    repaired: bool = False
    redirected: bool = False
    oversize: bool = False
    broken: bool = False

    def note_head(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Writes down status, the headers that matter (names in lower case), and what they say of the body."""
        kept = {name: value for name, value in headers if name in KEPT_HEADERS}
        media_type = kept.get("content-type", "").partition(";")[0].strip().lower()
        self.status = status
        self.headers = kept
        self.redirected = 300 <= status < 400
        self.is_document = media_type in DOCUMENT_TYPES

    def request_id(self) -> str | None:
        """The provider's own id of the call, from the usual headers."""
        return next((self.headers[name][:200] for name in REQUEST_ID_HEADERS if self.headers.get(name)), None)


current_exchange: ContextVar[Exchange | None] = ContextVar("current_exchange", default=None)
"""The exchange of the running attempt, for transports that sit deep inside a library."""
