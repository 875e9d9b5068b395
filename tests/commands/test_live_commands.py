"""``bakeoff live`` as its users meet it."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from commands import terminal
from experiments.live.assignment import assign
from experiments.views.live.config import load_live
from tests.live_builders import KEY, call, met, outcome, record

EXPERIMENT = """
name: refund reply
slices: [plan]
variants:
  - {name: A, prompt: "Reply to {{ticket}}.", model: demo/small}
  - {name: B, prompt: "Reply to {{ticket}}. End with the next step.", model: demo/small}
plan: {primary: {metric: resolved, smallest_effect: 0.03}, stopping: sequential}
live:
  key: refund-reply
  split: {A: 50, B: 50}
  enrol: 10
  outcomes: [{metric: resolved, kind: binary}]
"""


@pytest.fixture
def live(bakeoff, tmp_path):
    """A live test that was started from a file."""
    (tmp_path / "refund.yaml").write_text(EXPERIMENT)
    done = bakeoff("live", "start", "refund.yaml", "--json")
    assert done.code == 0, done.err
    assert "experiment:refund-reply" in done.err
    return json.loads(done.out)


def test_from_start_over_ramps_to_the_end(bakeoff, live):
    assert (live["state"], live["enrolled"], live["split"]) == ("running", 10, {"A": 50, "B": 50})
    assert json.loads(bakeoff("live", "start", "refund.yaml", "--json").out)["phase"] == 1
    assert json.loads(bakeoff("live", "ramp", "refund reply", "50", "--json").out)["enrolled"] == 50
    assert json.loads(bakeoff("live", "pause", KEY, "--reason", "odd", "--json").out)["state"] == "paused"
    assert json.loads(bakeoff("live", "resume", KEY, "--json").out)["state"] == "running"
    assert json.loads(bakeoff("live", "freeze", KEY, "--json").out)["state"] == "frozen"
    again = json.loads(bakeoff("live", "phase", KEY, "--reason", "new draw", "--split", "A=80,B=20", "--json").out)
    assert (again["phase"], again["state"], again["enrolled"]) == (2, "running", 50)
    assert bakeoff("live", "force", KEY, "me", "--variant", "B").code == 0
    assert "refund-reply" in bakeoff("live", "list").out
    refused = bakeoff("live", "stop", "refund reply", "--everyone", "B", "--reason", "It has gone on for long enough.")
    assert (refused.code, "no reason replaces it" in refused.err) == (2, True)
    stopped = json.loads(bakeoff("live", "stop", "refund reply", "--json").out)
    assert (stopped["state"], stopped["everyone"]) == ("stopped", "A")


@pytest.mark.usefixtures("live")
def test_status_results_and_exports_tell_of_the_traffic(bakeoff):
    store, now = terminal.store(), datetime.now(UTC)
    bakeoff("live", "ramp", KEY, "100")
    test = load_live(store).tests[KEY]
    for unit in (f"u{i}" for i in range(60)):
        record(store, [met(test, unit, now, plan="pro"), outcome(unit, 1, now), call(test, unit, now)])

    status = json.loads(bakeoff("live", "status", KEY, "--json").out)
    assert (status["users"], status["crossed"]) == (60, 0)
    assert status["calls"]["A"]["cost_usd"] > 0
    assert {h["check"] for h in status["health"]} >= {"srm", "replay", "duration"}
    assert "split" in bakeoff("live", "status", KEY).out
    results = json.loads(bakeoff("results", "refund reply", "--json").out)
    assert results["verdict"]["outcome"] == "cannot_decide"
    rows = {
        what: [json.loads(line) for line in bakeoff("export", "refund reply", "--what", what).out.splitlines()]
        for what in ("exposures", "outcomes", "calls", "analysis")
    }
    assert {what: len(found) for what, found in rows.items()} == dict.fromkeys(rows, 60)
    assert rows["exposures"][0]["slices"] == {"plan": "pro"}
    assert rows["outcomes"][0]["metric"] == "resolved"
    assert rows["analysis"][0].keys() >= {"variant", "unit_id", "metric", "value", "plan"}


@pytest.mark.usefixtures("live")
def test_check_draws_every_exposure_again(bakeoff):
    store, now = terminal.store(), datetime.now(UTC)
    test = load_live(store).tests[KEY]
    units = [unit for i in range(200) if assign(test, unit := f"u{i}").counted]
    record(store, [met(test, unit, now) for unit in units])

    fine = bakeoff("live", "check", KEY)
    assert (fine.code, "Every one is what the hash gives" in fine.out) == (0, True)

    with store.begin() as tx:
        swap = "UPDATE exposure SET variant = CASE variant WHEN 'A' THEN 'B' ELSE 'A' END WHERE unit = :unit"
        tx.session.execute(text(swap), {"unit": units[3]})

    told = bakeoff("live", "check", "refund reply", "--json")
    found = json.loads(told.out)
    assert (told.code, found["ok"], found["mismatches"], found["looked_at"]) == (2, False, 1, len(units))
    assert found["first"][0]["unit"] == units[3]
    broken = bakeoff("live", "check", KEY)
    assert broken.code == 2
    assert "1 NOT AS DRAWN" in broken.out
    assert units[3] in broken.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ramp", KEY, "120"), "no share"),
        (("ramp", "refund-repli", "10"), "Did you mean 'refund-reply'"),
        (("phase", KEY, "--reason", "x y z", "--split", "A"), "is no split"),
        (("phase", KEY), "Say why"),
        (("stop", KEY, "--everyone", "C"), "no variant"),
        (("check", "refund-repli"), "Did you mean 'refund-reply'"),
        (("resume", KEY), "is running"),
    ],
)
@pytest.mark.usefixtures("live")
def test_what_cannot_be_done_is_said_in_one_line(bakeoff, arguments, said):
    done = bakeoff("live", *arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err


def test_a_file_without_a_test_set_says_where_it_belongs(bakeoff, tmp_path):
    (tmp_path / "refund.yaml").write_text(EXPERIMENT)
    done = bakeoff("run", "refund.yaml", "--yes")
    assert done.code == 2
    assert "bakeoff live start" in done.err


def test_planning_tells_users_and_days_and_starts_nothing(bakeoff, tmp_path):
    (tmp_path / "refund.yaml").write_text(EXPERIMENT)

    told = bakeoff("plan", "refund.yaml", "--rate", "0.4", "--users-per-day", "3000")
    planned = json.loads(bakeoff("plan", "refund.yaml", "--json").out)

    assert "users per variant show an effect of 0.03 where 40 % say yes today" in told.out
    assert "With 3,000 new users a day, of whom 10 % take part" in told.out
    assert (planned["live"]["users_per_day"], planned["live"]["days"]) == (None, None)
    assert planned["live"]["users"] == 2 * planned["size"]["units_needed"]
    assert load_live(terminal.store()).tests == {}


def test_planning_refuses_options_that_a_test_set_answers(bakeoff, tmp_path):
    (tmp_path / "rows.csv").write_text("question,answer\nHow much is 1 plus 1?,2\n")
    (tmp_path / "sums.yaml").write_text(
        "name: sums\ndataset: rows.csv\ninputs: {question: question}\nreference: answer\n"
        "variants:\n  - {name: A, prompt: '{{question}}', model: demo/small}\n"
        "  - {name: B, prompt: 'Think. {{question}}', model: demo/small}\n"
        "scorers: [exact_match]\nplan: {primary: {metric: exact_match, smallest_effect: 0.1}}\n"
    )

    refused = bakeoff("plan", "sums.yaml", "--rate", "0.4")

    assert refused.code == 2
    assert "'sums' is planned by its test set. Leave out --rate" in refused.err


def test_a_refused_start_leaves_no_draft_that_holds_its_name(bakeoff, live, tmp_path):
    assert live["state"] == "running"
    (tmp_path / "second.yaml").write_text(EXPERIMENT.replace("name: refund reply", "name: second"))
    refused = bakeoff("live", "start", "second.yaml")
    assert (refused.code, "is the key of 'refund reply'" in refused.err) == (2, True)
    with terminal.store().read() as tx:
        assert tx.experiments.by_name("second") is None


def test_an_outcome_is_taken_back_by_its_id(bakeoff, live):
    store, now = terminal.store(), datetime.now(UTC)
    assert live["key"] == KEY
    [kept] = record(store, [outcome("user-1", 1, now)])
    assert bakeoff("outcomes", "void", kept.id).code == 2
    done = bakeoff("outcomes", "void", kept.id, "--reason", "Sent by a test.", "--json")
    assert json.loads(done.out) == [
        {"outcome": kept.id, "key": KEY, "metric": "resolved", "value": 1.0, "reason": "Sent by a test."}
    ]
    refused = bakeoff("outcomes", "void", kept.id, "--reason", "Sent by a test.")
    assert (refused.code, "voided already" in refused.err) == (2, True)


def test_a_live_test_that_no_judge_decides_has_nothing_to_rate(bakeoff, live):
    refused = bakeoff("live", "rate", live["key"])
    assert (refused.code, "no judge" in refused.err) == (2, True)
