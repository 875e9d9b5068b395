"""Who a live test's units are: placeholders of a missing name, one heavy unit, reports about nobody."""

import pytest

from experiments.actions.results.analyse import fresh_analysis
from experiments.live.units import PLACEHOLDERS, is_blank
from tests.live_builders import call, live_spec, met, outcome, record, started

NAME = "refund reply"


def _health(store):
    return {check["check"]: check for check in fresh_analysis(store, NAME).result["health"]}


def _users(live, now, users=200):
    for i in range(users):
        yield met(live, f"user-{i}", now)
        yield outcome(f"user-{i}", i % 2, now)


@pytest.mark.parametrize(
    "unit",
    ["undefined", "null", "None", "NaN", "[object Object]", "anonymous", "00000000-0000-0000-0000-000000000000",
     "NULL", "Undefined", "{{user_id}}", "0", "N/A", "(null)"],
)  # fmt: skip
def test_a_placeholder_that_swamps_the_test_blocks_its_verdict(sqlite_store, clock, unit):
    live, now = started(sqlite_store), clock()
    record(sqlite_store, _users(live, now))
    record(sqlite_store, [met(live, unit, now), *(outcome(unit, 0, now) for _ in range(1_000))])
    check = _health(sqlite_store)["placeholder_units"]
    assert check["status"] == "fail"
    assert f"'{unit}' is a placeholder" in check["message"]
    assert "(1,000 of 1," in check["message"]


def test_placeholders_that_hardly_report_are_pointed_out(store, clock):
    live, now = started(store), clock()
    record(store, _users(live, now))
    record(store, [met(live, "null", now), met(live, "anonymous", now), outcome("null", 1, now)])
    health = _health(store)
    assert health["placeholder_units"]["status"] == "warn"
    assert "The users 'null', 'anonymous' are placeholders" in health["placeholder_units"]["message"]
    assert "outliers" not in health


def test_where_each_user_counts_once_a_placeholder_is_one_user(sqlite_store, clock):
    plan = {"primary": {"metric": "minutes_saved", "smallest_effect": 1}}
    live, now = started(sqlite_store, live_spec(plan=plan)), clock()
    record(sqlite_store, (met(live, f"user-{i}", now) for i in range(200)))
    record(sqlite_store, (outcome(f"user-{i}", i % 5, now, metric="minutes_saved") for i in range(200)))
    record(sqlite_store, [met(live, "null", now)])
    record(sqlite_store, (outcome("null", 3, now, metric="minutes_saved") for _ in range(500)))
    assert _health(sqlite_store)["placeholder_units"]["status"] == "warn"


@pytest.mark.parametrize(("reports", "heavy"), [(1, False), (3, False), (40, True)])
def test_one_heavy_user_is_pointed_out_in_a_small_test_too(store, clock, reports, heavy):
    live, now = started(store), clock()
    record(store, _users(live, now))
    record(store, (outcome("user-7", 1, now) for _ in range(reports)))
    health = _health(store)
    assert ("outliers" in health) is heavy
    assert not heavy or "One user makes" in health["outliers"]["message"]


@pytest.mark.parametrize(("users", "reports"), [(200, 40), (60, 40)])
def test_a_user_with_a_tenth_of_the_reports_stops_a_ship_at_any_size(sqlite_store, clock, users, reports):
    live, now = started(sqlite_store), clock()
    record(sqlite_store, _users(live, now, users))
    record(sqlite_store, (outcome("user-7", 1, now) for _ in range(reports)))
    analysed = fresh_analysis(sqlite_store, NAME).result
    assert _health(sqlite_store)["outliers"]["status"] == "fail"
    assert analysed["verdict"]["outcome"] == "cannot_decide"


def test_a_heavy_caller_is_pointed_out_where_the_plan_reads_calls(sqlite_store, clock):
    plan = {"primary": {"metric": "failed", "smallest_effect": 0.02}}
    live, now = started(sqlite_store, live_spec(plan=plan)), clock()
    record(sqlite_store, (met(live, f"user-{i}", now) for i in range(200)))
    record(sqlite_store, (call(live, f"user-{i}", now) for i in range(200)))
    assert "outliers" not in _health(sqlite_store)
    record(sqlite_store, (call(live, "user-3", now) for _ in range(90)))
    assert "of the requests of" in _health(sqlite_store)["outliers"]["message"]


def test_reports_about_nobody_are_counted(store, clock):
    live, now = started(store), clock()
    record(store, _users(live, now))
    record(store, (outcome(f"stranger-{i}", 1, now) for i in range(50)))
    check = _health(store)["unmatched"]
    assert (check["status"], check["message"]) == ("ok", "50 of 250 outcomes name users who met no variant so far.")
    record(store, (outcome(f"stranger-{i}", 1, now) for i in range(200)))
    assert _health(store)["unmatched"]["status"] == "warn"


def test_no_placeholder_is_blank_and_blanks_are_known():
    assert not [unit for unit in PLACEHOLDERS if is_blank(unit)]
    assert is_blank("")
    assert is_blank(" \t\u200b\u00a0\ufeff")
    assert not is_blank("\u3000x")
