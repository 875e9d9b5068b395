"""Bytes → text, streaming: byte order mark, UTF-8, UTF-16, then a guess that is always told to the owner."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from experiments.datasets.alphabets import could_be_meant
from experiments.datasets.content_kind import refuse_binary
from experiments.datasets.table import ReportDraft
from experiments.datasets.upload import UploadedFile
from experiments.errors import BakeoffError
from experiments.plain_text import name_of_character
from experiments.storable import UNSTORABLE

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAMES = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp932": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp949": "Korean (CP949)",
    "euc_jp": "EUC-JP (Japanese)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "mac_roman": "Mac Roman",
    "iso8859_2": "ISO 8859-2 (Central European)",
    "iso8859_5": "ISO 8859-5 (Cyrillic)",
    "iso8859_6": "ISO 8859-6 (Arabic)",
    "iso8859_7": "ISO 8859-7 (Greek)",
    "iso8859_15": "ISO 8859-15 (Western European)",
    "koi8_u": "KOI8-U (Cyrillic)",
    "mac_cyrillic": "Mac Cyrillic",
    "cp866": "DOS 866 (Cyrillic)",
    "cp850": "DOS 850 (Western European)",
    "cp852": "DOS 852 (Central European)",
}
"""The encodings that a text may be read as, and the names that people know them by."""

ENCODING_NAMES = {"utf-8": "UTF-8", **_NAMES}
_MUCH_HANGUL = 12
_VALID_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_BYTES = bytes(range(128, 256))
_CHUNK_BYTES = 1 << 20
_GUESS_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text file of known encoding whose every character was checked; nothing of it is kept decoded."""

    file: UploadedFile
    encoding: str
    mark_bytes: int

    def lines(self) -> Iterator[str]:
        r"""The lines with their ends as they are (``\n``, ``\r\n``, ``\r``), decoded as they are taken."""
        return iter(self._reader())

    def whole(self) -> str:
        """All of the text at once."""
        return self._reader().read()

    def start(self, characters: int) -> str:
        """The first characters."""
        return self._reader().read(characters)

    def _reader(self) -> io.TextIOWrapper:
        stream = io.BytesIO(self.file.content)  # shares the bytes, copies nothing
        stream.seek(self.mark_bytes)
        return io.TextIOWrapper(stream, encoding=self.encoding, newline="")


def decode(file: UploadedFile, draft: ReportDraft, *, encoding: str | None = None) -> DecodedText:
    """The text of a file in the encoding that was found, or in the one that the owner names.

    Raises:
        BakeoffError: ``bad_encoding`` or ``bad_character`` with line and column, ``not_a_table`` for binary data.
    """
    mark_bytes = 0
    if encoding is not None:
        found = _named_encoding(file, encoding)
    else:
        found, mark_bytes = _detected_encoding(file, draft)
    text = DecodedText(file, found, mark_bytes)
    draft.encoding = found
    _check(text)
    return text


def position(text: str, at: int) -> tuple[int, int]:
    r"""(line, column) of the character at an index, both from 1; ``\n``, ``\r\n`` and ``\r`` end a line."""
    ends = text.count("\n", 0, at) + text.count("\r", 0, at) - text.count("\r\n", 0, at)
    begin = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return ends + 1, at - begin + 1


def _named_encoding(file: UploadedFile, encoding: str) -> str:
    try:
        codec = codecs.lookup(encoding)
        "".encode(codec.name)  # refuses codecs that do not turn text into bytes, such as rot13
    except (LookupError, ValueError) as error:
        raise file.problem(
            "bad_encoding", f"'{encoding}' is not the name of an encoding.", "Try utf-8 or cp1252."
        ) from error
    return codec.name


def _detected_encoding(file: UploadedFile, draft: ReportDraft) -> tuple[str, int]:
    content = file.content
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name, len(mark)
    wide = _utf16_without_mark(content)
    if wide is not None:
        return wide, 0
    if _decodes(content, "utf-8") and b"\x00" not in content:
        return "utf-8", 0
    refuse_binary(file)
    if b"\x00" in content or _is_mostly_utf8(content):
        return "utf-8", 0  # the check then names the place of the first bad character
    _refuse_mixed(file)
    found, readings = _guessed_encoding(content)
    if found is None:
        raise _unclear(file, readings)
    draft.notice(
        "encoding",
        f"Read as {_NAMES.get(found, found)}, because it is not UTF-8. "
        "If letters look wrong, save the file as UTF-8 and upload it again.",
    )
    return found, 0


def _unclear(file: UploadedFile, readings: list[str]) -> BakeoffError:
    """The error ``bad_encoding`` for a text that is not UTF-8 and whose letters cannot be known from the bytes."""
    first = re.search(rb"[\x80-\xff]", file.content)
    line = file.content.count(b"\n", 0, first.start() if first else 0) + 1
    named = ", ".join(_NAMES[name] for name in readings[:4])
    what = "the text is not UTF-8" + (f", and could be {named}." if named else ", and its encoding cannot be told.")
    hint = f"Save it as UTF-8, or name its encoding (--encoding {readings[0] if readings else 'cp1252'})."
    return file.problem("bad_encoding", what, hint, place=f"line {line}")


