"""Bytes → text, streaming: byte order mark, UTF-8, UTF-16, then a guess that is always told to the owner."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from experiments.datasets.content_kind import refusal, refuse_binary
from experiments.datasets.table import ReportDraft
from experiments.datasets.upload import UploadedFile
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
}
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿŒœĞİŞğış€‘’“”–—…«»°£§©®¿¡ºª·´\u00a0±µ²³½¼¾×÷™•„‚‹›"
)
_IMPLAUSIBLE = re.compile(r"[^\W\d_a-zA-Z]{4}|[^\W\d_][¿¡²³¼½¾±×÷][^\W\d_]")
"""Four accented letters in a row, or a sign inside a word: what other alphabets look like when read as Western."""

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
    found = _guessed_encoding(content)
    if found is None:
        raise refusal(file, "text in an unknown encoding, or binary data", "Save it as UTF-8 and upload it again.")
    draft.notice(
        "encoding",
        f"Read as {_NAMES.get(found, found)}, because it is not UTF-8. "
        "If letters look wrong, save the file as UTF-8 and upload it again.",
    )
    return found, 0


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


def _guessed_encoding(content: bytes) -> str | None:
    """The likeliest old encoding.

    charset-normalizer alone calls short Western texts Baltic or Cyrillic, so Windows-1252 wins whenever it
    gives plausible letters, unless the language model prefers another one clearly.
    """
    import charset_normalizer

    sample = _sample_around_high_bytes(content)
    western = _looks_western(sample, "cp1252")
    names = [name for name in _NAMES if name not in ("cp1252", "cp1254") or _looks_western(sample, name)]
    matches = list(charset_normalizer.from_bytes(sample, cp_isolation=names))
    coherence = {name: match.coherence for match in matches for name in match.could_be_from_charset}
    ranked = [match.encoding for match in matches]
    if western and max(coherence.values(), default=0.0) <= coherence.get("cp1252", 0.0) + 0.05:
        ranked.insert(0, "cp1252")
    return next((name for name in ranked if _decodes(content, name)), None)


def _sample_around_high_bytes(content: bytes) -> bytes:
    if len(content) <= _GUESS_BYTES:
        return content
    first = re.search(rb"[\x80-\xff]", content)
    begin = max(0, (first.start() if first else 0) - 1000)
    return content[begin : begin + _GUESS_BYTES]


def _looks_western(sample: bytes, encoding: str) -> bool:
    """Whether the letters are those of Western European languages and Turkish, and stand where letters stand."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    foreign = {c for c in text if ord(c) > 127}
    letters = sum(c.isalpha() for c in text)
    accents = sum(c.isalpha() and ord(c) > 127 for c in text)
    return foreign <= _WESTERN and accents <= 0.4 * max(letters, 1) and not _IMPLAUSIBLE.search(text)


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
