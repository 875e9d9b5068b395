"""An entry of an experiment file's ``scorers:`` → a scorer ready for many outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from experiments.errors import BakeoffError
from experiments.experiment_file import ScorerEntry, plain_name
from experiments.plans.plan import SYSTEM_METRICS
from experiments.scoring import registry
from experiments.scoring.bound_scorer import BoundScorer, Threshold
from experiments.scoring.registry import Scorer
from experiments.scoring.right_answers import of_any_answer, on_canonical_texts
from experiments.vocabulary import Direction, MetricKind, Score, content_hash

JUDGE = "judge"
SIMILARITY = "semantic_similarity"
_BY_MODELS = (JUDGE, SIMILARITY)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry taken apart: ``given`` holds the options, or the bare value of the short form, or nothing (None)."""

    scorer: str
    given: Any
    metric: str
    threshold: float | None

    def options(self, main: str | None) -> dict[str, Any]:
        """The options by name; a bare value belongs to ``main``. Raises BakeoffError ``bad_scorer``."""
        if self.given is None:
            return {}
        if isinstance(self.given, dict):
            return self.given
        if main is None:
            raise BakeoffError(
                "bad_scorer", f"The scorer '{self.scorer}' needs its options by name.", _form(self.scorer)
            )
        return {main: self.given}


class ScorerSource(Protocol):
    """Where scorers beside the built-in ones come from."""

    def names(self) -> tuple[str, ...]:
        """The names it offers."""

    def bind(self, entry: Entry) -> BoundScorer:
        """The scorer of that entry. Raises BakeoffError."""


def is_judge(entry: ScorerEntry) -> bool:
    """True for a ``judge:`` or ``semantic_similarity:`` entry: a model scores, which is bound elsewhere."""
    return any(entry == name or (isinstance(entry, dict) and name in entry) for name in _BY_MODELS)


def bind(entry: ScorerEntry, *, custom: ScorerSource | None = None) -> BoundScorer:
    """The scorer that ``exact_match``, ``{regex: {pattern: …, name: …, threshold: …}}`` or ``{regex: …}`` means.

    ``name`` renames the metric (default: the scorer's name). ``threshold`` turns a score into pass or fail.
    ``custom`` offers further scorers; built-in names come first.

    Raises:
        BakeoffError: ``bad_scorer``, ``unknown_scorer``, ``unknown_option``, ``missing_option`` or ``bad_option``.
    """
    read = read_entry(entry)
    if custom is not None and registry.built_in(read.scorer) is None and read.scorer in custom.names():
        return custom.bind(read)
    return bind_scorer(registry.get(read.scorer, more_names=custom.names() if custom else ()), read)


def bind_all(entries: Iterable[ScorerEntry], *, custom: ScorerSource | None = None) -> tuple[BoundScorer, ...]:
    """The code scorers of an experiment in order; judges are left out, but their names are not free.

    Raises:
        BakeoffError: as ``bind``, and ``duplicate_metric`` when two metrics would have the same name.
    """
    bound: list[BoundScorer] = []
    taken = set(SYSTEM_METRICS)
    for entry in entries:
        if is_judge(entry):
            metric = _judge_metric(entry)
        else:
            bound.append(bind(entry, custom=custom))
            metric = bound[-1].metric
        if metric in taken:
            raise BakeoffError(
                "duplicate_metric", f"Two metrics are called '{metric}'.", "Give one of them another 'name'."
            )
        taken.add(metric)
    return tuple(bound)


def read_entry(entry: ScorerEntry) -> Entry:
    """The entry taken apart. Raises BakeoffError ``bad_scorer`` or ``bad_option``."""
    if isinstance(entry, str):
        return Entry(entry, None, entry, None)
    if not isinstance(entry, dict) or len(entry) != 1:
        keys = ", ".join(f"'{key}'" for key in entry) if isinstance(entry, dict) and entry else "no name"
        raise BakeoffError(
            "bad_scorer",
            f"An entry of 'scorers' must name one scorer, and holds {keys}.",
            "Indent the options below the name.",
        )
    [(scorer, given)] = entry.items()
    metric, threshold = scorer, None
    if isinstance(given, dict):
        given = dict(given)
        if "name" in given:
            metric = _metric_name(scorer, given.pop("name"))
        threshold = _threshold(scorer, given.pop("threshold", None))
    return Entry(scorer, given, metric, threshold)


def bind_scorer(scorer: Scorer, entry: Entry) -> BoundScorer:
    """The scorer with the entry's options. Raises BakeoffError as ``bind`` does."""
    values = scorer.options.read(entry.options(scorer.main))
    arguments = dict(vars(values))
    _check_together(scorer, arguments)
    threshold = None
    if entry.threshold is not None:
        if scorer.kind is MetricKind.BINARY:
            raise BakeoffError(
                "bad_option", f"The scorer '{scorer.name}' passes or fails by itself; 'threshold' has no meaning there."
            )
        threshold = Threshold(entry.threshold, scorer.direction is Direction.LOWER)
    canonical = scorer.options.canonical(values)
    return BoundScorer(
        metric=entry.metric,
        scorer=scorer.name,
        version=scorer.version,
        kind=MetricKind.BINARY if threshold else scorer.kind,
        direction=Direction.HIGHER if threshold else scorer.direction,
        unit="points" if threshold else scorer.unit,
        needs=scorer.needs_with(arguments),
        columns=_columns(arguments),
        options=canonical,
        threshold=threshold,
        fingerprint=content_hash([scorer.name, scorer.version, canonical, entry.threshold]),
        function=partial(_reading(scorer), **arguments),
    )


def _reading(scorer: Scorer) -> Callable[..., Score]:
    """The scorer's function behind what all that read a reference have in common."""
    if "reference" not in scorer.needs:
        return scorer.function
    return on_canonical_texts(of_any_answer(scorer.function) if scorer.any_answer else scorer.function)


def _check_together(scorer: Scorer, arguments: Mapping[str, Any]) -> None:
    given = [name for name in scorer.instead_of_reference if arguments[name] is not None]
    if len(given) > 1:
        raise BakeoffError("bad_option", f"The scorer '{scorer.name}' takes only one of {', '.join(given)}.")
    if scorer.check is not None:
        try:
            scorer.check(arguments)
        except ValueError as error:
            raise BakeoffError("bad_option", f"The scorer '{scorer.name}': {error}.") from None


def _columns(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Values of the options that name a column: ``column`` and whatever ends in ``_column``."""
    names = (name for name in arguments if name == "column" or name.endswith("_column"))
    return tuple(arguments[name] for name in names if arguments[name] is not None)


def _metric_name(scorer: str, metric: object) -> str:
    if not isinstance(metric, str):
        raise BakeoffError("bad_option", f"The 'name' of the scorer '{scorer}' should be text.", "Put it in quotes.")
    try:
        return plain_name(metric)
    except ValueError as error:
        raise BakeoffError("bad_option", f"The 'name' of the scorer '{scorer}': {error}.") from None


def _threshold(scorer: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BakeoffError("bad_option", f"The 'threshold' of the scorer '{scorer}' should be a number.")
    return float(value)


def _judge_metric(entry: ScorerEntry) -> str:
    scorer = SIMILARITY if entry == SIMILARITY or (isinstance(entry, dict) and SIMILARITY in entry) else JUDGE
    options = entry.get(scorer) if isinstance(entry, dict) else None
    return str(options.get("name", scorer)) if isinstance(options, dict) else scorer


def _form(scorer: str) -> str:
    return f"Write it as '{scorer}: {{option: value}}'."
