import pytest

from experiments.scoring.json_text import leaves, same_value, texts_of, written_path


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_json_values_are_equal_as_json_says(first, second, expected):
    assert same_value(first, second) is expected


def test_the_tolerance_reaches_inner_numbers():
    assert same_value({"a": [1.0]}, {"a": [1.05]}, tolerance=0.1)


def test_leaves_come_in_order_with_their_paths():
    value = {"a": [1, {"b": []}], "c": {}}

    assert [(written_path(path), leaf) for path, leaf in leaves(value)] == [("a[0]", 1), ("a[1].b", []), ("c", {})]


def test_a_bare_value_is_its_own_leaf():
    assert [(written_path(path), leaf) for path, leaf in leaves(5)] == [("the top level", 5)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a\n\n b ", ["a", "b"]),
        ('["a", "b", 3, ""]', ["a", "b", "3"]),
        ("[1] First source\n[2] Second", ["[1] First source", "[2] Second"]),
        ("", []),
    ],
)
def test_a_cell_holds_a_json_list_or_lines(cell, expected):
    assert texts_of(cell) == expected
