"""Scorers that are not ours: Python files in a folder, and the entry points ``bakeoff.scorers`` of installed packages.

None of their code runs in this process. Each has a process of its own without the environment's keys, under a time
and a memory limit; a hang, a crash or a leak there costs the scores of some rows, not the run. That guards against
mistakes, not against malice: anybody who may write into the folder may run code on this machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from experiments.errors import BakeoffError
from experiments.scoring import registry
from experiments.scoring.binding import Entry
from experiments.scoring.bound_scorer import BoundScorer
from experiments.scoring.context import ScoringContext
from experiments.scoring.custom_messages import context_message, description_from, entry_message, score_from
from experiments.scoring.custom_process import ProcessLimits, ScorerProcess, Unanswered
from experiments.scoring.reasons import one_line, quote
from experiments.scoring.registry import ScorerDescription
from experiments.vocabulary import Direction, MetricKind, Score, content_hash

ENTRY_POINTS = "bakeoff.scorers"
LARGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class CustomSource:
    """Where a scorer's code is: the text of a file, or an entry point. ``revision`` changes whenever it does."""

    name: str
    revision: str
    load: dict[str, str]


@dataclass(frozen=True, slots=True)
class BrokenScorer:
    """A custom scorer that cannot be used, and why in one line."""

    name: str
    reason: str


class CustomScorers:
    """The scorers of a folder (a file ``shouting.py`` holds the scorer ``shouting``) and of installed packages.

    Close it, or use it in a ``with``, to end the processes. A file's version is its declared one and the hash of its
    content: an edited file never mixes with its earlier scores. A file cannot import its neighbours.
    """

    def __init__(
        self, folder: Path | None, *, limits: ProcessLimits | None = None, with_entry_points: bool = True
    ) -> None:
        """Raises BakeoffError ``no_scorer_folder`` when the folder does not exist."""
        if folder is not None and not folder.is_dir():
            raise BakeoffError("no_scorer_folder", f"There is no folder {quote(folder.name)} with scorers.")
        self._folder = folder
        self._limits = limits or ProcessLimits()
        self._with_entry_points = with_entry_points
        self._processes: dict[str, ScorerProcess] = {}

    def __enter__(self) -> CustomScorers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all processes; bound scorers start theirs again when used."""
        for process in self._processes.values():
            process.close()

    def names(self) -> tuple[str, ...]:
        """The names on offer, files first, each group sorted. Nothing is loaded."""
        points = sorted(point.name for point in self._entry_points())
        return tuple(dict.fromkeys([*sorted(self._files()), *points]))

    def describe_all(self) -> tuple[ScorerDescription | BrokenScorer, ...]:
        """Each scorer in words, or why it cannot be used. Starts one process for each."""
        return tuple(self._described(name) for name in self.names())

    def bind(self, entry: Entry) -> BoundScorer:
        """The scorer with the entry's options.

        Raises:
            BakeoffError: ``unknown_scorer``, ``broken_scorer``, or as the options of built-in ones.
        """
        source = self._source(entry.scorer)
        process = self._process(source)
        told = self._asked(process, source.name, {"do": "bind", "entry": entry_message(entry)})
        version = f"{told['version']}+{source.revision}"
        return BoundScorer(
            metric=entry.metric,
            scorer=source.name,
            version=version,
            kind=MetricKind(told["kind"]),
            direction=Direction(told["direction"]),
            unit=str(told["unit"]),
            needs=frozenset(told["needs"]),
            columns=tuple(told["columns"]),
            options=told["options"],
            threshold=None,  # applied over there
            fingerprint=content_hash([source.name, version, told["options"], entry.threshold]),
            function=partial(_score_elsewhere, process, entry_message(entry)),
            blocking=True,
        )

    def _described(self, name: str) -> ScorerDescription | BrokenScorer:
        if registry.built_in(name) is not None:
            return BrokenScorer(name, "a built-in scorer has that name")
        try:
            source = self._source(name)
            told = self._asked(self._process(source), name, {"do": "describe"})
            return description_from(told, revision=source.revision)
        except BakeoffError as error:
            return BrokenScorer(name, error.message)

    def _asked(self, process: ScorerProcess, name: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            told = process.ask(request)
        except Unanswered as error:
            raise BakeoffError("broken_scorer", f"The scorer {quote(name)} cannot be used: {error}.") from None
        if "problem" in told:
            raise BakeoffError(*(one_line(str(part)) for part in told["problem"]))
        return told

    def _process(self, source: CustomSource) -> ScorerProcess:
        return self._processes.setdefault(
            f"{source.name} {source.revision}", ScorerProcess(source.load, limits=self._limits)
        )

    def _source(self, name: str) -> CustomSource:
        file = self._files().get(name)
        if file is not None:
            return _file_source(name, file)
        for point in self._entry_points():
            if point.name == name:
                version = f"{point.dist.name}-{point.dist.version}" if point.dist else "unversioned"
                return CustomSource(name, version, {"name": name, "entry_point": point.value})
        raise BakeoffError("unknown_scorer", f"There is no scorer {quote(name)}.")

    def _files(self) -> dict[str, Path]:
        if self._folder is None:
            return {}
        return {
            file.stem: file for file in self._folder.glob("*.py") if file.stem.isidentifier() and file.stem[0] != "_"
        }

    def _entry_points(self) -> list[metadata.EntryPoint]:
        return list(metadata.entry_points(group=ENTRY_POINTS)) if self._with_entry_points else []


def _file_source(name: str, file: Path) -> CustomSource:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BakeoffError("broken_scorer", f"The scorer file '{file.name}' cannot be read as UTF-8 text.") from None
    if len(content) > LARGEST_FILE:
        raise BakeoffError("broken_scorer", f"The scorer file '{file.name}' is larger than {LARGEST_FILE:,} bytes.")
    return CustomSource(name, hashlib.sha256(content).hexdigest()[:12], {"name": name, "code": text})


def _score_elsewhere(process: ScorerProcess, entry: dict[str, Any], ctx: ScoringContext) -> Score:
    try:
        return score_from(process.ask({"do": "score", "entry": entry, "context": context_message(ctx)}))
    except Unanswered as error:
        return Score(None, str(error))
