"""Prices, the month's budget and keys: kept with an event each, refused with a reason, never a secret at rest."""

import json

import pytest
from sqlalchemy import text

from experiments.actions.installation.change_settings import (
    forget_price,
    set_monthly_budget,
    set_price,
    tick_first_step,
)
from experiments.actions.installation.manage_keys import actor_of_key, create_key, revoke_key
from experiments.errors import BakeoffError, NotFound
from experiments.loading.first_steps import first_steps
from experiments.loading.runs.budget import month_start, monthly_budget, monthly_left
from experiments.loading.runs.prices import installation_prices
from experiments.plans.pricing import Price
from experiments.views.installation.models import known_models
from experiments.views.live.access import Access, load_access
from experiments.vocabulary import Scope
from storage.store import Store
from tests.builders import ADA, made, run_to_end


def _price_of(store: Store, model: str):
    return next((m for m in known_models(store) if m.name == model), None)


def test_a_price_counts_from_now_on_and_its_change_is_logged(store: Store):
    set_price(store, "openai/mine", input_per_million=0.5, output_per_million=1.5, actor=ADA)
    set_price(store, "openai/mine", input_per_million=0.6, output_per_million=1.5, actor=ADA)
    assert _price_of(store, "openai/mine").price.input_per_million == 0.6

    forget_price(store, "openai/mine", actor=ADA)

    found = _price_of(store, "openai/mine")
    assert found is None or found.source != "typed in"
    with store.read() as tx:
        assert [e.action for e in tx.audit.newest(3)] == ["price_forgotten", "price_set", "price_set"]


def test_a_typed_in_price_of_cached_tokens_reaches_runs_and_live_traffic(store: Store):
    set_price(store, "openai/mine", input_per_million=4, output_per_million=8, cached_input_per_million=1, actor=ADA)
    set_price(store, "openai/plain", input_per_million=4, output_per_million=8, actor=ADA)
    with store.read() as tx:
        of_runs = installation_prices(tx)
    of_traffic = Access.from_json(json.loads(json.dumps(load_access(store).to_json()))).price_book()
    for book in (of_runs, of_traffic):
        assert book.price("openai/mine") == Price(4.0, 8.0, 1.0)
        assert book.price("openai/plain") == Price(4.0, 8.0, None)


def test_prices_that_were_kept_before_cached_tokens_had_one_are_still_read():
    assert Access.from_json({"keys": [], "prices": {"openai/mine": [4.0, 8.0]}}).price_book().price(
        "openai/mine"
    ) == Price(4.0, 8.0)


@pytest.mark.parametrize("cached", [-0.1, float("nan"), float("inf"), 100_001.0])
def test_a_price_of_cached_tokens_that_is_none_is_refused(store: Store, cached: float):
    with pytest.raises(BakeoffError) as error:
        set_price(store, "m", input_per_million=1, output_per_million=1, cached_input_per_million=cached, actor=ADA)
    assert error.value.code == "bad_price"


@pytest.mark.parametrize(
    ("model", "paid_in", "paid_out"),
    [(" ", 1.0, 1.0), ("m", -1.0, 1.0), ("m", 1.0, float("nan")), ("m", float("inf"), 1.0), ("m", 100_001.0, 0.0)],
)
def test_a_price_that_is_none_is_refused(store: Store, model: str, paid_in: float, paid_out: float):
    with pytest.raises(BakeoffError):
        set_price(store, model, input_per_million=paid_in, output_per_million=paid_out, actor=ADA)
    with store.read() as tx:
        assert tx.audit.newest(1) == []


def test_what_the_month_leaves_counts_what_was_spent_and_never_falls_below_zero(store: Store, clock):
    set_price(store, "demo/small", input_per_million=0.0, output_per_million=0.0, actor=ADA)
    set_monthly_budget(store, 10.0, actor=ADA)
    made(store, rows=2)
    run_to_end(store)
    with store.begin() as tx:
        tx.session.execute(text("UPDATE attempt SET cost_usd = 3.0, model = 'openai/mine'"))
        left = monthly_left(tx)
        assert tx.installation.spent_since(month_start(clock())) == pytest.approx(12.0)
    assert left == 0.0

    clock.advance(days=40)

    with store.read() as tx:
        assert monthly_left(tx) == 10.0


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), 1.1e9, 1e308])
def test_a_budget_that_is_none_is_refused(store: Store, amount: float):
    with pytest.raises(BakeoffError, match="budget"):
        set_monthly_budget(store, amount, actor=ADA)
    with store.read() as tx:
        assert monthly_budget(tx) is None


def test_a_step_is_ticked_once_and_only_a_known_one(store: Store):
    for step in ("promote", "promote", "nonsense", "hidden"):
        tick_first_step(store, step, actor=ADA)
    with store.read() as tx:
        assert first_steps(tx) == ("promote", "hidden")


def test_a_key_opens_until_its_last_day_and_its_secret_is_nowhere(store: Store, clock):
    made_key = create_key(store, "app", ["read", "promote"], days_valid=2, actor=ADA)
    assert actor_of_key(store, made_key.key).scopes == {Scope.READ, Scope.PROMOTE}
    secret = made_key.key.split("_", 2)[2]  # it may hold an underscore itself
    with store.read() as tx:
        assert secret not in str(tx.session.execute(text("SELECT * FROM api_key")).all())
        assert secret not in str(tx.audit.newest(5))

    clock.advance(days=2)

    assert actor_of_key(store, made_key.key) is None


def test_a_revoked_key_a_near_miss_and_a_stranger_open_nothing(store: Store):
    made_key = create_key(store, "app", ["read"], actor=ADA)
    flipped = made_key.key[:-1] + ("A" if made_key.key[-1] != "A" else "B")
    assert actor_of_key(store, flipped) is None
    assert actor_of_key(store, made_key.key.upper()) is None
    assert actor_of_key(store, "") is None

    revoke_key(store, made_key.record.id, actor=ADA)

    assert actor_of_key(store, made_key.key) is None
    with pytest.raises(NotFound):
        revoke_key(store, "nothing", actor=ADA)


@pytest.mark.parametrize(("name", "scopes"), [("", ["read"]), ("x" * 101, ["read"]), ("app", []), ("app", ["fly"])])
def test_a_key_needs_a_name_and_scopes_that_exist(store: Store, name: str, scopes: list[str]):
    with pytest.raises(BakeoffError):
        create_key(store, name, scopes, actor=ADA)
    with store.read() as tx:
        assert tx.keys.all() == []
