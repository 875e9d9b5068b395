"""Who may do what: the whole table, generated, so that a new operation cannot be forgotten."""

import pytest

from experiments.errors import Forbidden
from experiments.permissions import LEAST_ROLE, SCOPE_FOR, Operation, allowed, require
from experiments.vocabulary import Actor, Role, Scope

LADDER = [Role.VIEWER, Role.EDITOR, Role.APPROVER, Role.ADMIN]


def test_every_operation_has_a_least_role():
    assert set(LEAST_ROLE) == set(Operation)


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("role", Role)
def test_roles_climb_a_ladder_and_raters_stand_beside_it(operation, role):
    if operation is Operation.RATE:
        expected = role is Role.RATER
    else:
        expected = role in LADDER and LADDER.index(role) >= LADDER.index(LEAST_ROLE[operation])
    assert allowed(Actor("x", role), operation) is expected


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("scope", Scope)
def test_a_key_may_do_what_its_scope_names(operation, scope):
    assert allowed(Actor("k", scopes=frozenset({scope})), operation) is (SCOPE_FOR.get(operation) is scope)


@pytest.mark.parametrize("operation", Operation)
def test_nobody_may_do_nothing(operation):
    assert not allowed(Actor("x"), operation)


def test_ingesting_keys_can_never_promote_or_manage():
    key = Actor("k", scopes=frozenset({Scope.INGEST, Scope.ASSIGN, Scope.READ}))
    assert not any(allowed(key, o) for o in (Operation.PROMOTE, Operation.ROLL_BACK, Operation.MANAGE, Operation.SPEND))


def test_a_refusal_says_what_would_be_needed():
    with pytest.raises(Forbidden, match="scope 'promote'"):
        require(Actor("k", scopes=frozenset({Scope.READ})), Operation.PROMOTE)
    with pytest.raises(Forbidden, match="role 'approver'"):
        require(Actor("x", Role.EDITOR), Operation.PROMOTE)
