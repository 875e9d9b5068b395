"""Settings: prices and the month's budget are kept, a key is shown once, the log can be verified."""

from experiments.actions.installation.change_settings import set_monthly_budget
from experiments.actions.installation.manage_keys import create_key
from experiments.plans.pricing import Price
from experiments.views.installation.home import home_view
from experiments.views.installation.installation import api_keys
from experiments.views.installation.models import known_models
from experiments.vocabulary import Scope
from tests.builders import ADA


def test_a_price_of_ones_own_wins_and_can_be_forgotten(app, finished):
    page = app(finished).go("change_settings.py")
    page.at.selectbox(key="price_model").set_value("demo/small")
    page.at.number_input(key="price_in").set_value(0.5)
    page.at.number_input(key="price_out").set_value(1.5)
    page.at.number_input(key="price_cached").set_value(0.05)
    page.run().press("Save price")

    price = next(model for model in known_models(finished) if model.name == "demo/small")
    assert (price.source, price.price) == ("typed in", Price(0.5, 1.5, 0.05))

    page.press("Forget it")

    assert next(m for m in known_models(finished) if m.name == "demo/small").source == "simulated"


def test_the_months_budget_is_kept_and_lifted(app, empty):
    page = app(empty).go("change_settings.py", section="Budget")
    page.at.number_input(key="budget").set_value(25.0)
    page.press("Save budget")
    assert home_view(empty).budget_usd == 25.0
    assert "a budget of $25.00" in page.words

    page.press("No budget")

    assert home_view(empty).budget_usd is None
    with empty.read() as tx:
        assert [event.action for event in tx.audit.newest(2)] == ["budget_set", "budget_set"]


def test_a_key_is_shown_once_and_then_only_its_beginning(app, empty):
    page = app(empty).go("change_settings.py", section="API keys")
    page.at.text_input[0].set_value("shop backend")
    page.press("Create key")

    shown = page.at.code[0].value
    key = api_keys(empty)[0]
    assert shown.startswith(f"bk_{key.id}_")
    assert "Copy it now; it is shown once." in page.words
    page.run()
    assert [code.value for code in page.at.code] == []
    assert f"bk_{key.id}_…" in page.words
    assert shown not in page.words


def test_a_key_without_a_name_or_a_scope_is_refused(app, empty):
    page = app(empty).go("change_settings.py", section="API keys")
    page.press("Create key")

    assert len(page.errors) == 1
    assert list(api_keys(empty)) == []


def test_a_key_is_taken_back_at_once(app, empty):
    made = create_key(empty, "shop", [Scope.READ], actor=ADA)
    page = app(empty).go("change_settings.py", section="API keys")
    page.at.selectbox(key="revoke_which").set_value(made.record.id)
    page.run().press("Revoke")

    assert api_keys(empty)[0].revoked_at is not None
    assert "revoked" in page.words
    assert page.at.selectbox.len == 0


def test_the_log_is_listed_and_verified(app, empty):
    set_monthly_budget(empty, 5.0, actor=ADA)
    page = app(empty).go("change_settings.py", section="This installation")
    assert "budget set installation ada" in page.words
    assert "up to date" in page.words

    page.press("Verify the whole log")

    assert page.at.success[0].value.startswith("1 event, none changed.")


def test_a_changed_log_is_told(app, empty):
    for amount in (5.0, 6.0):
        set_monthly_budget(empty, amount, actor=ADA)
    with empty.begin() as tx:
        tx.session.connection().exec_driver_sql("UPDATE audit_event SET actor = 'eve' WHERE sequence = 1")

    page = app(empty).go("change_settings.py", section="This installation").press("Verify the whole log")

    assert page.errors == ["Event 1 was changed."]
