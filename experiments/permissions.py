"""Who may do what: one table, asked by every action, so that pages, HTTP and terminal obey the same rule."""

from __future__ import annotations

from enum import StrEnum

from experiments.errors import Forbidden
from experiments.vocabulary import Actor, Role, Scope


class Operation(StrEnum):
    """What can be asked for."""

    READ = "read"
    EDIT_PROMPT = "edit_prompt"
    IMPORT_DATA = "import_data"
    DESIGN = "design"
    SPEND = "spend"
    RUN_LIVE = "run_live"
    ANALYSE = "analyse"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    MANAGE = "manage"
    READ_AUDIT = "read_audit"
    COLLECT_RATINGS = "collect_ratings"
    RATE = "rate"


_LADDER = (Role.VIEWER, Role.EDITOR, Role.APPROVER, Role.ADMIN)

LEAST_ROLE: dict[Operation, Role] = {
    Operation.READ: Role.VIEWER,
    Operation.EDIT_PROMPT: Role.EDITOR,
    Operation.IMPORT_DATA: Role.EDITOR,
    Operation.DESIGN: Role.EDITOR,
    Operation.SPEND: Role.EDITOR,
    Operation.RUN_LIVE: Role.EDITOR,
    Operation.ANALYSE: Role.VIEWER,
    Operation.PROMOTE: Role.APPROVER,
    Operation.ROLL_BACK: Role.APPROVER,
    Operation.READ_AUDIT: Role.APPROVER,
    Operation.MANAGE: Role.ADMIN,
    Operation.COLLECT_RATINGS: Role.EDITOR,
    Operation.RATE: Role.RATER,
}

SCOPE_FOR: dict[Operation, Scope] = {
    Operation.READ: Scope.READ,
    Operation.ANALYSE: Scope.READ,
    Operation.PROMOTE: Scope.PROMOTE,
    Operation.ROLL_BACK: Scope.PROMOTE,
}
"""What keys can do at all; an operation without a scope here is for people only."""


def allowed(actor: Actor, operation: Operation) -> bool:
    """True when the actor's role or one of its scopes permits the operation.

    Rating is for raters alone: a reader of results has seen who wrote what.
    """
    if actor.role is Role.RATER or operation is Operation.RATE:
        return actor.role is Role.RATER and operation is Operation.RATE
    if actor.role in _LADDER:
        return _LADDER.index(actor.role) >= _LADDER.index(LEAST_ROLE[operation])
    return SCOPE_FOR.get(operation) in actor.scopes


def require(actor: Actor, operation: Operation) -> None:
    """Nothing when allowed. Raises Forbidden, naming what would be needed."""
    if allowed(actor, operation):
        return
    words = operation.value.replace("_", " ")
    scope = SCOPE_FOR.get(operation)
    if actor.role is None and scope is not None:
        raise Forbidden("missing_scope", f"This key may not {words}.", f"Use a key with the scope '{scope.value}'.")
    raise Forbidden("not_allowed", f"You may not {words}.", f"Ask for the role '{LEAST_ROLE[operation].value}'.")
