"""The ``tests`` of a promptfoo configuration, inline or in files, over the ``defaultTest``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from experiments.datasets.cell_text import cell_text
from experiments.datasets.limits import DEFAULT_LIMITS
from experiments.datasets.reading import read_table
from experiments.promptfoo.assertions import Assertion, assertion_of_cell, read_assertions
from experiments.promptfoo.files import (
    DATA_ENDINGS,
    TABLE_ENDINGS,
    TEXT_ENDINGS,
    ReadFile,
    ending,
    file_reference,
    parse_json,
    read_bytes,
    read_data,
    read_text,
    refuse_reference,
)
from experiments.promptfoo.findings import Findings, Place
from experiments.promptfoo.templates import refuse_tags

_CELLS = re.compile(r"__(expected\d*|description|metric|threshold|metadata:.+)")
_GRADER_OPTIONS = ("provider", "rubricPrompt")


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test: its variables as text, what to check, a description and labels for slices."""

    place: Place
    variables: Mapping[str, str]
    assertions: tuple[Assertion, ...]
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseReader:
    """Reads tests; ``default`` lies under each of them."""

    findings: Findings
    read_file: ReadFile
    default: TestCase

    def cases(self, value: Any, place: Place) -> list[TestCase]:  # noqa: ANN401
        """All tests in their order, lists of values expanded; beyond 200,000 they are refused."""
        if value is None:
            self.findings.refuse(place, "no tests")
            return []
        limit = DEFAULT_LIMITS.rows
        found = list(itertools.islice(self._any(value, place), limit + 1))
        if len(found) > limit:
            self.findings.refuse(place, f"more than {limit:,} tests")
        return found

    def _any(self, value: Any, place: Place) -> Iterator[TestCase]:  # noqa: ANN401
        if isinstance(value, list):
            for index, entry in enumerate(value):
                yield from self._any(entry, place.at(index))
        elif isinstance(value, str):
            yield from self._from_file(value, place)
        elif isinstance(value, dict):
            yield from self._expanded(value, place)
        else:
            self.findings.refuse(place, f"{value!r}, which is no test")

    def _from_file(self, text: str, place: Place) -> Iterator[TestCase]:
        path = file_reference(text) or text
        if refuse_reference(path, place, self.findings, allowed=(*TABLE_ENDINGS, *DATA_ENDINGS)):
            return
        if ending(path) in DATA_ENDINGS:
            data = read_data(path, place, self.findings, self.read_file)
            if data is not None:
                yield from self._any(*data)
        elif ending(path) == "jsonl":
            lines = read_text(path, place, self.findings, self.read_file) or ""
            for number, line in enumerate(lines.split("\n"), start=1):
                if line.strip():
                    source = f"{path}, line {number}"
                    yield from self._any(parse_json(line, source), Place((), {}, source))
        else:
            content = read_bytes(path, place, self.findings, self.read_file)
            if content is not None:
                yield from self._from_table(content, path)

    def _from_table(self, content: bytes, path: str) -> Iterator[TestCase]:
        table = read_table(content, filename=path)
        for name in table.columns:
            if name.startswith("__") and not _CELLS.fullmatch(name):
                self.findings.refuse(Place((), {}, path), f"the column '{name}'")
        for index, row in enumerate(table.rows):
            cells = {name: cell or "" for name, cell in zip(table.columns, row, strict=True)}
            place = Place((), {}, f"{path}, {table.place(index)}")
            metric = cells.get("__metric") or None
            assertions = [
                assertion
                for name, cell in cells.items()
                if name.startswith("__expected") and cell.strip()
                for assertion in assertion_of_cell(cell, place, metric, self.findings)
            ]
            variables = {name: cell for name, cell in cells.items() if not name.startswith("__")}
            for text in variables.values():
                refuse_tags(text, place, self.findings)
            metadata = {name.split(":", 1)[1]: cell for name, cell in cells.items() if name.startswith("__metadata:")}
            yield self._over_default(
                TestCase(place, variables, tuple(assertions), cells.get("__description") or None, metadata)
            )

    def _expanded(self, entry: dict[str, Any], place: Place) -> Iterator[TestCase]:
        """One test, or one for each combination when variables hold lists of values."""
        case = self.read(entry, place)
        variables = entry.get("vars")
        items = variables.items() if isinstance(variables, dict) else ()
        lists = [
            [(name, self._value(item, place.at("vars", name))) for item in value]
            for name, value in items
            if isinstance(value, list)
        ]
        for chosen in itertools.product(*lists):
            yield self._over_default(replace(case, variables={**case.variables, **dict(chosen)}))

    def read(self, entry: dict[str, Any], place: Place) -> TestCase:
        """One test (or the default) as it stands; variables with lists of values are left out here."""
        for key, value in entry.items():
            if key == "threshold":
                self.findings.note(
                    "Weights and thresholds of whole tests are not used: each check is a measure of its own."
                )
            elif key == "options":
                self._refuse_options(value, place.at(key))
            elif key not in ("vars", "assert", "description", "metadata"):
                self.findings.refuse(place.at(key), f"the test setting '{key}'")
        description = entry.get("description")
        return TestCase(
            place,
            self._variables(entry.get("vars"), place.at("vars")),
            tuple(read_assertions(entry.get("assert"), place.at("assert"), self.findings)),
            description if isinstance(description, str) else None,
            self._metadata(entry.get("metadata"), place.at("metadata")),
        )

    def _over_default(self, row: TestCase) -> TestCase:
        return replace(
            row,
            variables={**self.default.variables, **row.variables},
            assertions=(*self.default.assertions, *row.assertions),
            metadata={**self.default.metadata, **row.metadata},
        )

    def _variables(self, value: Any, place: Place) -> dict[str, str]:  # noqa: ANN401
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.findings.refuse(place, "variables that are kept in a file or are no mapping")
            return {}
        return {name: self._value(item, place.at(name)) for name, item in value.items() if not isinstance(item, list)}

    def _value(self, value: Any, place: Place) -> str:  # noqa: ANN401
        if isinstance(value, str) and value.startswith("file://"):
            path = value.removeprefix("file://")
            if refuse_reference(path, place, self.findings, allowed=TEXT_ENDINGS):
                return ""
            text = read_text(path, place, self.findings, self.read_file) or ""
        elif isinstance(value, dict | list):
            self.findings.note("Variables that are objects were written as JSON text.")
            text = cell_text(value) or ""
        else:
            text = cell_text(value) or ""
        refuse_tags(text, place, self.findings)
        return text

    def _metadata(self, value: Any, place: Place) -> dict[str, str]:  # noqa: ANN401
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.findings.refuse(place, "metadata that is no mapping")
            return {}
        return {name: cell_text(item) or "" for name, item in value.items()}

    def _refuse_options(self, options: Any, place: Place) -> None:  # noqa: ANN401
        for key in options if isinstance(options, dict) else ("options",):
            if key not in _GRADER_OPTIONS:  # those concern assertions that are refused anyway
                self.findings.refuse(place.at(key), f"the test option '{key}'")
