"""Who gets what next."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from experiments.ratings.leasing import Candidate, Held, how_many, is_answering, is_swapped, next_tasks, renewed
from tests.conftest import ManualClock


def _next(count, candidates, history=(), gold=(), *, repeats=0, rater="r1", in_blocks=False, seed=5):
    return next_tasks(count, candidates, history, gold, repeats=repeats, seed=seed, rater_id=rater, in_blocks=in_blocks)


def _items(n: int, taken=lambda i: 0) -> list[Candidate]:
    return [Candidate(f"i{i}", f"row{i // 2}", taken(i)) for i in range(n)]


def test_items_that_others_began_come_first():
    chosen = _next(10, _items(40, lambda i: i % 4 == 0))
    assert {task.item_id for task in chosen} == {f"i{i}" for i in range(0, 40, 4)}


def test_raters_get_different_orders():
    assert _next(10, _items(40)) != _next(10, _items(40), rater="r2")
    assert _next(10, _items(40)) == _next(10, _items(40))


def test_a_rater_who_has_one_answer_of_a_row_gets_the_other():
    history = [Held(f"i{i}", f"row{i // 2}", n) for n, i in enumerate((0, 6, 10))]
    left = [c for c in _items(40) if c.item_id not in {h.item_id for h in history}]
    assert {task.item_id for task in _next(3, left, history, in_blocks=True)} == {"i1", "i7", "i11"}


def test_whole_rows_are_handed_out():
    rows = Counter(int(task.item_id[1:]) // 2 for task in _next(10, _items(40), in_blocks=True))
    assert set(rows.values()) == {2}


def test_every_fourth_place_is_a_check_while_there_are_any():
    tasks = _next(20, _items(60), gold=["g1", "g2"], repeats=2)
    assert [task.sequence for task in tasks] == list(range(20))
    checks = [t.sequence for t in tasks if t.item_id.startswith("g") or t.repeat]
    assert len(checks) == 4
    assert {place % 4 for place in checks} == {checks[0] % 4}
    first = {t.item_id: t.sequence for t in tasks if not t.repeat}
    repeated = [t for t in tasks if t.repeat]
    assert len(repeated) == 2
    assert all(t.sequence - first[t.item_id] >= 5 for t in repeated)


def test_a_skipped_item_is_not_repeated():
    history = [Held(f"i{n}", "", n, usable=False) for n in range(12)]
    assert not any(task.repeat for task in _next(4, _items(60)[12:], history, repeats=5))


@given(
    items=st.integers(0, 30),
    count=st.integers(1, 20),
    gold=st.integers(0, 4),
    repeats=st.integers(0, 4),
    seed=st.integers(0, 50),
)
def test_nothing_is_handed_out_twice_and_never_more_than_asked(items, count, gold, repeats, seed):
    history: list[Held] = []
    golden = [f"g{n}" for n in range(gold)]
    for _ in range(4):
        had = {h.item_id for h in history if not h.repeat}
        left = [c for c in _items(items) if c.item_id not in had]
        tasks = _next(count, left, history, golden, repeats=repeats, seed=seed)
        assert len(tasks) <= count
        history += [Held(t.item_id, "", t.sequence, gold=t.item_id in golden, repeat=t.repeat) for t in tasks]
    assert max(Counter((h.item_id, h.repeat) for h in history).values(), default=0) <= 1
    assert sum(h.repeat for h in history) <= repeats
    assert [h.sequence for h in history] == list(range(len(history)))


def test_sides_are_a_fair_coin_for_each_item_and_rater_and_turn_for_the_repeat():
    sides = [is_swapped(9, f"i{i}", f"r{r}", repeat=False) for i in range(200) for r in range(10)]
    assert 900 < sum(sides) < 1100
    assert is_swapped(9, "i1", "r1", repeat=True) is not is_swapped(9, "i1", "r1", repeat=False)
    assert [is_swapped(9, f"i{i}", "r1", repeat=False) for i in range(50)] != sides[:500:10]


def test_how_much_is_held_leaves_some_for_others_and_stays_within_the_quota():
    assert how_many(held=0, done=0, quota=None, open_items=500, raters=2) == 40
    assert how_many(held=15, done=0, quota=None, open_items=500, raters=2) == 25
    assert how_many(held=0, done=0, quota=None, open_items=60, raters=3) == 10
    assert how_many(held=0, done=0, quota=None, open_items=12, raters=3) == 4
    assert how_many(held=3, done=0, quota=None, open_items=12, raters=1) == 12
    assert how_many(held=0, done=28, quota=30, open_items=500, raters=1) == 2
    assert how_many(held=2, done=28, quota=30, open_items=500, raters=1) == 0
    assert how_many(held=0, done=0, quota=None, open_items=500, raters=1, answering=False) == 4
    assert how_many(held=4, done=0, quota=None, open_items=500, raters=1, answering=False) == 0


def test_who_answered_within_ten_minutes_is_answering():
    now = ManualClock()()
    assert not is_answering(None, now)
    assert is_answering(now - timedelta(minutes=9, seconds=59), now)
    assert not is_answering(now - timedelta(minutes=10), now)
    assert renewed(now) - now == timedelta(minutes=10)
    assert renewed(now, answering=False) - now == timedelta(minutes=2)


def test_gold_comes_in_even_places_and_a_repeat_in_odd_ones_even_while_gold_is_left():
    """Were gold always first, a rater would meet all of it early and no repeat before the gold is used up."""
    tasks = _next(40, _items(60), gold=[f"g{i}" for i in range(20)], repeats=20)

    kinds = ["gold" if t.item_id.startswith("g") else "repeat" for t in tasks if t.item_id.startswith("g") or t.repeat]
    assert len(kinds) == 10
    assert kinds[2:] in (["gold", "repeat"] * 4, ["repeat", "gold"] * 4)


def test_gold_takes_the_place_of_a_repeat_that_there_is_none_of():
    tasks = _next(40, _items(60), gold=[f"g{i}" for i in range(20)], repeats=0)

    assert sum(t.item_id.startswith("g") for t in tasks) == 10
