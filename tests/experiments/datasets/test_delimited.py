"""CSV and TSV: delimiter, quotes, header, and complaints that point at line and column."""

import pytest

from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError


def read(text, filename="tickets.csv"):
    return read_table(text.encode(), filename=filename)


def complaint(text):
    with pytest.raises(BakeoffError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "delimiter", "columns"),
    [
        ("a,b\n1,2\n", ",", ("a", "b")),
        ("a;b\n1,5;2\n", ";", ("a", "b")),
        ("a\tb\n1, x\t2\n", "\t", ("a", "b")),
        ("a|b\n1|2\n", "|", ("a", "b")),
        ('"a;b",c\n"x,y",2\n', ",", ("a;b", "c")),
        ("a,b;c\nx,1;2\nx,y,1;2\n", ";", ("a,b", "c")),
        ("sep=;\na;b\n1;2\n", ";", ("a", "b")),
        ("question\nHello, how are you?\nFine; thanks\n", None, ("question",)),
    ],
)
def test_the_delimiter_is_detected(text, delimiter, columns):
    table = read(text)

    assert (table.report.delimiter, table.columns) == (delimiter, columns)


def test_a_file_with_one_column_keeps_its_commas_and_says_so():
    table = read("question\nHello, how are you?\nFine\n")

    assert table.rows == [("Hello, how are you?",), ("Fine",)]
    assert [n.code for n in table.report.notices] == ["one_column"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_understood_and_kept_inside_quotes(end):
    table = read(f'a,b{end}1,"x{end}y"{end}2,z{end}')

    assert table.rows == [("1", f"x{end}y"), ("2", "z")]
    assert list(table.lines) == [2, 4]


def test_the_last_line_needs_no_end():
    assert read("a,b\n1,2").rows == [("1", "2")]


def test_an_empty_cell_is_the_empty_text_quoted_or_not():
    assert read('a,b,c\n,"",x\n').rows == [("", "", "x")]


def test_spaces_around_cells_stay_and_around_names_go():
    table = read(" a , b \n 1 , 2 \n")

    assert (table.columns, table.rows) == (("a", "b"), [(" 1 ", " 2 ")])


def test_blank_lines_are_left_out_and_lines_still_counted():
    table = read("\n\na,b\n\n1,2\n\n3,4\n")

    assert list(zip(table.lines, table.rows, strict=True)) == [(5, ("1", "2")), (7, ("3", "4"))]


def test_a_backslash_is_a_character_like_any_other():
    assert read("a,b\nc:\\x,\\n\n").rows == [("c:\\x", "\\n")]


def test_a_quote_inside_an_unquoted_cell_stays():
    assert read('size,n\n5" pipe,1\n').rows == [('5" pipe', "1")]


def test_line_separators_of_unicode_end_no_line():
    assert read("a,b\nx\u2028y\x0bz\x85,1\n").rows == [("x\u2028y\x0bz\x85", "1")]


def test_a_quote_that_is_never_closed_is_named_with_its_line_and_column():
    error = complaint('id,body\n1,fine\n2,"not closed\n3,x\n4,y\n')

    assert error.code == "unterminated_quote"
    assert "line 3, column 3" in error.message


def test_text_after_a_closed_quote_names_both_places():
    error = complaint('id,body\n1,"open\n2,"x"\n')

    assert error.code == "text_after_quote"
    assert "line 3, column 4" in error.message
    assert "opened in line 2, column 3" in error.message


def test_a_quote_escaped_by_a_backslash_is_explained():
    error = complaint('id,body\n1,"say \\"hi\\""\n')

    assert (error.code, '""' in error.hint) == ("text_after_quote", True)


@pytest.mark.parametrize("row", ["1,2,3", "1"])
def test_a_row_of_another_width_names_line_and_both_counts(row):
    error = complaint(f'a,b\n"x\ny",2\n{row}\n')

    assert error.code == "field_count"
    assert "line 4" in error.message
    assert "where the header has 2" in error.message


def test_a_title_above_the_header_is_explained():
    error = complaint("Report of June\na,b,c\n1,2,3\n4,5,6\n7,8,9\n")

    assert (error.code, "line 1" in error.message) == ("title_line", True)


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("a,b,a\n1,2,3\n", "duplicate_column", "columns 1 and 3"),
        ("a, a \n1,2\n", "duplicate_column", "columns 1 and 2"),
        ("a,,c\n1,2,3\n", "empty_column_name", "column 2"),
        ("a,b,\n1,2,3\n", "empty_column_name", "line 2"),
        (f"a,{'x' * 201}\n1,2\n", "long_column_name", "column 2"),
    ],
)
def test_a_bad_header_is_refused_with_its_column(text, code, part):
    error = complaint(text)

    assert (error.code, part in error.message) == (code, True)


def test_empty_columns_without_a_name_at_the_end_are_left_out():
    table = read("a,b,,\n1,2,,\n")

    assert (table.columns, table.rows) == (("a", "b"), [("1", "2")])
    assert [n.code for n in table.report.notices] == ["unnamed_columns"]


def test_a_header_of_numbers_is_doubted():
    assert [n.code for n in read("1,2\n3,4\n").report.notices] == ["numeric_header"]


def test_a_cell_longer_than_the_limit_of_the_csv_module_is_read():
    text = "x" * 200_000

    assert read(f"a,b\n{text},1\n").rows == [(text, "1")]
