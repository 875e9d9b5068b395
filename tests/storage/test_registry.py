"""Labels move by compare-and-set: of two who saw the same head, one wins, and the history stays one chain."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

from experiments.actions.registry.save_prompt import save_prompt
from experiments.errors import Conflict
from experiments.prompts.content import text_prompt
from storage.records import LabelRecord
from storage.store import Store
from tests.builders import ADA

ROUNDS = 50


@pytest.fixture
def versions(store: Store) -> tuple[str, list[str]]:
    """A prompt and its two versions."""
    made = [save_prompt(store, "reply", text_prompt(text, model="demo/small"), actor=ADA) for text in ("one", "two")]
    return made[0].prompt_id, [version.id for version in made]


def _head(store: Store, prompt_id: str) -> LabelRecord:
    with store.read() as tx:
        return tx.registry.label(prompt_id, "staging")


def _move(store: Store, head: LabelRecord, version_id: str, actor: str) -> bool:
    try:
        with store.begin() as tx:
            tx.registry.move(head, to_version_id=version_id, kind="set", actor=actor, reason="", at=tx.clock())
    except Conflict:
        return False
    return True


def test_of_two_who_saw_the_same_head_exactly_one_moves_it(store: Store, versions):
    prompt_id, ids = versions
    barrier = threading.Barrier(2)

    def race(head: LabelRecord, version_id: str, actor: str) -> bool:
        barrier.wait()
        return _move(store, head, version_id, actor)

    winners = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            head = _head(store, prompt_id)
            sides = [pool.submit(race, head, ids[i], ("ada", "bob")[i]) for i in range(2)]
            outcomes = [side.result() for side in sides]
            assert sum(outcomes) == 1
            winners.append(("ada", "bob")[outcomes.index(True)])

    with store.read() as tx:
        history = list(reversed(tx.registry.history(prompt_id, "staging")))
        head = tx.registry.label(prompt_id, "staging")
    assert [event.actor for event in history] == winners
    assert [event.revision for event in history] == list(range(1, ROUNDS + 1))
    assert all(later.from_version_id == earlier.to_version_id for earlier, later in pairwise(history))
    assert (head.revision, head.version_id) == (ROUNDS, history[-1].to_version_id)


def test_a_move_from_an_old_head_changes_nothing(store: Store, versions):
    prompt_id, ids = versions
    old = _head(store, prompt_id)
    assert _move(store, old, ids[0], "ada")
    assert not _move(store, old, ids[1], "bob")
    later = _head(store, prompt_id)
    assert _move(store, later, ids[1], "ada")
    assert not _move(store, later, ids[0], "bob")

    assert _head(store, prompt_id).version_id == ids[1]
    with store.read() as tx:
        assert len(tx.registry.history(prompt_id)) == 2


def test_the_history_of_a_label_goes_by_revision_whatever_the_clock_says(store: Store, versions, clock):
    prompt_id, ids = versions
    start = clock.now
    for number, minutes in enumerate((10, -30, -30, 5)):
        clock.now = start + timedelta(minutes=minutes)
        assert _move(store, _head(store, prompt_id), ids[number % 2], "ada")
    clock.now = start + timedelta(minutes=7)
    with store.begin() as tx:
        head = tx.registry.label(prompt_id, "canary")
        tx.registry.move(head, to_version_id=ids[0], kind="set", actor="ada", reason="", at=tx.clock())

    with store.read() as tx:
        staging = tx.registry.history(prompt_id, "staging")
        both = tx.registry.history(prompt_id)
    assert [event.revision for event in staging] == [4, 3, 2, 1]
    assert all(later.from_version_id == earlier.to_version_id for later, earlier in pairwise(staging))
    assert [event for event in both if event.label == "staging"] == staging
    assert [(event.label, event.revision) for event in both][-1] == ("canary", 1)


def test_racing_moves_whose_clocks_differ_leave_one_chain(store: Store, versions):
    """Each writer's clock is off by its own amount, as on two servers."""
    prompt_id, ids = versions

    def race(number: int) -> int:
        moved = 0
        for turn in range(10):
            head = _head(store, prompt_id)
            try:
                with store.begin() as tx:
                    at = tx.clock() - timedelta(seconds=(number * 7 + turn * 3) % 11)
                    tx.registry.move(head, to_version_id=ids[turn % 2], kind="set", actor=str(number), reason="", at=at)
                moved += 1
            except Conflict:
                continue
        return moved

    with ThreadPoolExecutor(4) as pool:
        moves = sum(pool.map(race, range(4)))
    with store.read() as tx:
        history = tx.registry.history(prompt_id, "staging")
    assert [event.revision for event in history] == list(range(moves, 0, -1))
    assert all(later.from_version_id == earlier.to_version_id for later, earlier in pairwise(history))
