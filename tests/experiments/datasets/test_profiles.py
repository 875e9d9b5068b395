"""What columns look like, and which is what."""

import pytest

from experiments.datasets.profiles import profile_table
from experiments.datasets.reading import read_table
from experiments.datasets.roles import propose_roles, reference_column


def profile(text, filename="x.csv"):
    return profile_table(read_table(text.encode(), filename=filename))


def test_missing_empty_and_repeated_cells_are_counted_with_their_places():
    text = '{"a": "x"}\n{"a": null}\n{"a": ""}\n{"a": " "}\n{"a": "x"}\n{}\n{"a": "y"}'

    column = profile(text, "x.jsonl").column("a")

    assert (column.missing.count, column.missing.places) == (2, ("line 2", "line 6"))
    assert (column.empty.count, column.empty.places) == (2, ("line 3", "line 4"))
    assert (column.repeated.count, column.repeated.places) == (1, ("line 5",))
    assert (column.distinct, column.example, column.unique, column.constant) == (2, "x", False, False)


def test_only_the_first_few_places_are_told():
    found = profile("a,b\n" + "x,1\n" * 9).repeated_rows

    assert (found.count, found.places) == (8, ("line 3", "line 4", "line 5", "line 6", "line 7"))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a,b\n1,x\n2,y\n", []),
        ("a,b\n1,x\n1,x\n2,y\n", ["repeated_rows"]),
        ("a,b\n1,x\n2,\n", ["empty_cells"]),
        ("a,b\n1,x\n2,x\n", ["constant_column"]),
        ("a,b\n1,me@mail.example\n2,y\n", ["personal_data"]),
    ],
)
def test_the_owner_is_told(text, codes):
    assert [n.code for n in profile(text).notices] == codes


def test_a_column_of_few_short_texts_has_levels_by_frequency():
    rows = "".join(f"{n},{'en' if n % 3 else 'de'}\n" for n in range(12))

    assert profile("id,lang\n" + rows).column("lang").levels == ("en", "de")


@pytest.mark.parametrize("levels", [1, 21, 4])
def test_too_few_rows_per_level_are_no_slices(levels):
    rows = "".join(f"{n},level {n % levels}\n" for n in range(levels * 4))

    assert profile("id,group\n" + rows).column("group").levels == ()


def test_an_unknown_column_is_a_key_error():
    with pytest.raises(KeyError):
        profile("a\n1\n").column("b")


def test_roles_are_proposed_from_names_and_contents():
    header = "ticket_id,customer_id,body,language,Expected Output\n"
    rows = "".join(f"T{n},C{n // 2},text {n},{'en' if n % 2 else 'de'},answer {n}\n" for n in range(20))

    roles = propose_roles(profile(header + rows))

    assert (roles.inputs, roles.reference, roles.unit) == (("body",), "Expected Output", "ticket_id")
    assert (roles.cluster, roles.slices) == ("customer_id", ("language",))


def test_a_unique_question_is_no_id():
    assert propose_roles(profile("question,answer\nwhat?,1\nwhy?,2\n")).unit is None


def test_an_id_that_repeats_is_no_unit():
    assert propose_roles(profile("id,q\n1,a\n1,b\n2,c\n")).unit is None


def test_something_is_always_left_to_be_the_input():
    assert propose_roles(profile("answer\nx\ny\n")).inputs == ("answer",)
    assert propose_roles(profile("kind\n" + "a\nb\n" * 10)).inputs == ("kind",)


@pytest.mark.parametrize(
    ("names", "found"), [(["answer", "Reference"], "Reference"), (["IDEAL"], "IDEAL"), (["answers", "body"], None)]
)
def test_the_reference_is_known_by_its_name(names, found):
    assert reference_column(names) == found
