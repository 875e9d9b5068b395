"""One outcome cannot break a live test: ranges at the door, sums that stay finite, and a way to take it back."""

import json

import pytest
from sqlalchemy import text

from experiments.actions.live import analyse_live
from experiments.actions.live.record_events import record_events
from experiments.actions.live.void_outcomes import void_outcomes
from experiments.actions.results.analyse import fresh_analysis
from experiments.errors import BakeoffError, Conflict, NotFound
from experiments.experiment_file import OutcomeSpec
from experiments.live.assignment import assign
from experiments.views.live.config import load_live
from experiments.views.live.tests import live_test_view
from experiments.views.results.exports import export_rows
from tests.live_builders import ADA, KEY, call, live_spec, met, outcome, record, started

NAME = "refund reply"
OUTCOMES = [
    {"metric": "resolved", "kind": "binary"},
    {"metric": "minutes_saved", "kind": "score"},
    {"metric": "stars", "kind": "ordinal", "range": [1, 5]},
    {"metric": "spent", "kind": "cost"},
    {"metric": "waited", "kind": "latency"},
]


def _traffic(live, now, users=300):
    for i in range(users):
        unit = f"user-{i}"
        yield met(live, unit, now)
        yield outcome(unit, i % 2, now, idempotency_key=f"r{i}")
        yield outcome(unit, i % 7, now, metric="minutes_saved", idempotency_key=f"m{i}")
        yield call(live, unit, now)


def _health(record_):
    return {check["check"]: check for check in record_.result["health"]}


@pytest.mark.parametrize(
    ("metric", "value"),
    [("stars", 0.999), ("stars", 5.001), ("spent", -5e-324), ("waited", -1.0), ("stars", 1e12), ("spent", -1e12)],
)
def test_each_kind_has_its_range(sqlite_store, clock, metric, value):
    live = started(sqlite_store, live_spec(outcomes=OUTCOMES))
    [refused, kept] = record_events(
        sqlite_store, [outcome("u", value, clock(), metric=metric), outcome("u", 3, clock(), metric=metric)]
    )
    assert (refused.code, kept.ok) == ("out_of_range", True)
    assert live.key == KEY


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "binary", "range": [0, 1]},
        {"kind": "score", "range": [5, 1]},
        {"kind": "score", "range": [0, 1e13]},
        {"kind": "cost", "range": [-1, 5]},
        {"kind": "score", "range": [0, float("nan")]},
    ],
)
def test_a_range_that_is_none_is_refused_in_the_file(spec):
    with pytest.raises(ValueError, match="range"):
        OutcomeSpec(metric="m", **spec)


def _poison(store, now, value):
    """An outcome as an earlier version of the program took it; its id."""
    [kept] = record(store, [outcome("user-0", 1.0, now, metric="minutes_saved", idempotency_key="poison")])
    with store.begin() as tx:
        tx.session.execute(text("UPDATE outcome SET value = :v WHERE id = :id"), {"v": value, "id": kept.id})
    return kept.id


@pytest.mark.parametrize("value", [1e200, -1e308, 1e155])
def test_a_value_taken_earlier_is_left_out_and_can_be_taken_back(store, clock, value):
    live, now = started(store), clock()
    record(store, _traffic(live, now))
    before = fresh_analysis(store, NAME).result["comparisons"]
    poison = _poison(store, now, value)
    record(store, [outcome("user-1", 1, now, idempotency_key="one more look")])

    analysis = fresh_analysis(store, NAME)
    assert _health(analysis)["out_of_range"]["status"] == "warn"
    assert json.dumps(analysis.result, allow_nan=False)
    assert len(before) == len(analysis.result["comparisons"])

    [voided] = void_outcomes(store, [poison], reason="Sent in the wrong unit.", actor=ADA)
    assert (voided.voided_by, voided.void_reason) == ("ada", "Sent in the wrong unit.")
    after = _health(fresh_analysis(store, NAME))
    assert "out_of_range" not in after
    assert after["voided"]["status"] == "ok"


def test_a_voided_outcome_leaves_the_sums_stays_in_the_export_and_stands_in_the_log(store, clock):
    live, now = started(store), clock()
    record(store, _traffic(live, now))
    kept = fresh_analysis(store, NAME)
    [wrong] = record(store, [outcome("user-2", 1, now, idempotency_key="wrong")])
    assert fresh_analysis(store, NAME).data_hash != kept.data_hash

    void_outcomes(store, [wrong.id], reason="A test of ours.", actor=ADA)

    assert fresh_analysis(store, NAME).result["comparisons"] == kept.result["comparisons"]
    rows = list(export_rows(store, NAME, "outcomes")[1])
    [marked] = [row for row in rows if row["voided_at"]]
    assert (marked["outcome_id"], marked["void_reason"]) == (wrong.id, "A test of ours.")
    table = list(export_rows(store, NAME, "analysis")[1])
    assert len(table) == len(rows) - 1
    with store.read() as tx:
        [event] = [e for e in tx.audit.all() if e.action == "outcome_voided"]
    assert (event.actor, event.subject) == ("ada", f"experiment:{NAME}")
    with pytest.raises(Conflict, match="already"):
        void_outcomes(store, [wrong.id], reason="Once more.", actor=ADA)
    with pytest.raises(NotFound, match="no outcome"):
        void_outcomes(store, ["nothing"], reason="Not there.", actor=ADA)
    with pytest.raises(BakeoffError, match="why"):
        void_outcomes(store, [wrong.id], reason=" ", actor=ADA)


def test_an_analysis_that_fails_holds_the_test_and_everything_can_be_read(store, clock, monkeypatch):
    live, now = started(store), clock()
    record(store, _traffic(live, now))

    def fails(*_args, **_more):
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr(analyse_live, "live_evidence", fails)
    analysis = fresh_analysis(store, NAME)

    assert analysis.result["verdict"]["outcome"] == "cannot_decide"
    assert "analysis failed (OverflowError)" in analysis.result["verdict"]["sentence"]
    assert _health(analysis)["analysis"]["status"] == "fail"
    assert sum(analysis.result["live"]["exposed"].values()) == 300
    view = live_test_view(store, KEY)
    assert view.state == "paused"
    assert "outcomes void" in view.reason
    assert assign(load_live(store).tests[KEY], "user-1").variant == "A"
    monkeypatch.undo()
    assert fresh_analysis(store, NAME).result["comparisons"][0]["estimate"] is not None
