"""Files that are no tables are refused by what they are, whatever their name says."""

import io
import pickle
import zipfile

import pytest

from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html>\n<html><body>Log in, please</body></html>", "a web page"),
        (b"\n <!-- proxy -->\n<HTML><head></head></HTML>", "a web page"),
        (b"\xef\xbb\xbf<html>\n<table><tr><td>1</td></tr></table>", "a web page"),
        ("<html>".encode("utf-16"), "a web page"),
        (b'<?xml version="1.0"?><rows/>', "an XML document"),
        (b"<svg xmlns='x'></svg>", "an XML document"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a PNG image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
        (b"GIF89a\x01\x00", "a GIF image"),
        (b"\x1f\x8b\x08\x00abc", "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c\x00", "a 7-Zip archive"),
        (b"SQLite format 3\x00\x10\x00", "a SQLite database"),
        (b"ARROW1\x00\x00", "an Arrow file"),
        (b"PARE\x00\x00PARE", "an encrypted Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "an old Excel"),
        (b"{\\rtf1 hello}", "a rich-text document"),
        (b"x" * 257 + b"ustar\x0000", "a tar archive"),
        (pickle.dumps({"a": [1]}, protocol=0), "a Python pickle"),
        (pickle.dumps({"a": [1]}, protocol=2), "a Python pickle"),
        (pickle.dumps({"a": [1]}), "a Python pickle"),
        (bytes(range(256)) * 4, "binary data"),
        (zipped(readme="x"), "a ZIP archive"),
        (zipped(**{"word/document.xml": "<x/>"}), "a Word document"),
        (zipped(**{"ppt/slides.xml": "<x/>"}), "a PowerPoint document"),
        (zipped(**{"mimetype": "x", "content.xml": "<x/>"}), "an OpenDocument file"),
        (zipped(**{"xl/workbook.bin": "x"}), "a binary Excel workbook"),
        (zipped(**{"archive/data.pkl": "x"}), "a packed Python pickle"),
        (zipped(**{"weights.npy": "x"}), "a NumPy archive"),
    ],
)
@pytest.mark.parametrize("filename", ["tickets.csv", "tickets.xlsx"])
def test_it_is_refused_by_what_it_is(content, what, filename):
    with pytest.raises(BakeoffError) as caught:
        read_table(content, filename=filename)

    assert caught.value.code == "not_a_table"
    assert what in caught.value.message


def test_a_pickle_is_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "opened"), "w")

    with pytest.raises(BakeoffError):
        read_table(pickle.dumps(Trap()), filename="tickets.csv")

    assert not (tmp_path / "opened").exists()


def test_a_cut_archive_is_damaged():
    with pytest.raises(BakeoffError) as caught:
        read_table(zipped(readme="x" * 1000)[:50], filename="tickets.xlsx")

    assert caught.value.code == "damaged_file"


@pytest.mark.parametrize(
    "text", ["question,answer\n<b>bold</b>,1\n", "a < b,c\n1,2\n", "<name>,x\n1,2\n", "PKW,x\n1,2\n"]
)
def test_text_that_only_resembles_markup_or_a_mark_is_a_table(text):
    assert read_table(text.encode(), filename="x").columns[1] in ("answer", "c", "x")
