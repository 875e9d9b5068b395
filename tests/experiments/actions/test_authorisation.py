"""Every action asks who it is for: a refusal changes nothing but the log, a permission is asked for by name."""

import inspect
import pkgutil

import pytest

import experiments.actions
from experiments.actions.datasets.import_dataset import archive_dataset, import_dataset, set_roles
from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.installation.change_settings import (
    forget_price,
    set_monthly_budget,
    set_price,
    tick_first_step,
)
from experiments.actions.installation.manage_keys import create_key, revoke_key
from experiments.actions.live.control_live import (
    force_unit,
    freeze_live,
    new_phase,
    pause_live,
    ramp_live,
    resume_live,
)
from experiments.actions.live.design_live import live_design, start_designed_live
from experiments.actions.live.draw_answers import draw_answers
from experiments.actions.live.start_live import start_live
from experiments.actions.live.stop_live import stop_live
from experiments.actions.live.void_outcomes import void_outcomes
from experiments.actions.rating.open_rating import close_session, new_link, open_session, revoke_links
from experiments.actions.registry.promote import promote
from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.actions.registry.save_check import save_check
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.results.open_results import open_results
from experiments.actions.results.rescore import rescore
from experiments.actions.runs.apply_judges import apply_judges
from experiments.actions.runs.control_run import cancel_run, pause_run, resume_run, retry_failed
from experiments.actions.runs.create_experiment import create_experiment, discard_draft
from experiments.actions.runs.start_run import start_run
from experiments.actions.sample.remove_sample import remove_sample
from experiments.actions.trying.try_check import ask_for_suggestions, try_check
from experiments.actions.trying.try_prompts import try_prompts
from experiments.errors import Forbidden
from experiments.prompts.content import text_prompt
from experiments.ratings.session_file import SessionSpec
from experiments.vocabulary import Actor, Role
from storage.store import Store
from tests.builders import questions_csv, spec_of

