"""The sample project: loaded once and whole, and its story holds because the simulated models really answered it."""

import gzip
import json
import threading
from collections import Counter

import pytest

from experiments.actions.rating.join_rating import arrive
from experiments.actions.rating.open_rating import new_link
from experiments.actions.rating.rate import rater_state
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.results.open_results import open_results
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.sample import load_sample
from experiments.actions.sample.load_sample import SAMPLE, load_sample_once
from experiments.prompts.content import text_prompt
from experiments.sample import project
from experiments.views.installation.sample import sample_names
from experiments.views.live.tests import band_over_time, live_test_view
from experiments.views.rating.report import session_report
from experiments.views.rating.sessions import rating_sessions, waiting_ratings
from experiments.views.registry.prompts import get_prompt
from experiments.views.registry.served import live_card
from experiments.views.runs.experiments import list_experiments
from experiments.views.trying.checks import list_checks
from experiments.vocabulary import is_simulated
from storage.backup import backup
from storage.store import Store
from tests.builders import ADA, made, run_to_end

REPLY = "support-reply-next-step"
TOPIC = "ticket-topic-definitions"
LIVE = "support-reply-own-language"


@pytest.fixture
def a_short_story(monkeypatch):
    """In place of the whole one, where only its arrival matters."""

    def tell(stage, _clock):
        save_prompt(stage, "support-reply", text_prompt("{{body}}", model="demo/small"), actor=SAMPLE)

    monkeypatch.setattr(load_sample, "_tell_the_story", tell)
    return tell


def _results(store):
    return open_results(store, REPLY, actor=ADA)


def _overall(results, metric):
    return next(c for c in results["comparisons"] if c["metric"] == metric and c["slice"] is None)


def _slices(results, metric):
    return {c["slice"]: c for c in results["comparisons"] if c["metric"] == metric and c["slice"] is not None}


# --- the story ------------------------------------------------------------------------------------


def test_b_is_better_but_the_verdict_keeps_a_for_the_limit_it_breaks(with_sample: Store):
    verdict = _results(with_sample)["verdict"]
    assert (verdict["outcome"], verdict["winner"]) == ("keep_control", "A")
    assert verdict["deciding_rule"] == "limit_broken:customer_language"
    assert verdict["headline"] == "B is better, but it breaks one of your limits."


def test_b_wins_the_main_measure_by_more_than_was_asked_for(with_sample: Store):
    primary = _overall(_results(with_sample), "key_point")
    assert (primary["status"], primary["better"], primary["role"]) == ("ok", "treatment", "primary")
    assert primary["lower"] > 0.05
    assert primary["n_clusters"] < primary["n_units"]


def test_exactly_one_limit_is_broken_and_the_others_are_held(with_sample: Store):
    results = _results(with_sample)
    limits = {c["metric"]: c["margin_state"] for c in results["comparisons"] if c["role"] == "guardrail"}
    overall = {metric: _overall(results, metric)["margin_state"] for metric in limits}
    assert overall == {"customer_language": "broken", "cost_usd": "held", "latency_ms": "held"}


def test_german_is_the_one_slice_that_b_loses(with_sample: Store):
    slices = _slices(_results(with_sample), "key_point")
    assert [name for name, c in slices.items() if c["better"] == "control"] == ["language=de"]
    assert slices["language=de"]["upper"] < -0.05
    assert slices["language=en"]["better"] == "treatment"


def test_slices_of_a_few_rows_are_named_but_not_judged(with_sample: Store):
    slices = _slices(_results(with_sample), "key_point")
    few = {name for name, c in slices.items() if c["status"] == "too_few_units"}
    assert few == {"language=fr", "language=es"}


def test_nothing_is_wrong_with_the_evidence(with_sample: Store):
    results = _results(with_sample)
    assert {check["status"] for check in results["health"]} == {"ok"}
    assert results["simulated"]
    assert (results["counts"]["ok"], results["counts"]["failed"]) == (results["counts"]["planned"], 0)


