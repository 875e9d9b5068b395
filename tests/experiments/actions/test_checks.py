"""Saved checks: versions by content, used by name in experiment files, refused when they are unknown."""

from __future__ import annotations

import pytest

from experiments.actions.registry.save_check import save_check
from experiments.actions.results.open_results import open_results
from experiments.errors import BakeoffError, Forbidden, NotFound
from experiments.judges.ready_made import READY_MADE
from experiments.vocabulary import Actor, Role
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of

ENTRY = {"judge": {"name": "right", "model": "demo/judge", "rubric": "Is correct.", "reference": True}}


def other(rubric: str) -> dict:
    return {"judge": {**ENTRY["judge"], "rubric": rubric}}


def test_the_same_judge_is_saved_once_and_another_is_another_version(store: Store) -> None:
    first = save_check(store, "right", ENTRY, actor=ADA, note="first")
    again = save_check(store, "right", ENTRY, actor=ADA, note="again")
    second = save_check(store, "right", other("Is quite correct."), actor=ADA)
    assert (first.number, again.id, second.number) == (1, first.id, 2)
    with store.read() as tx:
        events = [e.details for e in tx.audit.all() if e.action == "check_version_saved"]
    assert [e["version"] for e in events] == [1, 2]


@pytest.mark.parametrize(("named", "rubric"), [("right", "Is quite correct."), ("right@1", "Is correct.")])
def test_an_experiment_uses_a_saved_check_by_its_name(store: Store, named: str, rubric: str) -> None:
    save_check(store, "right", ENTRY, actor=ADA)
    save_check(store, "right", other("Is quite correct."), actor=ADA)
    made(store, spec_of(scorers=[{"judge": named}, {"contains": {"text": '"answer"', "name": "has_key"}}]), rows=3)
    run_to_end(store)
    [card] = open_results(store, "sums", actor=ADA)["judges"]
    assert card["judge"] == (named if "@" in named else "right@2")
    with store.read() as tx:
        [use] = [u for u in tx.experiments.scorers(tx.experiments.by_name("sums").id) if u.scorer == "judge"]
    assert use.entry["judge"]["rubric"] == rubric


def test_what_stands_beside_the_name_is_laid_over_it(store: Store) -> None:
    save_check(store, "right", ENTRY, actor=ADA)
    entry = {"judge": {"check": "right", "name": "strict", "repeats": 3}}
    made(store, spec_of(scorers=[entry, {"contains": {"text": '"answer"', "name": "has_key"}}]), rows=2)
    with store.read() as tx:
        [use] = [u for u in tx.experiments.scorers(tx.experiments.by_name("sums").id) if u.scorer == "judge"]
    assert (use.metric, use.entry["judge"]["repeats"], use.entry["judge"]["check"]) == ("strict", 3, "right@1")


@pytest.mark.parametrize(("named", "told"), [("rigth", "no quality check 'rigth'"), ("right@7", "no version 7")])
def test_an_unknown_check_is_told_with_what_there_is(sqlite_store: Store, named: str, told: str) -> None:
    save_check(sqlite_store, "right", ENTRY, actor=ADA)
    with pytest.raises(NotFound, match=told) as error:
        made(sqlite_store, spec_of(scorers=[{"judge": named}]))
    assert "right" in error.value.hint or "newest is 1" in error.value.hint


def test_a_viewer_saves_nothing_and_a_bad_name_is_refused(sqlite_store: Store) -> None:
    with pytest.raises(Forbidden):
        save_check(sqlite_store, "right", ENTRY, actor=Actor("eve", Role.VIEWER))
    with pytest.raises(BakeoffError, match="not a plain name"):
        save_check(sqlite_store, "a/b", ENTRY, actor=ADA)
    with pytest.raises(BakeoffError, match="options by name"):
        save_check(sqlite_store, "near", {"semantic_similarity": {"model": "demo/embedding"}}, actor=ADA)
    with sqlite_store.read() as tx:
        assert tx.checks.all() == []


@pytest.mark.parametrize("named", list(READY_MADE))
def test_a_ready_made_rubric_needs_only_a_model(sqlite_store: Store, named: str) -> None:
    scorers = [{"judge": {"check": named, "model": "demo/judge"}}, {"contains": {"text": "x", "name": "has_key"}}]
    made(sqlite_store, spec_of(scorers=scorers), rows=2)
    with sqlite_store.read() as tx:
        [use] = [u for u in tx.experiments.scorers(tx.experiments.by_name("sums").id) if u.scorer == "judge"]
    assert (use.metric, use.entry["judge"]["rubric"]) == (named, READY_MADE[named]["rubric"])


def test_a_saved_check_comes_before_a_ready_made_one(sqlite_store: Store) -> None:
    save_check(sqlite_store, "harmless", other("Mine."), actor=ADA)
    made(sqlite_store, spec_of(scorers=[{"judge": "harmless"}, {"contains": {"text": "x", "name": "has_key"}}]), rows=2)
    with sqlite_store.read() as tx:
        [use] = [u for u in tx.experiments.scorers(tx.experiments.by_name("sums").id) if u.scorer == "judge"]
    assert use.entry["judge"]["rubric"] == "Mine."
