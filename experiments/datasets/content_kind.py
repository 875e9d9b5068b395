"""What a file is by its first bytes. Kinds that hold no table are refused by what they are."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Literal

from experiments.datasets.upload import UploadedFile
from experiments.errors import BakeoffError

ContentKind = Literal["parquet", "xlsx", "text"]
READABLE = "Upload a CSV, TSV, JSONL, JSON, Excel (.xlsx) or Parquet file."

_FIRST_BYTES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a sound, film or image file"),
    (b"OggS", "a sound file"),
    (b"ID3", "a sound file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"PARE", "an encrypted Parquet file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "a rich-text document"),
    (b"%!PS", "a PostScript document"),
    (b"\x00asm", "a program"),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_TEXT_PICKLE = re.compile(rb"(?:\([dlt]p?\d*\n|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n)")
_MARKUP = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?P<tag>!doctype|html|head|body|\?xml|svg|script|meta|title|table|style|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_ZIP_PARTS = (
    (re.compile(r"^xl/workbook\.bin$"), "a binary Excel workbook (.xlsb)"),
    (re.compile(r"^word/"), "a Word document"),
    (re.compile(r"^ppt/"), "a PowerPoint document"),
    (re.compile(r"^content\.xml$"), "an OpenDocument file (.ods, .odt)"),
    (re.compile(r"(?:^|/)data\.pkl$"), "a packed Python pickle, which can run code when opened"),
    (re.compile(r"\.npy$"), "a NumPy archive"),
)
_CONTROL_BYTES = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1b")


def content_kind(file: UploadedFile) -> ContentKind:
    """``parquet``, ``xlsx`` or ``text``.

    Raises:
        BakeoffError: ``empty_file``, or ``not_a_table`` with what the file is.
    """
    content = file.content
    if not content.strip():
        raise file.problem("empty_file", "the file is empty.", READABLE)
    if content.startswith(b"PAR1"):
        return "parquet"
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(file)
    if content.startswith(_OLD_OFFICE):
        what = "an old Excel or Office document, or a workbook locked by a password"
        raise refusal(file, what, "Save it as .xlsx without a password, and upload that.")
    for start, name in _FIRST_BYTES:
        if content.startswith(start):
            raise refusal(file, name)
    if content[257:262] == b"ustar":
        raise refusal(file, "a tar archive")
    if _is_pickle(content):
        raise refusal(file, "a Python pickle, which can run code when opened")
    return "text"


def refusal(file: UploadedFile, what: str, hint: str = READABLE) -> BakeoffError:
    """The error ``not_a_table``: this file is something else; ``what`` begins with its article."""
    return file.problem("not_a_table", f"this is {what}, not a table.", hint)


def refuse_markup(file: UploadedFile, start: str) -> None:
    """Raise BakeoffError ``not_a_table`` when the text begins as HTML or XML does."""
    found = _MARKUP.match(start)
    if found is None:
        return
    if found["tag"].lower() in ("?xml", "svg"):
        raise refusal(file, "an XML document")
    raise refusal(file, "a web page (HTML)", "Perhaps a login page was saved instead of the file; download it again.")


def refuse_binary(file: UploadedFile) -> None:
    """Raise BakeoffError ``not_a_table`` when too many bytes of the beginning are control characters."""
    start = file.content[:65_536]
    controls = len(start) - len(start.translate(None, _CONTROL_BYTES))
    if controls > 4 and controls > 0.01 * len(start):
        raise refusal(file, "binary data of an unknown kind")


def _is_pickle(content: bytes) -> bool:
    if not content.endswith(b"."):
        return False
    return bool(_BINARY_PICKLE.match(content) or _TEXT_PICKLE.match(content))


def _zip_kind(file: UploadedFile) -> ContentKind:
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise file.problem(
            "damaged_file",
            "this is a ZIP or Excel file that was cut off or damaged.",
            "Save or download it again.",
        ) from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise refusal(file, _zip_name(names))


def _zip_name(names: set[str]) -> str:
    for part, what in _ZIP_PARTS:
        if any(part.search(name) for name in names):
            return what
    return "a ZIP archive"
