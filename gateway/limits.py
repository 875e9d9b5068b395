"""ASGI middleware: bounded request bodies for the HTTP API, security headers for everything."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.asgi import BodyRefused, CallerGone, read_body
from gateway.errors import error_response

MAX_BODY_BYTES = 1_000_000

# Streamlit's own bundle needs inline styles, and Vega compiles expressions; neither loads anything from elsewhere.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' ws: wss: data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
RAW_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class SecurityHeaders:
    """Sets the headers on every response, pages and assets included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add headers to its response."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                names = {name for name, _ in given}
                message["headers"] = [*given, *(pair for pair in RAW_HEADERS if pair[0] not in names)]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class BoundedBody:
    """Refuses request bodies above the limit, announced or not, with 413, and those that trickle in, with 408."""

    def __init__(self, app: ASGIApp, most_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            await self._refuse(scope, receive, send)
            return
        try:
            body = await read_body(receive, self._most)
        except CallerGone:
            return
        except BodyRefused as refused:
            code = "too_large" if refused.status == 413 else "too_slow"
            response = error_response(refused.status, code, refused.message, "Send less at a time.")
            await response(scope, receive, send)
            return
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = error_response(
            413, "too_large", f"The body is larger than {self._most:,} bytes.", "Send less at a time."
        )
        await response(scope, receive, send)
