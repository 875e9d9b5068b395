"""Experiments: list, results, promotion: ``/api/v1/experiments/…``."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from experiments.actions.registry.promote import promote
from experiments.actions.results.open_results import open_results
from experiments.prompts.content import LABEL_NAME
from experiments.views.runs.experiments import list_experiments
from experiments.vocabulary import Actor, Scope
from gateway.auth import scoped
from storage.store import Store


class PromoteBody(BaseModel):
    """What to promote where; ``expected_revision`` refuses if the label moved since the caller looked."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(default="production", json_schema_extra={"pattern": LABEL_NAME.pattern})
    variant: str | None = None
    reason: str = ""
    expected_revision: int | None = None


def add_routes(app: FastAPI, store: Store) -> None:
    """Add the routes of this file."""
    reader, promoter = scoped(store, Scope.READ), scoped(store, Scope.PROMOTE)

    @app.get("/v1/experiments", tags=["experiments"])
    def experiments(_actor: Actor = Depends(reader)) -> dict[str, Any]:
        """All experiments, newest first."""
        return {"experiments": [e.to_json() for e in list_experiments(store)]}

    @app.get("/v1/experiments/{name}/results", tags=["experiments"])
    def results(name: str, actor: Actor = Depends(reader)) -> dict[str, Any]:
        """The verdict, comparisons, health and cost; the look is logged."""
        return open_results(store, name, actor=actor)

    @app.post("/v1/experiments/{name}/promote", tags=["experiments"])
    def promoted(name: str, body: PromoteBody, actor: Actor = Depends(promoter)) -> dict[str, Any]:
        """Move a label to the winner, under the same guards as the page."""
        done = promote(
            store,
            name,
            label=body.to,
            actor=actor,
            variant=body.variant,
            reason=body.reason,
            expected_revision=body.expected_revision,
        )
        return {
            "prompt": done.prompt,
            "label": done.label,
            "version": done.version,
            "previous_version": done.previous_version,
            "variant": done.variant,
            "decision": done.decision_id,
            "at": done.at,
            "against_verdict": done.against_verdict,
            "cautions": done.cautions,
        }
