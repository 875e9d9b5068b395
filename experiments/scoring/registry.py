"""The decorator that makes a function a scorer, and the discovery of all scorers in ``scoring.scorers``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType, ModuleType
from typing import Any, Literal, TypeVar

from experiments.errors import BakeoffError, nearest
from experiments.scoring import scorers as scorer_files
from experiments.scoring.options import OptionDescription, OptionsForm, options_form, prose
from experiments.vocabulary import Direction, MetricKind, Score

Function = TypeVar("Function", bound=Callable[..., Score])
Need = Literal["reference", "messages", "cost_usd"]


@dataclass(frozen=True)
class Scorer:
    """A scorer as its author declared it.

    ``main`` is the option that a bare value in an experiment file fills; ``instead_of_reference`` are options of
    which at most one may be given and each of which makes the reference unnecessary; ``check`` looks at the options
    together and raises ValueError with what is wrong; ``example`` holds options that show its use. ``any_answer``: of a
    reference that is a JSON list of right answers, the best one counts.
    """

    name: str
    function: Callable[..., Score]
    kind: MetricKind
    direction: Direction
    needs: frozenset[str]
    version: str
    unit: str
    main: str | None = None
    instead_of_reference: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any]], None] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    any_answer: bool = False

    @cached_property
    def options(self) -> OptionsForm:
        """The form that its options must fit. Raises TypeError when the function's signature is no scorer's."""
        return options_form(self.function)

    def needs_with(self, options: Mapping[str, Any]) -> frozenset[str]:
        """What an output must have to be scored with these options (all of them, defaults included)."""
        if any(options[name] is not None for name in self.instead_of_reference):
            return self.needs - {"reference"}
        return self.needs


@dataclass(frozen=True, slots=True)
class ScorerDescription:
    """A scorer in words, for the docs table and the settings form. ``summary`` is the first line of its docstring."""

    name: str
    summary: str
    description: str
    kind: MetricKind
    direction: Direction
    unit: str
    needs: tuple[str, ...]
    version: str
    options: tuple[OptionDescription, ...]
    main: str | None
    instead_of_reference: tuple[str, ...]
    example: Mapping[str, Any]


_DECLARED: dict[Callable[..., Score], Scorer] = {}


def scorer(
    *,
    kind: MetricKind,
    direction: Direction = Direction.HIGHER,
    needs: Iterable[Need] = (),
    version: str = "1",
    unit: str = "points",
    main: str | None = None,
    instead_of_reference: tuple[str, ...] = (),
    check: Callable[[Mapping[str, Any]], None] | None = None,
    example: Mapping[str, Any] | None = None,
    any_answer: bool = False,
) -> Callable[[Function], Function]:
    """Declares a function ``name(ctx, *, option: type = default) -> Score`` a scorer; the function stays as it is.

    ``version`` must change whenever the same output could get another value. ``unit`` is shown beside the numbers;
    points are shares between 0 and 1. The other arguments: see ``Scorer``.
    """

    def declare(function: Function) -> Function:
        _DECLARED[function] = Scorer(
            name=function.__name__,
            function=function,
            kind=kind,
            direction=direction,
            needs=frozenset(needs),
            version=version,
            unit=unit,
            main=main,
            instead_of_reference=instead_of_reference,
            check=check,
            example=dict(example or {}),
            any_answer=any_answer,
        )
        return function

    return declare


def declared(function: Callable[..., Score]) -> Scorer | None:
    """The scorer that a decorated function is, else None."""
    return _DECLARED.get(function)


def scorers_of(module: ModuleType) -> tuple[Scorer, ...]:
    """The scorers that a module defines itself, in its order; imported ones do not count."""
    functions = [
        value
        for value in vars(module).values()
        if callable(value) and getattr(value, "__module__", "") == module.__name__
    ]
    return tuple(_DECLARED[function] for function in functions if function in _DECLARED)


@lru_cache(maxsize=1)
def all_scorers() -> Mapping[str, Scorer]:
    """Name → scorer, sorted by name, from every module of ``scoring.scorers``.

    Raises:
        ValueError: two scorers have the same name.
    """
    modules = [importlib.import_module(f"{scorer_files.__name__}.{name}") for name in _file_names()]
    return by_name(found for module in modules for found in scorers_of(module))


def by_name(scorers: Iterable[Scorer]) -> Mapping[str, Scorer]:
    """Name → scorer, sorted, read-only. Raises ValueError when a name stands twice."""
    found: dict[str, Scorer] = {}
    for one in scorers:
        if one.name in found:
            where = f"{found[one.name].function.__module__} and {one.function.__module__}"
            raise ValueError(f"two scorers are called {one.name!r}: in {where}")
        found[one.name] = one
    return MappingProxyType(dict(sorted(found.items())))


def built_in(name: str) -> Scorer | None:
    """The scorer of that name, or None. A scorer's file bears its name, so a run loads those it uses and no other."""
    if name not in _file_names():
        return None
    module = importlib.import_module(f"{scorer_files.__name__}.{name}")
    return next((one for one in scorers_of(module) if one.name == name), None)


def _file_names() -> set[str]:
    return {info.name for info in pkgutil.iter_modules(scorer_files.__path__)}


def get(name: str, *, more_names: Iterable[str] = ()) -> Scorer:
    """The scorer of that name. ``more_names`` are names known elsewhere, for the hint.

    Raises:
        BakeoffError: ``unknown_scorer`` with the nearest name.
    """
    found = built_in(name)
    if found is None:
        names = [*all_scorers(), *more_names, "judge"]
        raise BakeoffError("unknown_scorer", f"There is no scorer {name[:60]!r}.", nearest(name, names))
    return found


def describe(one: Scorer) -> ScorerDescription:
    """The scorer in words."""
    docstring = one.function.__doc__ or ""
    return ScorerDescription(
        name=one.name,
        summary=docstring.strip().split("\n")[0],
        description=prose(docstring),
        kind=one.kind,
        direction=one.direction,
        unit=one.unit,
        needs=tuple(sorted(one.needs)),
        version=one.version,
        options=one.options.describe(docstring),
        main=one.main,
        instead_of_reference=one.instead_of_reference,
        example=one.example,
    )


def describe_all() -> tuple[ScorerDescription, ...]:
    """Every scorer of this folder in words, by name."""
    return tuple(describe(one) for one in all_scorers().values())