PROMPT = text_prompt("{{x}}", model="demo/small")
STRANGER = Actor("nobody")
SESSION = SessionSpec()
ASKED = {
    "void_outcomes": lambda s, a: void_outcomes(s, ["x"], reason="wrong unit", actor=a),
    "save_prompt": lambda s, a: save_prompt(s, "p", PROMPT, actor=a),
    "try_prompts": lambda s, a: try_prompts(s, {"A": PROMPT}, {"x": "1"}, actor=a),
    "import_dataset": lambda s, a: import_dataset(s, questions_csv(2), filename="q.csv", name="q", actor=a),
    "set_roles": lambda s, a: set_roles(s, "q", {}, actor=a),
    "archive_dataset": lambda s, a: archive_dataset(s, "q", actor=a),
    "import_outputs": lambda s, a: import_outputs(s, b"", filename="a.csv", experiment="e", actor=a),
    "create_experiment": lambda s, a: create_experiment(s, spec_of(), dataset_version_id="x", actor=a),
    "discard_draft": lambda s, a: discard_draft(s, "sums", actor=a),
    "start_run": lambda s, a: start_run(s, "sums", actor=a),
    "pause_run": lambda s, a: pause_run(s, "sums", actor=a),
    "resume_run": lambda s, a: resume_run(s, "sums", actor=a),
    "cancel_run": lambda s, a: cancel_run(s, "sums", actor=a),
    "retry_failed": lambda s, a: retry_failed(s, "sums", actor=a),
    "rescore": lambda s, a: rescore(s, "sums", actor=a),
    "open_results": lambda s, a: open_results(s, "sums", actor=a),
    "promote": lambda s, a: promote(s, "sums", label="production", actor=a),
    "roll_back": lambda s, a: roll_back(s, "p", actor=a, reason="x"),
    "set_label": lambda s, a: set_label(s, "p", label="staging", at="1", actor=a),
    "create_key": lambda s, a: create_key(s, "app", ["read"], actor=a),
    "revoke_key": lambda s, a: revoke_key(s, "x", actor=a),
    "set_price": lambda s, a: set_price(s, "m", input_per_million=1, output_per_million=1, actor=a),
    "forget_price": lambda s, a: forget_price(s, "m", actor=a),
    "set_monthly_budget": lambda s, a: set_monthly_budget(s, 1.0, actor=a),
    "tick_first_step": lambda s, a: tick_first_step(s, "promote", actor=a),
    "remove_sample": lambda s, a: remove_sample(s, actor=a),
    "apply_judges": lambda s, a: apply_judges(s, "sums", actor=a),
    "save_check": lambda s, a: save_check(s, "polite", {"judge": {}}, actor=a),
    "try_check": lambda s, a: try_check(s, "sums", {"judge": {}}, output_ids=["x"], actor=a),
    "ask_for_suggestions": lambda s, a: ask_for_suggestions(s, [], rubric="", model="demo/judge", actor=a),
    "open_session": lambda s, a: open_session(s, "sums", SESSION, actor=a),
    "new_link": lambda s, a: new_link(s, "x", actor=a),
    "revoke_links": lambda s, a: revoke_links(s, "x", actor=a),
    "close_session": lambda s, a: close_session(s, "x", actor=a),
    "draw_answers": lambda s, a: draw_answers(s, "sums", actor=a),
    "start_live": lambda s, a: start_live(s, "sums", actor=a),
    "start_designed_live": lambda s, a: start_designed_live(
        s,
        live_design(
            name="live",
            prompt="p",
            control=1,
            challenger=2,
            metric="resolved",
            kind="binary",
            smallest_effect=0.05,
            enrol=5,
        ),
        actor=a,
    ),
    "ramp_live": lambda s, a: ramp_live(s, "sums", 5, actor=a),
    "pause_live": lambda s, a: pause_live(s, "sums", actor=a),
    "resume_live": lambda s, a: resume_live(s, "sums", actor=a),
    "freeze_live": lambda s, a: freeze_live(s, "sums", actor=a),
    "stop_live": lambda s, a: stop_live(s, "sums", actor=a),
    "new_phase": lambda s, a: new_phase(s, "sums", actor=a, reason="x"),
    "force_unit": lambda s, a: force_unit(s, "sums", "u", "A", actor=a),
}
INSIDE = {
    "authorise": "the question itself",
    "save_version": "inside a transaction of an action that asked",
    "create_in": "inside a transaction of an action that asked",
    "insert_dataset": "inside a transaction of an action that asked",
    "insert_votes": "inside a transaction of an action that asked",
    "import_table": "asked again by import_dataset's second half",
    "load_sample": "the installation's own first start",
    "rate_the_replies": "a scene of load_sample; every action in it asks",
    "begin_to_rate_the_topics": "a scene of load_sample; every action in it asks",
    "ask_the_judge": "a scene of load_sample; every action in it asks",
    "put_version_3_to_the_test": "a scene of load_sample; every action in it asks",
    "mark_interrupted": "a worker's own note",
    "record_decision": "inside a transaction of an action that asked",
    "no_draft_left": "wraps actions that ask; what it takes back, discard_draft asks for",
    "add_phase": "inside a transaction of an action that asked",
    "paused": "inside a transaction of an action that asked, or of the guard",
    "stopped": "inside a transaction of an action that asked, or of the guard",
}


@pytest.mark.parametrize("name", ASKED)
def test_somebody_without_a_role_is_refused_and_the_refusal_is_logged(sqlite_store: Store, name: str):
    with pytest.raises(Forbidden):
        ASKED[name](sqlite_store, STRANGER)

    with sqlite_store.read() as tx:
        logged = tx.audit.newest(5)
        assert (tx.prompts.all(), tx.datasets.all(), tx.keys.all()) == ([], [], [])
    assert [(event.actor, event.action) for event in logged] == [("nobody", "denied")]


def test_a_viewer_reads_results_but_changes_nothing(sqlite_store: Store):
    viewer = Actor("vic", Role.VIEWER)
    allowed = set()
    for name, ask in ASKED.items():
        try:
            ask(sqlite_store, viewer)
        except Forbidden:
            continue
        except Exception:
            allowed.add(name)
        else:
            allowed.add(name)
    assert allowed == {"open_results", "tick_first_step"}


def test_no_action_that_takes_an_actor_is_left_out_here():
    found = set()
    for module in pkgutil.walk_packages(experiments.actions.__path__, "experiments.actions."):
        members = inspect.getmembers(__import__(module.name, fromlist=["x"]), inspect.isfunction)
        found |= {
            name
            for name, function in members
            if function.__module__ == module.name
            and not name.startswith("_")
            and "actor" in inspect.signature(function).parameters
        }
    assert found <= {*ASKED, *INSIDE}
    assert set(ASKED) <= found
