"""Live events in the database."""

from hypothesis import given
from hypothesis import strategies as st

from storage.exposures import MOST_VALUES, _chunks


@given(st.integers(0, 3 * MOST_VALUES))
def test_few_lengths_of_lists_are_asked_for_whatever_the_number_of_values(number):
    values = [str(i) for i in range(number)]

    lists = list(_chunks(values))

    assert sorted({value for some in lists for value in some}, key=int) == values
    assert {len(some) for some in lists} <= {2**n for n in range(10)}
