"""The OpenAPI description of every HTTP route, those of the protocols too that are no FastAPI routes."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI

from experiments.live.units import UNIT_OR_NONE
from experiments.plain_text import TEXTS_BY_NAME

PREFIX = "/api"
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `Authorization: Bearer bk_…`."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
        }
    },
}
STATUSES = {
    "400": "Something in the request can be fixed.",
    "401": "No valid key.",
    "403": "The key lacks the scope.",
    "404": "No such thing.",
    "409": "The rules, or somebody else's change, forbid it.",
    "413": "Too large.",
    "422": "The body has another form.",
    "429": "The key asks too much; see Retry-After.",
    "503": "Not at present.",
}


def description_of(app: FastAPI) -> dict[str, Any]:
    """The description, with whole paths, the ways to send a key, and what can go wrong in one shape."""
    described = copy.deepcopy(app.openapi())
    described["paths"] = {PREFIX + path: item for path, item in described["paths"].items()} | PROTOCOLS
    components = described.setdefault("components", {})
    components["securitySchemes"] = SECURITY
    components.setdefault("schemas", {})["Error"] = ERROR
    described["security"] = [{"bearer": []}, {"api_key": []}]
    for path, item in described["paths"].items():
        if path.startswith(PREFIX):
            for operation in item.values():
                _describe_errors(operation["responses"])
    return described


def _describe_errors(responses: dict[str, Any]) -> None:
    for status, text in STATUSES.items():
        schema = {"$ref": "#/components/schemas/Error"}
        responses[status] = {"description": text, "content": {"application/json": {"schema": schema}}}


_OPENAI_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "object", "required": ["message", "type", "param", "code"]}},
}


def _refusals(*statuses: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        status: {
            "description": STATUSES.get(status, "The provider's own error."),
            "content": {"application/json": {"schema": schema}},
        }
        for status in statuses
    }


PROTOCOLS: dict[str, Any] = {
    "/v1/chat/completions": {
        "post": {
            "tags": ["live"],
            "summary": "OpenAI-compatible chat completions",
            "operationId": "chat_completions",
            "description": "`model` is `prompt:<name>`, `prompt:<name>@<label or version>`, `experiment:<key>`, or any "
            "model, which is passed through. Variables in `variables` or `metadata.variables`, the unit in `user`.",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["model"],
                            "properties": {
                                "model": {"type": "string", "minLength": 1},
                                "messages": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["role"],
                                        "properties": {"role": {"type": "string"}},
                                    },
                                },
                                "user": {"type": "string", "maxLength": 512, "pattern": UNIT_OR_NONE},
                                "safety_identifier": {"type": "string", "maxLength": 512, "pattern": UNIT_OR_NONE},
                                "variables": {"type": "object", **TEXTS_BY_NAME},
                                "stream": {"type": ["boolean", "null"]},
                            },
                        }
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "The completion, or a stream of its chunks.",
                    "headers": {
                        name: {"schema": {"type": "string"}}
                        for name in ("x-bakeoff-variant", "x-bakeoff-prompt-version", "x-bakeoff-exposure")
                    },
                    "content": {
                        "application/json": {"schema": {"type": "object"}},
                        "text/event-stream": {},
                    },
                },
                **_refusals("400", "401", "403", "404", "413", "429", "500", "502", "503", "504", schema=_OPENAI_ERROR),
            },
        }
    },
    "/v1/models": {
        "get": {
            "tags": ["live"],
            "summary": "Prompts in production and live tests, as models",
            "operationId": "models",
            "responses": {
                "200": {
                    "description": "The list.",
                    "content": {"application/json": {"schema": {"type": "object", "required": ["object", "data"]}}},
                },
                **_refusals("401", "403", "429", schema=_OPENAI_ERROR),
            },
        }
    },
}
"""Routes under ``/v1``; those under ``/ofrep`` are described by the protocol's own document."""
