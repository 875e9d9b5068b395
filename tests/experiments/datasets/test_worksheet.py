"""XLSX: the text a person sees, formulas by their stored result, bombs refused before they unfold."""

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.styles import numbers

from experiments.datasets.limits import FileLimits
from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError, TooLarge


def saved(book):
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*rows, number_format=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if number_format:
        book.active["A2"].number_format = number_format
    return saved(book)


def repacked(content, edit):
    """The archive with each member passed through ``edit(name, bytes)``."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, edit(name, old.read(name)))
    return file.getvalue()


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def with_shared_strings(*texts):
    """A workbook as spreadsheet programs write it: one column whose cells point into a list of texts."""
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{n - 1}</v></c></row>' for n in range(1, len(texts) + 1))
    strings = "".join(f'<si><t xml:space="preserve">{text}</t></si>' for text in texts)
    sheet = f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>"
    shared = f"<sst {MAIN}>{strings}</sst>"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"

    def edit(name, member):
        if name == "xl/worksheets/sheet1.xml":
            return sheet.encode()
        if name == "[Content_Types].xml":
            override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
            return re.sub(rb'<Override PartName="/xl/sharedStrings.xml"[^>]*/>', b"", member).replace(
                b"</Types>", override.encode()
            )
        if name == "xl/_rels/workbook.xml.rels":
            relation = f'<Relationship Id="rId99" Type="{link}" Target="/xl/sharedStrings.xml"/></Relationships>'
            return member.replace(b"</Relationships>", relation.encode())
        return shared.encode() if name == "xl/sharedStrings.xml" else member

    content = workbook(["a"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        has_strings = "xl/sharedStrings.xml" in archive.namelist()
    if not has_strings:
        file = io.BytesIO(content)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("xl/sharedStrings.xml", "")
        content = file.getvalue()
    return repacked(content, edit)


def read(content, **options):
    return read_table(content, filename="tickets.xlsx", **options)


def complaint(content, **options):
    with pytest.raises(BakeoffError) as caught:
        read(content, **options)
    return caught.value


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (7, None, "7"),
        (7.0, None, "7"),
        (-0.5, None, "-0.5"),
        (0.1 + 0.2, None, "0.3"),
        (123456789012, None, "123456789012"),
        (501, "00000", "00501"),
        (7, "0.00", "7.00"),
        (2.675, "0.00", "2.68"),
        (0.25, numbers.FORMAT_PERCENTAGE, "25%"),
        (0.256, numbers.FORMAT_PERCENTAGE_00, "25.60%"),
        (1234.5, "#,##0.00 [$€-407]", "1234.5"),
        (True, None, "TRUE"),
        (date(2026, 1, 31), None, "2026-01-31"),
        (datetime.fromisoformat("2026-01-31T13:30"), None, "2026-01-31 13:30:00"),
        (datetime.fromisoformat("2026-01-31"), '"on" d. mmmm yyyy', "2026-01-31"),
        (datetime.fromisoformat("2026-01-31"), "[$-407]yyyy-mm-dd", "2026-01-31"),
        (time(9, 5), None, "09:05:00"),
        (timedelta(hours=26, minutes=30), None, "26:30:00"),
        ("007", None, "007"),
        ("NA", None, "NA"),
        (" x ", None, " x "),
        ("line\nbreak", None, "line\nbreak"),
    ],
)
def test_a_cell_becomes_the_text_a_person_sees(value, number_format, text):
    assert read(workbook(["a"], [value], number_format=number_format)).rows == [(text,)]


def test_an_empty_cell_is_missing_and_blank_rows_are_left_out():
    table = read(workbook(["a", "b"], ["1", None], [None, None], [None, "2"]))

    assert table.rows == [("1", None), (None, "2")]
    assert table.place(1) == "row 4"


def test_the_header_is_the_first_row_that_is_not_blank():
    table = read(workbook([None], [None, None], ["a", "b", None], ["1", "2"]))

    assert (table.columns, table.place(0)) == (("a", "b"), "row 4")


def test_a_value_without_a_header_is_refused_with_its_column():
    error = complaint(workbook(["a", "b"], ["1", "2"], ["1", "2", None, "x"]))

    assert (error.code, "row 3" in error.message, "column 4" in error.message) == ("empty_column_name", True, True)


def test_the_first_visible_sheet_is_read_and_the_others_are_told():
    book = openpyxl.Workbook()
    book.active.title = "Hidden"
    book.active.sheet_state = "hidden"
    for title in ("Tickets", "Notes"):
        book.create_sheet(title).append(["a"])
        book[title].append([title])

    table = read(saved(book))

    assert (table.report.sheet, table.rows) == ("Tickets", [("Tickets",)])
    assert ["Notes" in n.message for n in table.report.notices] == [True]


def with_results(content, results):
    """openpyxl writes formulas without results; a spreadsheet program stores one beside each."""

    def edit(name, member):
        if name != "xl/worksheets/sheet1.xml":
            return member
        text = member.decode()
        for cell, result in results.items():
            text = re.sub(rf'(<c r="{cell}"[^>]*?)( t="\w+")?>(<f>.*?</f>)<v ?/>', rf"\1>\3<v>{result}</v>", text)
        return text.encode()

    return repacked(content, edit)


def test_a_formula_gives_its_stored_result():
    content = with_results(workbook(["a", "b"], [2, "=A2*2"], [3, "=A3*2"]), {"B2": "4", "B3": "6"})

    table = read(content)

    assert table.rows == [("2", "4"), ("3", "6")]
    assert [n.code for n in table.report.notices] == ["formulas"]


def test_a_formula_without_a_stored_result_is_refused_with_its_cell():
    error = complaint(workbook(["a", "b"], [2, "=A2*2"]))

    assert (error.code, "B2" in error.message) == ("formula_without_result", True)


def test_an_error_value_stays_what_is_shown_and_is_told():
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active["A2"].value = "#DIV/0!"
    book.active["A2"].data_type = "e"

    table = read(saved(book))

    assert (table.rows, [n.code for n in table.report.notices]) == ([("#DIV/0!",)], ["error_values"])


def test_shared_texts_are_read_exactly():
    assert read(with_shared_strings("a", " NA ", "007", "_x000D_")).rows == [(" NA ",), ("007",), ("\r",)]


def test_an_escaped_nul_is_refused():
    assert complaint(with_shared_strings("a", "x_x0000_y")).code == "bad_character"


def test_a_wrong_dimension_in_the_file_is_not_believed():
    content = repacked(
        workbook(["a", "b"], ["1", "2"], ["3", "4"]),
        lambda name, member: member.replace(b'ref="A1:B3"', b'ref="A1"') if "sheet1" in name else member,
    )

    assert read(content).rows == [("1", "2"), ("3", "4")]


def test_a_cell_in_the_last_column_of_the_sheet_is_refused_quickly():
    book = openpyxl.Workbook()
    book.active.append(["a"])
    for row in range(2, 200):
        book.active.cell(row, 16_384).value = "x"

    error = complaint(saved(book))

    assert (error.code, "column 16384" in error.message) == ("empty_column_name", True)


def test_cells_that_are_only_formatted_are_nothing():
    book = openpyxl.Workbook()
    for row in (["a"], ["1"]):
        book.active.append(row)
    book.active.cell(1, 16_384).number_format = "0.00"
    book.active.cell(2, 16_384).number_format = "0.00"

    assert read(saved(book)).rows == [("1",)]


def test_a_sheet_formatted_without_end_is_refused():
    book = openpyxl.Workbook()
    for row in range(1, 20):
        book.active.append(["a"])
        book.active.cell(row, 1000).number_format = "0.00"

    assert "formatted" in complaint(saved(book), limits=FileLimits(cells=1000)).message


def test_too_many_columns_are_refused():
    assert isinstance(complaint(workbook([f"c{n}" for n in range(300)], ["1"])), TooLarge)


def test_a_row_number_beyond_any_sheet_is_refused():
    content = repacked(
        workbook(["a"], ["1"]),
        lambda name, member: re.sub(rb'<row r="2"', b'<row r="99999999999"', member) if "sheet1" in name else member,
    )

    assert complaint(content).code == "damaged_file"


def test_a_workbook_that_unpacks_beyond_the_limit_is_refused_unread():
    error = complaint(workbook(["a"], ["x" * 10_000]), limits=FileLimits(decoded_bytes=5_000))

    assert (isinstance(error, TooLarge), "(decoded_bytes)" in error.message) == (True, True)


def test_a_zip_bomb_is_refused_by_its_ratio():
    def edit(name, member):
        return member + b" " * 30_000_000 if name == "xl/styles.xml" else member

    error = complaint(repacked(workbook(["a"], ["1"]), edit))

    assert (isinstance(error, TooLarge), "(compression_ratio)" in error.message) == (True, True)


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "docProps/app.xml"])
def test_entities_that_could_explode_are_refused(member):
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><'

    def edit(name, old):
        return re.sub(rb"<(?=\w)", entities, old, count=1) if name == member else old

    error = complaint(repacked(workbook(["a"], ["1"]), edit))

    assert (error.code, "entities" in error.message) == ("damaged_file", True)


@pytest.mark.parametrize(
    "member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "[Content_Types].xml"]
)
def test_a_damaged_part_is_refused(member):
    content = repacked(workbook(["a"], ["1"]), lambda name, old: old[: len(old) // 2] if name == member else old)

    assert complaint(content).code == "damaged_file"


def test_an_empty_sheet_is_refused():
    assert complaint(workbook()).code == "empty_worksheet"
