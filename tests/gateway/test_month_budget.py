"""The month's budget at the gateway, with the database's answers in every order that threads can bring them."""

import pytest

from experiments.actions.installation.change_settings import set_monthly_budget
from experiments.plans.pricing import PriceBook
from gateway.month_budget import MonthBudget
from gateway.openai_errors import ChatError
from tests.builders import ADA


def _refuses(budget: MonthBudget) -> bool:
    try:
        budget.refuse_beyond("openai/fake-small", PriceBook({}))
    except ChatError:
        return True
    return False


@pytest.fixture
def budget(store):
    set_monthly_budget(store, 1.0, actor=ADA)
    made = MonthBudget(store)
    made.look()
    return made


def test_a_look_between_the_end_of_a_call_and_its_delivery_forgets_no_money(budget: MonthBudget):
    budget.add("call-1", 2.0)
    assert _refuses(budget)
    budget._not_before = 0.0
    budget.look()  # the database does not have the call yet
    assert _refuses(budget)
    budget.recorded(["call-1"])
    assert _refuses(budget)  # until the next look, which reads it from the database


def test_calls_of_others_and_calls_delivered_twice_take_nothing_away(budget: MonthBudget):
    budget.add("call-1", 2.0)
    budget.recorded(["of-a-dead-process", "call-1", "call-1"])
    assert _refuses(budget)
    budget._not_before = 0.0
    budget.look()
    assert not _refuses(budget)  # this database was never given the call: it is what counts
