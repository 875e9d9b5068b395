"""The buckets of a layer: grown into what is free, given back from the end, shared by nobody."""

from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.live.assignment import BUCKETS
from experiments.live.layers import free, resized, size

shares = st.integers(0, BUCKETS)


def _overlap(one, other):
    return any(a < d and c < b for a, b in one for c, d in other)


@settings(max_examples=100)
@given(st.lists(shares, min_size=1, max_size=6), st.integers(0, BUCKETS - 1), st.integers(0, BUCKETS // 2))
def test_growing_adds_and_shrinking_takes_from_the_end(wanted, start, gap):
    taken = [(gap, gap + BUCKETS // 10), (BUCKETS - BUCKETS // 8, BUCKETS)]
    own = ()
    for size_wanted in wanted:
        new = resized(own, size_wanted, taken=taken, start=start)
        if new is None:
            assert size_wanted > BUCKETS - size(taken)
            continue
        assert size(new) == size_wanted
        assert not _overlap(new, taken)
        assert not any(_overlap([one], new[i + 1 :]) for i, one in enumerate(new))
        smaller, larger = sorted((own, new), key=size)
        assert size(smaller) == sum(max(0, min(b, d) - max(a, c)) for a, b in smaller for c, d in larger)
        own = new


def test_an_empty_layer_is_all_free():
    assert free([]) == ((0, BUCKETS),)
    assert free([(0, BUCKETS)]) == ()


def test_a_ramp_in_steps_stays_one_range_and_what_does_not_touch_stays_apart():
    # Every request is compared with each range in turn: a test ramped a hundred times must not own a hundred ranges.
    # Two ranges made one across a gap would enrol units of the test that owns the gap.
    own = ()
    for step in range(1, 101):
        own = resized(own, step * 1_000, taken=[])
    assert own == ((0, 100_000),)
    assert resized(((0, 100),), 200, taken=[(100, 150)]) == ((0, 100), (150, 250))
    assert resized(((0, 100), (150, 160)), 200, taken=[(100, 150)]) == ((0, 100), (150, 250))


def test_a_range_that_is_given_back_to_its_last_bucket_is_gone():
    # An empty range left behind is where the next ramp would begin, beyond buckets that other tests have taken since.
    assert resized(((0, 100), (150, 250)), 100, taken=[]) == ((0, 100),)
    assert resized(((0, 100),), 0, taken=[]) == ()
