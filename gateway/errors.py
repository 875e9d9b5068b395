"""One shape for every error: ``{"error": {"code", "message", "hint"}}``; nothing of the inside leaks."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from experiments.errors import BakeoffError
from experiments.storable import sanitised_text
from gateway.key_check import Refused

logger = logging.getLogger(__name__)

_CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


def error_response(
    status: int, code: str, message: str, hint: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """The one error body."""
    body = {"error": {"code": code, "message": sanitised_text(message), "hint": sanitised_text(hint)}}
    return JSONResponse(body, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Every exception of the app becomes the one shape."""

    @app.exception_handler(BakeoffError)
    async def _known(_request: Request, error: BakeoffError) -> JSONResponse:
        return error_response(error.status, error.code, error.message, error.hint)

    @app.exception_handler(Refused)
    async def _refused(_request: Request, refused: Refused) -> JSONResponse:
        return error_response(refused.status, refused.code, refused.message, headers=refused.headers())

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path")) or "the body"
        return error_response(422, "invalid_body", f"{where}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "http_error")
        headers = dict(error.headers) if error.headers else None
        return error_response(error.status_code, code, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    async def _unknown(request: Request, error: Exception) -> JSONResponse:
        logger.error("unexpected error at %s %s", request.method, request.url.path, exc_info=error)
        return error_response(500, "internal", "Something went wrong on our side.", "It is in the server's log.")