def test_the_first_look_at_the_result_computes_nothing(with_sample: Store):
    assert _results(with_sample)["analysis"]["number"] == 1


def test_production_shows_a_promotion_on_a_verdict_and_the_way_back(with_sample: Store):
    card = live_card(with_sample, "ticket-topic")
    moves = [(move.kind, move.version, move.experiment) for move in card.history]
    assert moves == [("rollback", 1, None), ("promote", 2, TOPIC), ("set", 1, None)]
    assert all(move.reason and move.actor == "sample" for move in card.history)
    assert len({move.at.date() for move in card.history}) == 3


def test_the_promotion_rests_on_frozen_evidence_that_ships(with_sample: Store):
    with with_sample.read() as tx:
        [decision] = tx.evidence.decisions()
    assert (decision.verdict, decision.choice) == ("ship", "ship")
    assert decision.evidence["result"]["verdict"]["winner"] == "B"


def test_a_version_waits_in_staging_with_a_note(with_sample: Store):
    prompt = get_prompt(with_sample, "support-reply")
    assert prompt.labels == {"production": 1, "staging": 3}
    assert "Not tested yet" in prompt.version(3).note


def test_the_version_that_waits_wins_once_somebody_tests_it(with_sample: Store):
    spec = project.reply_experiment()
    variants = (spec.variants[0], spec.variants[1].model_copy(update={"prompt": "support-reply@staging"}))
    mended = spec.model_copy(update={"name": "mended", "variants": variants})
    with with_sample.read() as tx:
        version = tx.datasets.versions(tx.datasets.by_name(project.TICKETS).id)[0]
    create_experiment(with_sample, mended, dataset_version_id=version.id, actor=ADA)
    run_to_end(with_sample, "mended")
    results = open_results(with_sample, "mended", actor=ADA)
    assert (results["verdict"]["outcome"], results["verdict"]["winner"]) == ("ship", "B")
    assert _slices(results, "key_point")["language=de"]["better"] == "treatment"


def test_three_people_rated_the_replies_blind_and_do_not_always_agree(with_sample: Store):
    sessions = {s.metric: s for s in rating_sessions(with_sample, REPLY)}
    assert {name: (s.state, s.raters, s.ratings) for name, s in sessions.items()} == {
        "preferred": ("closed", 3, 72),
        "helpful": ("closed", 3, 150),
    }
    report = session_report(with_sample, sessions["preferred"].id)
    [pair] = report.result.pairs
    assert pair.wins > pair.losses > 0
    assert 0.5 < report.agreement.alpha < 0.9
    assert all("simulated" in rater.label and not rater.excluded for rater in report.raters)


def test_a_session_waits_for_the_next_visitor_of_the_raters_link(with_sample: Store):
    [waiting] = waiting_ratings(with_sample)
    [session] = rating_sessions(with_sample, TOPIC)
    assert (waiting.session_id, session.state, session.link.state) == (session.id, "open", "open")
    assert 0 < session.ratings < session.ratings_wanted
    arrival = arrive(with_sample, new_link(with_sample, session.id, actor=ADA).token)
    assert rater_state(with_sample, arrival.secrets[0]).left > 0


def test_a_simulated_judge_agrees_with_the_people_and_may_decide(with_sample: Store):
    [check] = list_checks(with_sample)
    assert (check.name, is_simulated(check.versions[0].spec.model)) == ("helpful", True)
    [card] = _results(with_sample)["judges"]
    assert (card["judge"], card["human_items"], card["usable"]) == ("helpful@1", 50, True)
    assert 0.8 < card["agreement"] < 1


