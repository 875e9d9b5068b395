"""JSON and JSON Lines: digits kept, missing told from empty, errors by line and column."""

import json

import pytest

from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError


def read(text, filename="rows.jsonl", **options):
    return read_table(text.encode("utf-8", "surrogatepass"), filename=filename, **options)


def complaint(text, filename="rows.jsonl"):
    with pytest.raises(BakeoffError) as caught:
        read(text, filename)
    return caught.value


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("1e5", "1e5"),
        ("1.0", "1.0"),
        ("-0", "-0"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("9" * 5000, "9" * 5000),
        ("true", "true"),
        ("false", "false"),
        ("null", None),
        ('""', ""),
        ('"NA"', "NA"),
        (r'"\ud83d\ude00"', "😀"),
        ('{"b": 1.0, "a": [true, null, "é", 1e2]}', '{"a":[true,null,"é",1e2],"b":1.0}'),
        ("[]", "[]"),
    ],
)
def test_a_value_becomes_its_exact_text(literal, text):
    assert read(f'{{"a": {literal}}}').rows == [(text,)]


def test_an_absent_key_is_missing_and_columns_are_all_keys_in_order():
    table = read('{"a": 1}\n{"b": "", "a": null}\n')

    assert (table.columns, table.rows) == (("a", "b"), [("1", None), (None, "")])


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, {"a": 2}]',
        '{"data": [{"a": 1}, {"a": 2}]}',
        '{"count": 2, "rows": [{"a": 1}, {"a": 2}], "tags": ["x"]}',
        '\ufeff [\n {"a": 1},\n {"a": 2}\n]\n',
    ],
)
def test_a_list_of_objects_is_found(text):
    table = read(text, "rows.json")

    assert (table.report.format, table.rows) == ("json", [("1",), ("2",)])
    assert table.place(1) == "item 2"


@pytest.mark.parametrize("filename", ["rows.jsonl", "rows.json", "rows.csv", "rows"])
def test_json_lines_are_known_by_their_content(filename):
    table = read('\n{"a": 1}\r\n\r\n{"a": 2}', filename)

    assert (table.report.format, table.rows, list(table.lines)) == ("jsonl", [("1",), ("2",)], [2, 4])


def test_one_object_alone_is_one_row():
    assert read('{"a": 1, "b": "x"}', "rows.json").rows == [("1", "x")]


def test_the_name_decides_whether_a_wrapped_list_is_one_row():
    text = '{"messages": [{"role": "user"}]}'

    assert read(text, "rows.jsonl").columns == ("messages",)
    assert read(text, "rows.json").columns == ("role",)


def test_a_line_separator_of_unicode_ends_no_line():
    assert read('{"a": "x\u2028y\x85"}\n{"a": "z"}').rows == [("x\u2028y\x85",), ("z",)]


def test_bad_json_names_line_and_column():
    error = complaint('{"a": 1}\n\n{"a": 1, "b"  2}\n')

    assert error.code == "bad_json"
    assert "line 3, column 15" in error.message


def test_bad_json_in_a_list_names_line_and_column():
    error = complaint('[\n {"a": 1},\n {"a": }\n]', "rows.json")

    assert "line 3, column 8" in error.message


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_refused_where_they_stand(constant):
    error = complaint(f'{{"a": "NaN", "b": 1}}\n{{"a": "NaN", "b": {constant}}}')

    assert error.code == "bad_json"
    assert "line 2, column 19" in error.message


def test_a_key_that_stands_twice_is_refused_because_a_value_would_be_lost():
    error = complaint('{"a": 1}\n{"a": 1, "a": 2}')

    assert "line 2" in error.message
    assert "'a' stands twice" in error.message


@pytest.mark.parametrize(("line", "word"), [("[1]", "a list"), ('"x"', "a text"), ("3", "a number"), ("null", "null")])
def test_a_line_that_is_no_object_is_refused(line, word):
    error = complaint(f'{{"a": 1}}\n{line}\n')

    assert (error.code, "line 2" in error.message, word in error.message) == ("not_rows", True, True)


def test_an_item_that_is_no_object_is_refused():
    assert "item 2" in complaint('[{"a": 1}, 5]', "rows.json").message


def test_an_object_without_one_list_of_objects_is_refused():
    text = json.dumps({"a": [{"x": 1}], "b": [{"y": 1}]}, indent=1)

    assert complaint(text, "rows.json").code == "not_rows"


def test_half_a_surrogate_pair_is_refused_with_its_column():
    error = complaint('{"a": 1}\n{"a": "xx\\ud83d"}')

    assert (error.code, "line 2, column 3" in error.message) == ("bad_character", True)


def test_an_escaped_nul_is_refused():
    assert complaint('{"a": "x\\u0000"}').code == "bad_character"


def test_a_bad_character_deep_inside_is_refused_too():
    assert complaint('{"a": {"b": ["\\ud800"]}}').code == "bad_character"


@pytest.mark.parametrize("text", ['{"a": ' + "[" * 100_000, "[" * 100_000, '[{"a": ' + '{"a":' * 50_000])
def test_deep_nesting_is_refused(text):
    assert complaint(text, "rows.json").code == "bad_json"


def test_an_empty_key_is_refused():
    assert complaint('{"": 1}').code == "empty_column_name"
