"""Examples and the identity of a dataset."""

from experiments.datasets.examples import build_examples, dataset_hash
from experiments.datasets.reading import read_table
from experiments.vocabulary import content_hash


def examples(text):
    return build_examples(read_table(text.encode(), filename="x.csv"))


def test_an_example_holds_its_cells_by_column():
    first, second = examples("a,b\n1,x\n2,\n")

    assert (first.position, second.position) == (0, 1)
    assert dict(second.values) == {"a": "2", "b": ""}
    assert first.content_hash == content_hash({"a": "1", "b": "x"})


def test_the_order_of_columns_does_not_change_the_hash():
    assert dataset_hash(examples("a,b\n1,x\n")) == dataset_hash(examples("b,a\nx,1\n"))


def test_the_order_of_rows_changes_the_hash():
    assert dataset_hash(examples("a\n1\n2\n")) != dataset_hash(examples("a\n2\n1\n"))


def test_missing_and_empty_are_different_content():
    missing = build_examples(read_table(b'{"a": null}', filename="x"))
    empty = build_examples(read_table(b'{"a": ""}', filename="x"))

    assert missing[0].content_hash != empty[0].content_hash


def test_equal_rows_have_equal_hashes_and_different_positions():
    first, second = examples("a\n1\n1\n")

    assert (first.content_hash == second.content_hash, first.position == second.position) == (True, False)
