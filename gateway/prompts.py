"""The registry's reads and its rollback: ``/api/v1/prompts/…``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from experiments.actions.registry.roll_back import roll_back
from experiments.plain_text import TEXTS_BY_NAME
from experiments.prompts.content import LABEL_NAME
from experiments.prompts.rendering import render
from experiments.views.registry.prompt_notices import content_notices
from experiments.views.registry.prompts import list_prompts, served_prompt
from experiments.vocabulary import Actor, Scope
from gateway.auth import scoped
from storage.store import Store

CACHE_S = 5


class RenderBody(BaseModel):
    """Values for the variables."""

    model_config = ConfigDict(extra="forbid")

    variables: dict[str, str] = Field(default_factory=dict, json_schema_extra=TEXTS_BY_NAME)
    label: str = Field(default="production", json_schema_extra={"pattern": LABEL_NAME.pattern})
    version: int | None = None


class RollbackBody(BaseModel):
    """Where to go back to (None: the version before) and why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})
    to: int | None = None
    label: str = Field(default="production", json_schema_extra={"pattern": LABEL_NAME.pattern})


def add_routes(app: FastAPI, store: Store) -> None:
    """Add the routes of this file."""
    reader, promoter = scoped(store, Scope.READ), scoped(store, Scope.PROMOTE)

    @app.get("/v1/prompts", tags=["prompts"])
    def prompts(_actor: Actor = Depends(reader)) -> dict[str, Any]:
        """All prompts with their newest version and what each label serves."""
        return {
            "prompts": [
                {
                    "name": p.name,
                    "newest_version": p.versions[0].number if p.versions else None,
                    "labels": p.labels,
                }
                for p in list_prompts(store)
            ]
        }

    @app.get("/v1/prompts/{name}", tags=["prompts"])
    def prompt(
        name: str,
        response: Response,
        _actor: Actor = Depends(reader),
        label: str | None = None,
        version: int | None = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Any:  # noqa: ANN401
        """What a label (production by default) or a version serves; 304 when the ETag is the caller's own."""
        served = served_prompt(store, name, label=label, version=version)
        etag = f'"{served.content_hash}"'
        if if_none_match and etag in [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]:
            return Response(status_code=304, headers={"ETag": etag})
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = f"private, max-age={CACHE_S}"
        return served.to_json()

    @app.post("/v1/prompts/{name}/render", tags=["prompts"])
    def rendered(name: str, body: RenderBody, _actor: Actor = Depends(reader)) -> dict[str, Any]:
        """The messages with the variables filled in, ready to be sent."""
        served = served_prompt(store, name, label=body.label, version=body.version)
        request = render(served.content, body.variables)
        notices = content_notices(served.content, names=body.variables)
        return {**request.payload(), "version": served.version, **({"notices": notices} if notices else {})}

    @app.post("/v1/prompts/{name}/rollback", tags=["prompts"])
    def rolled_back(name: str, body: RollbackBody, actor: Actor = Depends(promoter)) -> dict[str, Any]:
        """Put a label back on the version that held it before."""
        move = roll_back(store, name, actor=actor, reason=body.reason, label=body.label, to=body.to)
        return {
            "prompt": move.prompt,
            "label": move.label,
            "version": move.version,
            "previous_version": move.previous_version,
            "at": move.at,
            "cautions": move.cautions,
        }
