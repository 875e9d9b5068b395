"""Promotion, rollback, labels: the rules hold on the server for every caller."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from experiments.actions.registry.promote import promote
from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.results.open_results import open_results
from experiments.errors import BakeoffError, Conflict, Forbidden, NotFound
from experiments.plans.pricing import PriceBook
from experiments.prompts.content import text_prompt
from experiments.views.installation.home import home_view
from experiments.views.registry.promotion import promotion_preview
from experiments.views.registry.prompts import get_prompt, label_history, served_prompt
from experiments.views.registry.served import live_card
from experiments.vocabulary import Actor, Role, Scope
from storage.store import Store
from tests.builders import ADA, AS_JSON, JSON_PROMPT, made, run_to_end, spec_of
from tests.snapshots import Snapshots

LONG_REASON = "The guardrail is irrelevant for this quarter's launch."


def _saved(store: Store, *texts: str, name: str = "reply") -> None:
    for text in texts:
        save_prompt(store, name, text_prompt(text, model="demo/small"), actor=ADA)


def _play(store: Store) -> None:
    made(store, spec_of(), rows=120)
    run_to_end(store)


@pytest.fixture
def won(store: Store, snapshots: Snapshots) -> Store:
    """A store with an experiment whose B wins clearly."""
    snapshots.begin_with("won", _play, store)
    return store


def test_the_same_content_is_the_same_version(store: Store):
    _saved(store, "one {{x}}", "two {{x}}", "one {{x}}")
    assert [v.number for v in get_prompt(store, "reply").versions] == [2, 1]


def test_every_prompt_has_production_and_staging_from_the_start(store: Store):
    _saved(store, "one")
    assert get_prompt(store, "reply").labels == {"production": None, "staging": None}


def test_a_label_that_nothing_holds_is_not_found_with_a_hint(store: Store):
    _saved(store, "one")
    with pytest.raises(NotFound) as error:
        served_prompt(store, "reply")
    assert error.value.code == "no_such_label"


def test_production_may_be_set_by_hand_once(store: Store):
    _saved(store, "one", "two")
    set_label(store, "reply", label="production", at="1", actor=ADA)
    with pytest.raises(Conflict) as error:
        set_label(store, "reply", label="production", at="2", actor=ADA)
    assert error.value.code == "decision_needed"
    assert served_prompt(store, "reply").version == 1


def test_staging_moves_freely_and_keeps_its_history(store: Store):
    _saved(store, "one", "two")
    set_label(store, "reply", label="staging", at="1", actor=ADA, reason="first")
    set_label(store, "reply", label="staging", at="2", actor=ADA)
    moves = label_history(store, "reply", label="staging")
    assert [(m.version, m.previous_version, m.kind) for m in moves] == [(2, 1, "set"), (1, None, "set")]


@pytest.mark.usefixtures("won")
def test_a_verdict_that_ships_promotes_and_freezes_its_evidence(store: Store):
    done = promote(store, "sums", label="production", actor=ADA)
    card = live_card(store, "sums")
    assert (done.variant, card.live.number) == ("B", done.version)
    assert card.evidence["result"]["verdict"]["outcome"] == "ship"
    assert card.evidence["prompts"]["B"]["version"] == done.version
    assert store.verify_audit().broken_at is None
    with store.read() as tx:
        assert tx.experiments.by_name("sums").state == "promoted"


def test_a_verdict_that_keeps_the_control_needs_a_long_reason(store: Store):
    swapped = [
        {"name": "A", "prompt": JSON_PROMPT, "model": "demo/small", "parameters": AS_JSON},
        {"name": "B", "prompt": "{{question}}", "model": "demo/small"},
    ]
    made(store, spec_of(variants=swapped), rows=120)
    run_to_end(store)
    with pytest.raises(Conflict) as error:
        promote(store, "sums", label="production", actor=ADA, variant="B", reason="short")
    assert error.value.code == "reason_needed"
    done = promote(store, "sums", label="production", actor=ADA, variant="B", reason=LONG_REASON)
    assert (done.variant, "although the verdict is to keep the control" in done.against_verdict) == ("B", True)


def test_a_promotion_against_the_verdict_stays_marked_wherever_the_version_shows(store: Store):
    swapped = [
        {"name": "A", "prompt": JSON_PROMPT, "model": "demo/small", "parameters": AS_JSON},
        {"name": "B", "prompt": "{{question}}", "model": "demo/small"},
    ]
    made(store, spec_of(variants=swapped), rows=120)
    run_to_end(store)
    set_label(store, "sums", label="production", at="1", actor=ADA)
    done = promote(store, "sums", label="production", actor=ADA, variant="B", reason=LONG_REASON)
    mark = done.against_verdict

    def shown() -> list[str | None]:
        return [
            served_prompt(store, "sums", version=done.version).to_json()["against_verdict"],
            get_prompt(store, "sums").version(done.version).against_verdict,
            next(m.against_verdict for m in label_history(store, "sums") if m.kind == "promote"),
            open_results(store, "sums", actor=ADA)["decisions"][0]["against_verdict"],
            home_view(store).decisions[0].against_verdict,
        ]

    assert live_card(store, "sums").live.against_verdict == mark
    assert shown() == [mark] * 5
    roll_back(store, "sums", actor=ADA, reason="complaints")
    assert shown() == [mark] * 5
    assert live_card(store, "sums").live.against_verdict is None
    with store.read() as tx:
        assert next(e for e in tx.audit.newest(9) if e.action == "promoted").details["against_verdict"] == mark


OTHER_VARIABLES = [
    {"name": "A", "prompt": "sums@production"},
    {"name": "B", "prompt": JSON_PROMPT.replace("question", "asked"), "model": "demo/small", "parameters": AS_JSON},
]


@pytest.mark.parametrize("label", ["production", "staging"])
def test_a_promotion_to_other_variables_needs_a_reason_and_its_way_back_says_so(store: Store, label: str):
    _saved(store, "{{question}}", name="sums")
    for each in ("production", "staging"):
        set_label(store, "sums", label=each, at="1", actor=ADA)
    made(store, spec_of(variants=OTHER_VARIABLES, promotes="sums", inputs={"asked": "question"}), rows=120)
    run_to_end(store)

    with pytest.raises(Conflict) as refused:
        promote(store, "sums", label=label, actor=ADA)
    assert refused.value.code == "reason_needed"
    assert "asks for 'asked'" in refused.value.message
    assert "no longer uses 'question'" in refused.value.message
    assert promotion_preview(store, "sums", label=label).doubt == refused.value.message
    done = promote(store, "sums", label=label, actor=ADA, reason=LONG_REASON)
    assert "asks for 'asked'" in done.cautions[0]
    back = roll_back(store, "sums", label=label, actor=ADA, reason="complaints")
    assert "asks for 'question'" in back.cautions[0]


def test_a_label_moved_by_hand_says_what_callers_will_notice(store: Store):
    _saved(store, "{{question}}", "{{asked}}", "Kindly: {{asked}}")
    set_label(store, "reply", label="staging", at="1", actor=ADA)
    assert "asks for 'asked'" in set_label(store, "reply", label="staging", at="2", actor=ADA).cautions[0]
    assert set_label(store, "reply", label="staging", at="3", actor=ADA).cautions == ()


@pytest.mark.parametrize(("days_before", "word"), [(-1, "was withdrawn"), (40, "withdraws the model")])
def test_a_model_that_goes_away_needs_a_reason_on_its_way_into_production(store: Store, clock, days_before, word):
    model = "azure/gpt-4"
    retires = PriceBook().retirement_date(model)
    assert retires is not None
    clock.now = datetime(retires.year, retires.month, retires.day, tzinfo=UTC) - timedelta(days=days_before)
    save_prompt(store, "reply", text_prompt("{{x}}", model=model), actor=ADA)
    assert word in set_label(store, "reply", label="staging", at="1", actor=ADA).cautions[0]
    with pytest.raises(Conflict) as refused:
        set_label(store, "reply", label="production", at="1", actor=ADA, reason="first")
    assert (refused.value.code, word in refused.value.message) == ("reason_needed", True)
    assert word in set_label(store, "reply", label="production", at="1", actor=ADA, reason=LONG_REASON).cautions[0]


def test_too_few_rows_promote_nothing_whatever_the_reason(store: Store):
    made(store, rows=8)
    run_to_end(store)
    with pytest.raises(Conflict) as error:
        promote(store, "sums", label="production", actor=ADA, variant="B", reason=LONG_REASON)
    assert error.value.code == "verdict_refuses"
    assert get_prompt(store, "sums").labels["production"] is None


@pytest.mark.usefixtures("won")
def test_a_promotion_is_refused_when_the_tested_control_is_no_longer_live(store: Store):
    _saved(store, "something else", name="sums")
    set_label(store, "sums", label="production", at="3", actor=ADA)
    with pytest.raises(Conflict) as error:
        promote(store, "sums", label="production", actor=ADA)
    assert error.value.code == "label_moved_since_test"


@pytest.mark.usefixtures("won")
def test_a_promotion_from_a_stale_page_is_refused(store: Store):
    promote(store, "sums", label="staging", actor=ADA)
    with pytest.raises(Conflict) as error:
        promote(store, "sums", label="staging", actor=ADA, variant="A", reason=LONG_REASON, expected_revision=0)
    assert error.value.code == "label_moved"


def test_refusals_are_in_the_audit_log(store: Store):
    made(store, rows=8)
    run_to_end(store)
    with pytest.raises(Conflict):
        promote(store, "sums", label="production", actor=ADA, variant="B", reason=LONG_REASON)
    with pytest.raises(Forbidden):
        promote(store, "sums", label="production", actor=Actor("vic", Role.VIEWER))
    with store.read() as tx:
        actions = [e.action for e in tx.audit.newest(2)]
    assert actions == ["denied", "promotion_refused"]


@pytest.mark.usefixtures("won")
def test_a_key_without_the_scope_cannot_promote_and_one_with_it_can(store: Store):
    with pytest.raises(Forbidden) as error:
        promote(store, "sums", label="production", actor=Actor("app", scopes=frozenset({Scope.READ})))
    assert error.value.code == "missing_scope"
    promote(store, "sums", label="production", actor=Actor("ci", scopes=frozenset({Scope.PROMOTE})))


@pytest.mark.usefixtures("won")
def test_a_rollback_returns_to_the_version_before_and_says_why(store: Store):
    set_label(store, "sums", label="production", at="1", actor=ADA)
    promote(store, "sums", label="production", actor=ADA)
    move = roll_back(store, "sums", actor=ADA, reason="complaints")
    card = live_card(store, "sums")
    assert (move.version, card.live.number, card.why, card.kind) == (1, 1, "complaints", "rollback")
    with store.read() as tx:
        assert tx.experiments.by_name("sums").state == "rolled_back"


def test_a_rollback_needs_a_reason_and_an_earlier_holder(store: Store):
    _saved(store, "one", "two")
    set_label(store, "reply", label="production", at="1", actor=ADA)
    with pytest.raises(BakeoffError) as no_reason:
        roll_back(store, "reply", actor=ADA, reason="  ")
    with pytest.raises(Conflict) as nothing:
        roll_back(store, "reply", actor=ADA, reason="why not")
    with pytest.raises(Conflict) as never:
        roll_back(store, "reply", actor=ADA, reason="why not", to=2)
    codes = [e.value.code for e in (no_reason, nothing, never)]
    assert codes == ["reason_needed", "nothing_to_roll_back_to", "never_live"]


def test_racing_label_moves_have_one_winner_each_and_one_unbroken_history(store: Store):
    _saved(store, *(f"text {i}" for i in range(8)))
    outcomes: list[str] = []

    def race(at: int) -> None:
        for _ in range(5):
            try:
                set_label(store, "reply", label="staging", at=str(at), actor=ADA)
                outcomes.append("moved")
            except Conflict:
                outcomes.append("refused")

    threads = [threading.Thread(target=race, args=(i + 1,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moves = list(reversed(label_history(store, "reply", label="staging")))
    assert len(moves) == outcomes.count("moved")
    assert all(later.previous_version == earlier.version for earlier, later in pairwise(moves))
    assert served_prompt(store, "reply", label="staging").version == moves[-1].version


@pytest.mark.usefixtures("won")
def test_a_clock_that_jumps_back_changes_neither_the_way_back_nor_whose_promotion_it_was(store: Store, clock):
    _saved(store, "first", "second", name="sums")
    start = clock.now
    set_label(store, "sums", label="production", at="1", actor=ADA)
    clock.now = start - timedelta(hours=1)
    done = promote(store, "sums", label="production", actor=ADA)
    clock.now = start - timedelta(hours=2)
    card = live_card(store, "sums")
    assert (card.live.number, card.kind, card.experiment, card.previous.number) == (done.version, "promote", "sums", 1)
    assert card.evidence["experiment"] == "sums"
    assert roll_back(store, "sums", actor=ADA, reason="complaints").version == 1
    assert [move.version for move in label_history(store, "sums")] == [1, done.version, 1]
    with store.read() as tx:
        assert tx.experiments.by_name("sums").state == "rolled_back"
