"""Who asks: the key in ``Authorization: Bearer`` or ``X-API-Key``; every route says which scope it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, HTTPException, Request
from fastapi.routing import APIRoute

from experiments.actions.installation.manage_keys import actor_of_key
from experiments.vocabulary import Actor, Scope
from gateway.key_check import Caller, key_in
from gateway.live import LiveGateway
from storage.store import Store

ActorOf = Callable[..., Actor]

_SCOPE_MARK = "bakeoff_scope"


def scoped(store: Store, scope: Scope) -> ActorOf:
    """A dependency that gives the actor of a valid key with the scope; 401 or 403 otherwise."""

    def dependency(
        request: Request,
    ) -> Actor:
        actor = actor_of_key(store, key_in(request.scope["headers"]))
        if actor is None:
            raise HTTPException(401, "A valid API key is needed.", headers={"WWW-Authenticate": "Bearer"})
        if scope not in actor.scopes:
            raise HTTPException(403, f"This key lacks the scope '{scope.value}'.")
        return actor

    setattr(dependency, _SCOPE_MARK, scope)
    return dependency


def open_to_raters(secret_of: Callable[[Request], str]) -> Callable[[Request], str]:
    """A dependency for the routes of the rating page: no key, but the cookie of somebody who came by a link."""

    def dependency(request: Request) -> str:
        return secret_of(request)

    setattr(dependency, _SCOPE_MARK, "rater")
    return dependency


def live_scoped(live: LiveGateway, scope: Scope) -> Callable[..., AsyncIterator[Caller]]:
    """The same for the live routes: keys as they were last known, never the database, and limits per key."""

    async def dependency(request: Request) -> AsyncIterator[Caller]:
        caller = await live.gate.caller(request.scope["headers"], scope)
        with live.gate.open_call(caller):
            yield caller

    setattr(dependency, _SCOPE_MARK, scope)
    return dependency


def refuse_open_routes(app: FastAPI) -> None:
    """Nothing when every route declares a scope, or that it is for raters.

    Raises:
        RuntimeError: naming the first route that does neither.
    """
    for route in app.routes:
        if not isinstance(route, APIRoute) or not _declares_scope(route):
            raise RuntimeError(f"the route {getattr(route, 'path', route)} declares no scope; every route must")


def _declares_scope(route: APIRoute) -> bool:
    return any(hasattr(d.call, _SCOPE_MARK) for d in route.dependant.dependencies)
