"""JSON and JSON Lines → rows. Numbers keep their digits; nested values become canonical JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from experiments.datasets.cell_text import NumberLiteral, cell_text
from experiments.datasets.encodings import DecodedText, position
from experiments.datasets.table import OpenTable, ReportDraft, Row, column_names
from experiments.datasets.upload import UploadedFile
from experiments.errors import BakeoffError

_STARTS_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{\]"])')
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*+"|(?P<constant>NaN|-?Infinity)', re.DOTALL)
_WORDS = {list: "a list", dict: "an object", NumberLiteral: "a number", str: "a text", bool: "true or false"}
Located = tuple[int, dict[str, Any]]


class _RefusedValueError(Exception):
    """What is JSON to Python but not to the standard (NaN), or says one thing twice."""

    def __init__(self, message: str, *, is_constant: bool) -> None:
        super().__init__(message)
        self.is_constant = is_constant


def looks_like_json(start: str) -> bool:
    """Whether a text begins as a JSON list or object of ours would."""
    return _STARTS_JSON.match(start) is not None


def is_json_lines(text: DecodedText) -> bool:
    """Whether a text that begins with an object holds one object per line.

    One object alone is a line of JSONL, unless it wraps exactly one list of objects and is not named
    ``.jsonl``.
    """
    filled = (line for line in _newline_lines(text) if line.strip())
    first, second = next(filled, ""), next(filled, None)
    if first.lstrip().startswith("["):
        return text.file.ending() in ("jsonl", "ndjson") and second is not None and _is_json(first)
    if text.file.ending() in ("jsonl", "ndjson"):
        return True
    _refuse_crowded(text.file, first)
    try:
        value = _parse(first)
    except (ValueError, RecursionError, _RefusedValueError):
        return second is not None and second.lstrip().startswith("{")
    return second is not None or _wrapped_list(value) is None


def open_json_lines(text: DecodedText, draft: ReportDraft) -> OpenTable:
    """One row per line that is not blank; the columns are all keys in the order in which they appear.

    Raises:
        BakeoffError: ``bad_json`` with line and column, ``not_rows`` for a line that is no object.
    """
    return _open(text.file, lambda: _line_objects(text), "line", draft)


def open_json(text: DecodedText, draft: ReportDraft) -> OpenTable:
    """One row per object of the list, which may stand in an object as its only list (``{"data": […]}``).

    Raises:
        BakeoffError: ``bad_json`` with line and column, ``not_rows``.
    """
    whole = text.whole()
    _refuse_crowded(text.file, whole)
    try:
        value = _parse(whole)
    except json.JSONDecodeError as error:
        raise _bad_json(text.file, error, 0) from None
    except _RefusedValueError as error:
        raise _refused(text.file, error, whole, 0) from None
    except RecursionError:
        raise text.file.problem("bad_json", "the values are nested too deeply.") from None
    items = _rows_of(text.file, value)
    return _open(text.file, lambda: _item_objects(text.file, items), "item", draft)


def _open(
    file: UploadedFile, objects: Callable[[], Iterable[Located]], line_word: str, draft: ReportDraft
) -> OpenTable:
    names: dict[str, None] = {}
    for count, (_, item) in enumerate(objects(), start=1):
        names.update(dict.fromkeys(item))
        if count > file.limits.rows:
            break  # the rows are refused when they are read; nothing more is to be learned here
        if len(names) > file.limits.columns:
            break
    if not names:
        raise file.problem("no_rows", "the file holds no values.", "Write at least one object with a key.")
    columns = column_names(file, list(names), place="the keys")
    return OpenTable(columns, _rows(file, objects(), tuple(names), line_word), line_word, draft)


def _rows(
    file: UploadedFile, objects: Iterable[Located], names: tuple[str, ...], line_word: str
) -> Iterator[tuple[int, Row]]:
    for line, item in objects:
        place = f"{line_word} {line}"
        try:
            row = tuple([cell_text(item.get(name)) for name in names])
        except RecursionError:
            raise file.problem("bad_json", "the values are nested too deeply.", place=place) from None
        for name, cell in zip(names, row, strict=True):
            if cell:
                file.check_characters(cell, place=place, column_name=name)
        yield line, row


def _line_objects(text: DecodedText) -> Iterator[Located]:
    for number, line in enumerate(_newline_lines(text), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        _refuse_crowded(text.file, line)
        try:
            value = _parse(line)
        except json.JSONDecodeError as error:
            raise _bad_json(text.file, error, number - 1) from None
        except _RefusedValueError as error:
            raise _refused(text.file, error, line, number - 1) from None
        except RecursionError:
            raise text.file.problem("bad_json", "the values are nested too deeply.", place=place) from None
        if not isinstance(value, dict):
            what = f"this line holds {_WORDS.get(type(value), 'null')}, not an object {{…}}."
            raise text.file.problem("not_rows", what, "Write one object per line.", place=place)
        yield number, value


def _refuse_crowded(file: UploadedFile, text: str) -> None:
    """Raise TooLarge for a text of millions of tiny values, which would take a hundred times its size in memory."""
    most = file.limits.cells
    if len(text) > most and sum(map(text.count, ",[{")) > 2 * most:
        raise file.too_large("cells", "the values are far more", "Split the file or take a sample of its rows.")


def _newline_lines(text: DecodedText) -> Iterator[str]:
    r"""Lines that end with ``\n`` alone or ``\r\n``: a lone ``\r`` is white space in JSON."""
    kept = ""
    for part in text.lines():
        kept += part
        if part.endswith("\n"):
            yield kept
            kept = ""
    if kept:
        yield kept


def _item_objects(file: UploadedFile, items: list[Any]) -> Iterator[Located]:
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            what = f"this item is {_WORDS.get(type(item), 'null')}, not an object {{…}}."
            raise file.problem("not_rows", what, "Write a list of objects.", place=f"item {number}")
        yield number, item


def _rows_of(file: UploadedFile, value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        wrapped = _wrapped_list(value)
        if wrapped is not None:
            return wrapped
    what = f"the file holds {_WORDS.get(type(value), 'null')} where a list of objects is needed."
    hint = 'Write [{"column": "value"}, …], or an object that holds exactly one such list.'
    raise file.problem("not_rows", what, hint)


def _is_json(text: str) -> bool:
    try:
        _parse(text)
    except (ValueError, RecursionError, _RefusedValueError):
        return False
    return True


def _wrapped_list(value: object) -> list[Any] | None:
    """The only list of objects among the values of an object, if there is exactly one."""
    if not isinstance(value, dict):
        return None
    lists = [v for v in value.values() if isinstance(v, list) and v and all(isinstance(i, dict) for i in v)]
    return lists[0] if len(lists) == 1 else None


def _parse(text: str) -> Any:  # noqa: ANN401
    return _DECODER.decode(text)


def _each_key_once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedValueError(f"the key '{twice[:80]}' stands twice in one object", is_constant=False)
    return result


def _refuse_constant(name: str) -> Any:  # noqa: ANN401
    raise _RefusedValueError(f"{name} is not JSON; write null or a text", is_constant=True)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_each_key_once,
    parse_float=NumberLiteral,
    parse_int=NumberLiteral,
    parse_constant=_refuse_constant,
)


def _refused(file: UploadedFile, error: _RefusedValueError, text: str, lines_above: int) -> BakeoffError:
    """The complaint with the place of the constant; a key that stands twice is known by its line only."""
    constants = (m.start("constant") for m in _CONSTANT.finditer(text) if m["constant"])
    at = next(constants, None) if error.is_constant else None
    if at is None:
        place = f"line {lines_above + 1}" if "\n" not in text.rstrip() else None
        return file.problem("bad_json", f"{error}.", "Give each key of an object once.", place=place)
    line, column = position(text, at)
    return file.problem("bad_json", f"{error}.", place=f"line {line + lines_above}", column=column)


def _bad_json(file: UploadedFile, error: json.JSONDecodeError, lines_above: int) -> BakeoffError:
    reason = error.msg[0].lower() + error.msg[1:]
    return file.problem(
        "bad_json",
        f"this is not valid JSON ({reason}).",
        "JSON needs double quotes around keys and texts, commas between values, and none after the last.",
        place=f"line {error.lineno + lines_above}",
        column=error.colno,
    )
