"""The buckets of a layer: grown into what is free, given back from the end, shared by nobody."""

from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.assignment import BUCKETS
from experiments.layers import free, resized, size

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
