"""Rating sessions in the database: kept by a backup, gone with their experiment, never gone with people's votes."""

from pathlib import Path

from experiments.actions.rating.join_rating import arrive
from experiments.actions.rating.rate import Vote, rater_state, submit_votes
from storage.backup import backup, restore
from storage.removal import Holdings, is_rated, remove
from storage.store import Store, open_store
from tests.rating_builders import imported, opened


def test_a_session_goes_on_from_a_backup(store: Store, tmp_path: Path, clock):
    session = opened(store, imported(store, rows=4), overlap=1)
    [secret] = arrive(store, session.link.token).secrets
    first, *rest = [task.id for task in rater_state(store, secret).tasks]
    taken = submit_votes(store, secret, [Vote(1, first, "vote", "left")], have=rest)
    rest += [task.id for task in taken.tasks]
    backup(store, tmp_path / "all.gz")
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}", clock)
    restore(other, tmp_path / "all.gz")
    state = rater_state(other, secret)
    assert (state.done, [task.id for task in state.tasks]) == (1, rest)
    assert submit_votes(other, secret, [Vote(2, rest[0], "vote", "right")]).done == 2
    other.close()


def test_a_session_goes_with_its_experiment(store: Store):
    session = opened(store, imported(store), overlap=1)
    [secret] = arrive(store, session.link.token).secrets
    rater_state(store, secret)
    with store.begin() as tx:
        experiment = tx.experiments.by_name("replies")
        dataset = tx.datasets.version(experiment.dataset_version_id).dataset_id
        held = Holdings(prompts=[], datasets=[dataset], experiments=[experiment.id])
        assert not is_rated(tx, held)
        assert remove(tx, held) > 40
        assert tx.ratings.all() == []


def test_an_experiment_that_people_rated_says_so(store: Store):
    session = opened(store, imported(store), overlap=1)
    [secret] = arrive(store, session.link.token).secrets
    submit_votes(store, secret, [Vote(1, rater_state(store, secret).tasks[0].id, "vote", "left")])
    with store.read() as tx:
        experiment = tx.experiments.by_name("replies")
        assert is_rated(tx, Holdings(prompts=[], datasets=[], experiments=[experiment.id]))
