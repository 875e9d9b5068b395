"""Rating: ``/r/{token}`` lets a browser in, ``/api/v1/rate/…`` is what the rating page talks to.

The only routes for people without a key. Whoever asks is known by a cookie that a page cannot read; a request that
changes something must be JSON and come from this very site.
"""

from __future__ import annotations

import asyncio
from functools import partial
from html import escape
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from experiments.actions.rating.join_rating import arrive, secret_of_rater
from experiments.actions.rating.rate import (
    LONGEST_COMMENT,
    RaterState,
    Vote,
    name_rater,
    rater_state,
    submit_votes,
    undo_vote,
)
from experiments.errors import BakeoffError, Forbidden, Unauthenticated
from experiments.storable import sanitised_text
from gateway.auth import open_to_raters
from storage.store import Store

COOKIE = "bakeoff_rater"
PAGE = "/rate"
RATER_HEADER = "x-rater"
MOST_VOTES = 50
NO_STORE = {"Cache-Control": "no-store"}


def _kept(text: object) -> object:
    """A comment as it can be kept: a vote is never refused for what its comment holds."""
    return sanitised_text(text)[:LONGEST_COMMENT] if isinstance(text, str) else text


class VoteBody(BaseModel):
    """One press of a key."""

    model_config = ConfigDict(extra="forbid")

    seq: Annotated[int, Field(ge=0, le=2**53)]
    task: Annotated[str, Field(max_length=64)]
    action: Literal["vote", "skip", "report"] = "vote"
    choice: Annotated[str, Field(max_length=64)] | None = None
    reasons: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] = []
    comment: Annotated[str, BeforeValidator(_kept)] = ""
    ms: Annotated[float, Field(allow_inf_nan=False)] = 0


class VotesBody(BaseModel):
    """Votes in the order they were given, and the tasks that the page still shows."""

    model_config = ConfigDict(extra="forbid")

    votes: Annotated[list[VoteBody], Field(max_length=MOST_VOTES)]
    have: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=200)] = []


class UndoBody(BaseModel):
    """The task whose vote is taken back."""

    model_config = ConfigDict(extra="forbid")

    task: Annotated[str, Field(max_length=64)]


class NameBody(BaseModel):
    """What the rater wants to be called."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=1_000)]


def rater_secret(store: Store, request: Request) -> str:
    """The secret of the rater's cookie; a request that changes something is checked to come from our own page.

    A page that has started says whose it is: another session opened in the same browser must not get its votes.

    Raises:
        Unauthenticated: ``link_needed`` without a (fitting) cookie; Forbidden ``foreign_page``.
    """
    secrets = _secrets(request)
    if not secrets:
        raise Unauthenticated("link_needed", "This page opens with a link.", "Open your link again, or ask for one.")
    if request.method != "GET":
        _refuse_foreign(request)
    key = request.headers.get(RATER_HEADER)
    return secrets[0] if key is None else secret_of_rater(store, secrets, key)


def _secrets(request: Request) -> tuple[str, ...]:
    """The secrets in the rater's cookie, that of the session opened last first."""
    return tuple(secret for secret in request.cookies.get(COOKIE, "").split(".") if secret)


def _refuse_foreign(request: Request) -> None:
    """A form or script of another site sends the cookie too in old browsers; it cannot send these headers."""
    headers = request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    hosts = {headers.get("host", ""), headers.get("x-forwarded-host", "")}
    foreign = site not in (None, "same-origin") or (
        site is None and origin is not None and urlsplit(origin).netloc not in hosts
    )
    if kind != "application/json" or foreign:
        raise Forbidden("foreign_page", "Votes are taken from the rating page only.", "Open your link again.")


def add_routes(app: FastAPI, store: Store) -> None:
    """Add the routes of this file that live under ``/api``."""
    who = open_to_raters(partial(rater_secret, store))

    @app.get("/v1/rate/state", tags=["rating"])
    def state(response: Response, secret: str = Depends(who)) -> dict[str, Any]:
        """The question, the rater's progress, the tasks in the rater's hands, the last decision."""
        response.headers.update(NO_STORE)
        return _state_json(rater_state(store, secret))

    @app.post("/v1/rate/votes", tags=["rating"])
    def votes(body: VotesBody, secret: str = Depends(who)) -> dict[str, Any]:
        """Keep votes, skips and reports; without any: renew the leases. Answers with what is handed out next."""
        given = [Vote(v.seq, v.task, v.action, v.choice, tuple(v.reasons), v.comment, round(v.ms)) for v in body.votes]
        taken = submit_votes(store, secret, given, have=body.have)
        return {
            "acknowledged": list(taken.acknowledged),
            "refused": [{"seq": r.seq, "code": r.code, "message": r.message} for r in taken.refused],
            "done": taken.done,
            "left": taken.left,
            "tasks": [task.to_json() for task in taken.tasks],
            "gone": list(taken.gone),
        }

    @app.post("/v1/rate/undo", tags=["rating"])
    def undo(body: UndoBody, secret: str = Depends(who)) -> dict[str, Any]:
        """Take back the decision on one task and hold it again."""
        back = undo_vote(store, secret, body.task)
        return {
            "task": back.task.to_json() if back.task else None,
            "last": back.last.to_json() if back.last else None,
            "done": back.done,
            "left": back.left,
        }

    @app.post("/v1/rate/name", tags=["rating"])
    def name(body: NameBody, secret: str = Depends(who)) -> dict[str, str]:
        """Set the rater's name, where the session asks for one."""
        return {"name": name_rater(store, secret, body.name)}


def _state_json(state: RaterState) -> dict[str, Any]:
    spec = state.spec
    return {
        "session": {
            "kind": spec.kind.value,
            "question": spec.question_text(),
            "instructions": spec.instructions,
            "examples": [e.model_dump() for e in spec.examples],
            "choices": [{"value": c.value, "label": c.label, "key": c.key} for c in spec.choices()],
            "reasons": list(spec.reasons),
            "comment": spec.comment,
            "closed": state.over,
            "quota": spec.quota or state.items,
            "seconds_per_item": state.seconds_per_item,
        },
        "rater": {
            "key": state.rater_key,
            "name": state.rater_name or None,
            "ask_name": spec.ask_name,
            "done": state.done,
            "left": state.left,
        },
        "tasks": [task.to_json() for task in state.tasks],
        "last": state.last.to_json() if state.last else None,
    }


class RaterLink:
    """``GET /r/{token}``: the link becomes a cookie, and the token leaves the address bar."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def follow(self, request: Request) -> Response:
        """To the rating page with a cookie, or a page that says why not."""
        token, known = request.path_params["token"], _secrets(request)
        try:
            arrival = await asyncio.to_thread(arrive, self._store, token, known=known)
        except BakeoffError as error:
            return _sorry(error)
        answer = RedirectResponse(PAGE, status_code=303, headers=NO_STORE)
        answer.set_cookie(
            COOKIE,
            ".".join(arrival.secrets),
            max_age=max(1, int((arrival.expires_at - self._store.clock()).total_seconds())),
            httponly=True,
            samesite="lax",
            secure=_is_secure(request),
            path="/",
        )
        return answer


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def _sorry(error: BakeoffError) -> HTMLResponse:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<title>Rating</title><body style="font:16px/1.5 system-ui;max-width:32rem;margin:20vh auto;padding:0 1rem">'
        f'<h1 style="font-size:1.3rem">{escape(error.message)}</h1><p>{escape(error.hint)}</p>'
    )
    return HTMLResponse(text, status_code=error.status, headers=NO_STORE)
