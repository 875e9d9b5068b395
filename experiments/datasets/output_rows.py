"""One row of a table of recorded answers → one output with its scores and ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from experiments.datasets.matching import nearest
from experiments.datasets.numbers_in_text import is_not_finite, number_of
from experiments.datasets.output_columns import OutputColumns, not_finite
from experiments.datasets.table import Table
from experiments.errors import BakeoffError
from experiments.value_ranges import ANY
from experiments.vocabulary import FailureKind, OutputStatus, ResponseClass

_OK_WORDS = ("ok", "success", "succeeded", "done", "finished", "refused")
_FAILURE_KINDS = frozenset(kind.value for kind in FailureKind)
_FAILED_WORDS = ("failed", "failure", "error", "skipped", "timeout")


@dataclass(frozen=True, slots=True)
class ImportedRating:
    """A human score of one output; ``rater_id`` is None where the file does not tell who rated."""

    metric: str
    rater_id: str | None
    value: float


@dataclass(frozen=True, slots=True)
class ImportedOutput:
    """One answer, or the reason why there is none (``status`` failed; the text is then empty).

    ``example`` is a position in ``ImportedOutputs.examples``, ``repetition`` counts from 0. Measures that the
    file does not give are None. ``scores`` holds the metrics that this output has a value for.
    """

    example: int
    variant: str
    repetition: int
    status: OutputStatus
    text: str
    model: str | None
    error_kind: FailureKind | None
    error_message: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    latency_ms: float | None
    first_token_ms: float | None
    finish_reason: str | None
    response_class: ResponseClass | None
    scores: Mapping[str, float]
    ratings: tuple[ImportedRating, ...]


class OutputRows:
    """The rows of a table, read by role; every complaint names the place of the row."""

    def __init__(self, table: Table, columns: OutputColumns) -> None:
        self._table = table
        self._columns = columns
        self._at = {role: table.columns.index(column) for role, column in columns.known.items()}
        self._scores = {metric: table.columns.index(column) for metric, column in columns.scores.items()}
        self._ratings = {metric: table.columns.index(column) for metric, column in columns.ratings.items()}

    def required(self, index: int, role: str) -> str:
        """The text of a cell that may not be empty. Raises BakeoffError ``missing_value``."""
        cell = self.cell(index, role)
        if cell is None or not cell.strip():
            what = f"{self._table.place(index)} has no {role}."
            raise BakeoffError("missing_value", what, f"Every row needs a value in '{self._columns.known[role]}'.")
        return cell

    def cell(self, index: int, role: str) -> str | None:
        """The cell of a role; None when it is missing or the file has no such column."""
        at = self._at.get(role)
        return None if at is None else self._table.rows[index][at]

    def repetition(self, index: int) -> int:
        """The number in ``repetition``, 0 where there is none."""
        return self._count(index, "repetition") or 0

    def output(self, index: int, *, example: int, variant: str, repetition: int) -> ImportedOutput:
        """The output of a row.

        Raises:
            BakeoffError: ``bad_number``, ``not_finite`` or ``unknown_status``.
        """
        text = self.cell(index, "output")
        status, kind, message = self._status(index, text)
        return ImportedOutput(
            example=example,
            variant=variant,
            repetition=repetition,
            status=status,
            text=text if text is not None and status is OutputStatus.OK else "",
            model=self.cell(index, "model") or None,
            error_kind=kind,
            error_message=message,
            prompt_tokens=self._count(index, "prompt_tokens"),
            completion_tokens=self._count(index, "completion_tokens"),
            cost_usd=self._measure(index, "cost_usd"),
            latency_ms=self._measure(index, "latency_ms"),
            first_token_ms=self._measure(index, "first_token_ms"),
            finish_reason=self.cell(index, "finish_reason") or None,
            response_class=self._response_class(index) if status is OutputStatus.OK else None,
            scores=self._numbers(index, self._scores),
            ratings=self._rated(index),
        )

    def merged(self, first: ImportedOutput, index: int, again: ImportedOutput) -> ImportedOutput:
        """The first output with what another row of the same place adds: measures, scores, ratings.

        Raises:
            BakeoffError: ``same_output_twice`` when the two rows disagree about anything.
        """
        added: dict[str, object] = {}
        for name in (f.name for f in fields(ImportedOutput) if f.name not in ("scores", "ratings")):
            old, new = getattr(first, name), getattr(again, name)
            if old is None:
                added[name] = new
            elif new is not None and new != old:
                raise self._twice(index, first, "output" if name == "text" else name)
        for metric, value in again.scores.items():
            if first.scores.get(metric, value) != value:
                raise self._twice(index, first, metric)
        scores = {**first.scores, **again.scores}
        ratings = self._added_ratings(index, first, again.ratings)
        return replace(first, **added, scores=scores, ratings=ratings)  # type: ignore[arg-type]

    def _added_ratings(
        self, index: int, first: ImportedOutput, more: tuple[ImportedRating, ...]
    ) -> tuple[ImportedRating, ...]:
        """All ratings; those of one rater may be repeated, those of nobody known each count."""
        ratings = list(first.ratings)
        for rating in more:
            same = [r for r in ratings if r.rater_id and (r.metric, r.rater_id) == (rating.metric, rating.rater_id)]
            if same and same[0].value != rating.value:
                raise self._twice(index, first, f"{rating.metric} by {rating.rater_id}")
            if not same:
                ratings.append(rating)
        return tuple(ratings)

    def _twice(self, index: int, first: ImportedOutput, what: str) -> BakeoffError:
        where = f"{self._table.place(index)} repeats {self._columns.known['example_id']} and variant"
        message = f"{where} '{first.variant}' of an earlier row, with a different {what}."
        hint = "Number repeated answers in a column 'repetition', or remove one of the rows."
        return BakeoffError("same_output_twice", message, hint)

    def _response_class(self, index: int) -> ResponseClass | None:
        """What kind of answer it is where our own export says so; None where another file says something else."""
        word = self.cell(index, "response_class")
        return ResponseClass(word) if word in set(ResponseClass) else None

    def _status(self, index: int, text: str | None) -> tuple[OutputStatus, FailureKind | None, str | None]:
        word = (self.cell(index, "status") or "").strip().lower()
        if word and word not in (*_OK_WORDS, *_FAILED_WORDS):
            near = nearest(word, (*_OK_WORDS, *_FAILED_WORDS))
            what = f"{self._table.place(index)}: '{word[:40]}' is not a status."
            raise BakeoffError("unknown_status", what, f"Did you mean '{near}'?" if near else "Use ok or failed.")
        kind = (self.cell(index, "error_kind") or "").strip()
        message = (self.cell(index, "error_message") or "").strip()
        failed = word in _FAILED_WORDS or text is None or (not text and bool(kind or message))
        if not failed:
            return OutputStatus.OK, None, None
        if kind in _FAILURE_KINDS:
            return OutputStatus.FAILED, FailureKind(kind), message or None
        told = ": ".join(part for part in (kind, message) if part)
        return OutputStatus.FAILED, FailureKind.IMPORTED, told or "the file holds no output"

    def _count(self, index: int, role: str) -> int | None:
        value = self._measure(index, role)
        if value is None or value.is_integer():
            return None if value is None else int(value)
        raise self._bad_number(index, self._columns.known[role], "a whole number")

    def _measure(self, index: int, role: str) -> float | None:
        at = self._at.get(role)
        value = None if at is None else self._number(index, at)
        if value is not None and value < 0:
            raise self._bad_number(index, self._columns.known[role], "at least 0")
        return value

    def _numbers(self, index: int, columns: Mapping[str, int]) -> dict[str, float]:
        found = ((metric, self._number(index, at)) for metric, at in columns.items())
        return {metric: value for metric, value in found if value is not None}

    def _rated(self, index: int) -> tuple[ImportedRating, ...]:
        rater = self.cell(index, "rater_id") or None
        numbers = self._numbers(index, self._ratings)
        return tuple(ImportedRating(metric, rater, value) for metric, value in numbers.items())

    def _number(self, index: int, at: int) -> float | None:
        cell = self._table.rows[index][at]
        if cell is None or not cell.strip():
            return None
        value = number_of(cell)
        name = self._table.columns[at]
        if value is not None and not ANY.holds(value):
            raise self._bad_number(index, name, f"within {ANY}")
        if value is not None:
            return value
        raise (
            not_finite(self._table, index, name) if is_not_finite(cell) else self._bad_number(index, name, "a number")
        )

    def _bad_number(self, index: int, column: str, wanted: str) -> BakeoffError:
        cell = self._table.rows[index][self._table.columns.index(column)] or ""
        what = f"{self._table.place(index)}: '{column}' holds '{' '.join(cell.split())[:40]}'."
        return BakeoffError("bad_number", what, f"It must be {wanted}, or empty.")
