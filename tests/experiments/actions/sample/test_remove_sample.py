"""Taking the sample out: all of it and nothing else, never somebody's own work."""

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.rating.join_rating import arrive
from experiments.actions.rating.open_rating import new_link
from experiments.actions.rating.rate import Vote, rater_state, submit_votes
from experiments.actions.registry.promote import promote
from experiments.actions.registry.save_check import save_check
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.sample.load_sample import load_sample_once
from experiments.actions.sample.remove_sample import remove_sample
from experiments.errors import Conflict, Forbidden
from experiments.prompts.content import text_prompt
from experiments.sample import project
from experiments.views.installation.sample import sample_names
from experiments.views.rating.sessions import rating_sessions
from experiments.views.runs.experiments import list_experiments
from experiments.vocabulary import Actor, Role
from storage.store import Store
from storage.transplant import STAYS
from tests.builders import ADA, made

WHY = "Nine of ten of our customers write in English, we take it."


def _refused(store, *words):
    with pytest.raises(Conflict) as error:
        remove_sample(store, actor=ADA)
    assert error.value.code == "sample_in_use"
    assert all(word in error.value.message for word in words)
    assert sample_names(store) is not None


def _tables_in_use(store):
    with store.read() as tx:
        tables = SQLModel.metadata.sorted_tables
        return {t.name for t in tables if tx.session.execute(select(t).limit(1)).first() is not None}


def test_nothing_of_it_is_left_but_what_the_log_says(with_sample: Store):
    events = with_sample.verify_audit().events
    assert remove_sample(with_sample, actor=ADA) > 4000
    assert _tables_in_use(with_sample) <= STAYS
    assert sample_names(with_sample) is None
    chain = with_sample.verify_audit()
    assert (chain.events, chain.broken_at) == (events + 1, None)


def test_it_does_not_come_back(with_sample: Store):
    remove_sample(with_sample, actor=ADA)
    assert not load_sample_once(with_sample)


def test_it_cannot_be_removed_twice(with_sample: Store):
    remove_sample(with_sample, actor=ADA)
    with pytest.raises(Conflict) as error:
        remove_sample(with_sample, actor=ADA)
    assert error.value.code == "no_sample"


def test_other_work_is_not_touched(with_sample: Store):
    made(with_sample, rows=2)
    remove_sample(with_sample, actor=ADA)
    assert [e.name for e in list_experiments(with_sample)] == ["sums"]


def test_what_people_did_with_the_sample_itself_goes_with_it(with_sample: Store):
    promote(with_sample, project.reply_experiment().name, label="production", variant="B", reason=WHY, actor=ADA)
    assert remove_sample(with_sample, actor=ADA)


def test_an_experiment_of_somebody_keeps_it(with_sample: Store):
    spec = project.topic_experiment().model_copy(update={"name": "mine", "promotes": "mine"})
    with with_sample.read() as tx:
        version = tx.datasets.versions(tx.datasets.by_name(project.TICKETS).id)[0]
    create_experiment(with_sample, spec, dataset_version_id=version.id, actor=ADA)
    _refused(with_sample, "'mine'")


def test_a_prompt_version_of_somebody_keeps_it(with_sample: Store):
    save_prompt(with_sample, project.REPLY_PROMPT, text_prompt("Mine: {{body}}", model="demo/small"), actor=ADA)
    _refused(with_sample, "'support-reply'")


def test_a_test_set_version_of_somebody_keeps_it(with_sample: Store):
    import_dataset(with_sample, b"body\nmine\n", filename="t.csv", name=project.TICKETS, actor=ADA)
    _refused(with_sample, "'support-tickets'")


def test_a_version_of_somebody_of_its_quality_check_keeps_it(with_sample: Store):
    entry = {"judge": {"model": "demo/judge", "rubric": "Passes when it is polite."}}
    save_check(with_sample, "helpful", entry, actor=ADA)
    _refused(with_sample, "'helpful'")


def test_ratings_of_somebody_keep_it(with_sample: Store):
    [session] = [s for s in rating_sessions(with_sample) if s.state == "open"]
    secret = arrive(with_sample, new_link(with_sample, session.id, actor=ADA).token).secrets[0]
    task = rater_state(with_sample, secret).tasks[0]
    submit_votes(with_sample, secret, [Vote(1, task.id, choice="up")])
    _refused(with_sample, "rated")


def test_only_who_manages_the_installation_may_remove_it(with_sample: Store):
    with pytest.raises(Forbidden):
        remove_sample(with_sample, actor=Actor("eve", Role.EDITOR))
    assert sample_names(with_sample) is not None