def _utf16_without_mark(content: bytes) -> str | None:
    sample = content[:4096]
    half = max(len(sample) // 2, 1)
    first, second = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if second > 0.4 and first < 0.1:
        return "utf-16-le"
    if first > 0.4 and second < 0.1:
        return "utf-16-be"
    return None


def _decodes(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for begin in range(0, len(content), _CHUNK_BYTES):
            decoder.decode(content[begin : begin + _CHUNK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf8(content: bytes) -> bool:
    rest, valid = _VALID_MULTIBYTE.subn(b"", _sample_around_high_bytes(content))
    return valid > 4 * (len(rest) - len(rest.translate(None, _HIGH_BYTES)))


def _guessed_encoding(content: bytes) -> tuple[str | None, list[str]]:
    """(the encoding whose text no other one contradicts or None, all that give text which could be meant).

    Encodings that agree on every letter are one reading. A guess between different readings would be wrong for some
    short text, so there is none.
    """
    sample = _sample_around_high_bytes(content)
    readings: dict[str, list[str]] = {}
    for name in _NAMES:
        text = _decoded(sample, name)
        if text is not None and could_be_meant(text) and _decodes(content, name):
            readings.setdefault(text, []).append(name)
    names = [found[0] for found in readings.values()]
    if len(names) == 2 and "cp949" in names:  # Hangul without a Chinese character by chance: as good as impossible
        hangul = next(text for text, found in readings.items() if found[0] == "cp949")
        if len({c for c in hangul if "\uac00" <= c <= "\ud7a3"}) >= _MUCH_HANGUL:
            return "cp949", names
    return (names[0] if len(names) == 1 else None), names


def _decoded(sample: bytes, name: str) -> str | None:
    """The sample in an encoding; a character that the end of the sample cuts in two is left out."""
    try:
        return codecs.getincrementaldecoder(name)().decode(sample)
    except UnicodeDecodeError:
        return None


def _refuse_mixed(file: UploadedFile) -> None:
    """Raise BakeoffError ``bad_encoding`` where some lines are UTF-8 with letters beyond ASCII and others are not."""
    lines = [(n, line) for n, line in enumerate(file.content.split(b"\n"), start=1) if not line.isascii()]
    other = next((n for n, line in lines if not _decodes(line, "utf-8")), None)
    unicode = [(n, line) for n, line in lines if _decodes(line, "utf-8")]
    if other is None or not unicode:
        return
    # One character of two bytes can be UTF-8 by chance in East Asian encodings; words are not.
    words = any(len(_VALID_MULTIBYTE.findall(line)) > 2 for _, line in unicode)
    if words or len(unicode) >= 0.1 * len(lines):
        what = f"this line is not UTF-8, although line {unicode[0][0]} is; the file mixes encodings."
        hint = "Save the whole file as UTF-8, after its letters were put right in the program that wrote it."
        raise file.problem("bad_encoding", what, hint, place=f"line {other}")


def _sample_around_high_bytes(content: bytes) -> bytes:
    if len(content) <= _GUESS_BYTES:
        return content
    first = re.search(rb"[\x80-\xff]", content)
    begin = max(0, (first.start() if first else 0) - 1000)
    return content[begin : begin + _GUESS_BYTES]


def _check(text: DecodedText) -> None:
    decoder = codecs.getincrementaldecoder(text.encoding)()
    content = text.file.content
    for begin in range(text.mark_bytes, len(content) + 1, _CHUNK_BYTES):
        end = begin + _CHUNK_BYTES
        try:
            chunk = decoder.decode(content[begin:end], final=end > len(content))
        except UnicodeDecodeError as error:
            fed = min(end, len(content))
            raise _bad_bytes(text, fed - len(error.object) + error.start) from None
        if UNSTORABLE.search(chunk):
            raise _bad_character(text)


def _bad_character(text: DecodedText) -> Exception:
    whole = text.whole()
    found = UNSTORABLE.search(whole)
    assert found is not None
    line, column = position(whole, found.start())
    what = f"here stands {name_of_character(found[0])}."
    hint = "Remove that character; it is invisible and cannot be stored."
    return text.file.problem("bad_character", what, hint, place=f"line {line}", column=column)


def _bad_bytes(text: DecodedText, at: int) -> Exception:
    before = text.file.content[text.mark_bytes : at].decode(text.encoding, "replace")
    line, column = position(before, len(before))
    bad = text.file.content[at : at + 1].hex().upper()
    what = f"the byte 0x{bad} is not {text.encoding.upper()}, although the rest of the file is."
    hint = "Correct that character, or save the whole file as UTF-8."
    return text.file.problem("bad_encoding", what, hint, place=f"line {line}", column=column)