def test_a_live_test_runs_in_good_health_and_is_not_decided(with_sample: Store):
    live = live_test_view(with_sample, LIVE)
    assert (live.state, live.simulated, live.enrolled) == ("running", True, 50.0)
    results = open_results(with_sample, LIVE, actor=ADA)
    assert results["verdict"]["outcome"] == "keep_collecting"
    assert {check["status"] for check in results["health"]} == {"ok"}
    primary = _overall(results, "solved")
    assert primary["estimate"] > 0.05 > 0 > primary["lower"]
    assert min(results["live"]["exposed"].values()) > 100
    assert len(band_over_time(with_sample, LIVE, "B")) >= 3
    assert live_test_view(with_sample, LIVE).state == "running"


def test_everything_says_that_it_is_the_sample(with_sample: Store):
    assert [(e.name, e.sample, e.simulated) for e in list_experiments(with_sample)] == [
        (LIVE, True, True),
        (REPLY, True, True),
        (TOPIC, True, True),
    ]
    with with_sample.read() as tx:
        actors = {event.actor for event in tx.audit.all() if not event.actor.startswith("rater:")}
        assert actors == {"sample", "worker sample", "analysis"}
    names = sample_names(with_sample)
    assert names.prompts == ("support-reply", "ticket-topic")
    assert names.datasets == (project.TICKETS,)
    assert set(names.experiments) == {REPLY, TOPIC, LIVE}


def test_the_story_ends_before_the_present(with_sample: Store):
    with with_sample.read() as tx:
        *story, loaded = tx.audit.all()
    times = [event.at for event in story]
    assert times == sorted(times)
    assert times[-1] < loaded.at
    assert loaded.action == "sample_loaded"


# --- loading --------------------------------------------------------------------------------------


def test_the_whole_story_arrives_once(store: Store, sample_file, tmp_path):
    assert load_sample_once(store)
    assert not load_sample_once(store)
    assert store.verify_audit().broken_at is None
    backup(store, tmp_path / "again.gz")
    assert _rows_by_table(tmp_path / "again.gz") == _rows_by_table(sample_file)


def _rows_by_table(file):
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return Counter(json.loads(line).get("table") for line in lines)


def test_where_somebody_has_begun_nothing_is_loaded(store: Store):
    made(store, rows=2)
    assert not load_sample_once(store)
    assert sample_names(store) is None


def test_what_was_logged_before_stays_in_the_chain(store: Store, a_short_story):
    with store.begin() as tx:
        tx.audit.append("ada", "budget_set", "installation")
    assert load_sample_once(store)
    with store.read() as tx:
        assert [event.actor for event in tx.audit.all()] == ["ada", "sample", "sample", "sample"]
    assert store.verify_audit().broken_at is None


def test_two_servers_that_start_at_once_load_it_once(store: Store, a_short_story, monkeypatch):
    both_played = threading.Barrier(2)

    def tell(stage, clock):
        a_short_story(stage, clock)
        both_played.wait(timeout=30)

    monkeypatch.setattr(load_sample, "_tell_the_story", tell)
    answers = []
    servers = [threading.Thread(target=lambda: answers.append(load_sample_once(store))) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert sorted(answers) == [False, True]
    assert len(get_prompt(store, "support-reply").versions) == 1
    assert store.verify_audit().broken_at is None


def test_a_load_that_dies_in_the_play_leaves_nothing_and_is_made_up_for(store: Store, a_short_story, monkeypatch):
    def die(stage, clock):
        a_short_story(stage, clock)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(load_sample, "_tell_the_story", die)
        with pytest.raises(KeyboardInterrupt):
            load_sample_once(store)
    _assert_untouched(store)
    assert load_sample_once(store)


def test_a_load_that_dies_in_the_move_leaves_nothing_and_is_made_up_for(store: Store, a_short_story, monkeypatch):
    transplant = load_sample.transplant

    def die(source, target):
        transplant(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(load_sample, "transplant", die)
        with pytest.raises(KeyboardInterrupt):
            load_sample_once(store)
    _assert_untouched(store)
    assert load_sample_once(store)


def _assert_untouched(store):
    assert sample_names(store) is None
    with store.read() as tx:
        assert tx.prompts.all() == []
        assert list(tx.audit.all()) == []
