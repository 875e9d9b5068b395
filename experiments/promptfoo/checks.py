"""One promptfoo assertion → one of our scorers with its options, and the text that it looks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.datasets.cell_text import cell_text
from experiments.errors import BakeoffError
from experiments.promptfoo.assertions import LIST_KINDS, Assertion, list_items
from experiments.promptfoo.files import ReadFile, read_data, read_text, refuse_reference
from experiments.promptfoo.findings import Findings
from experiments.promptfoo.templates import filled
from experiments.strict_yaml import parse_yaml

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Check:
    """A scorer with fixed ``options`` and the ``subject`` that may differ from test to test.

    ``subject_option`` takes a subject that is the same everywhere: the name of an option, ``REFERENCE`` when
    it must be the expected output, or None when there is no subject. ``by_column`` tells whether the scorer
    can read the subject from a column instead.
    """

    assertion: Assertion
    scorer: str
    metric: str
    options: Mapping[str, Any] = field(default_factory=dict)
    subject: str | tuple[str, ...] | Mapping[str, Any] | None = None
    subject_option: str | None = None
    by_column: bool = False


@dataclass(frozen=True, slots=True)
class CheckReader:
    """Turns the assertions of one test into checks; ``variables`` fill the expected values as promptfoo does."""

    variables: Mapping[str, str]
    findings: Findings
    read_file: ReadFile

    def read(self, assertion: Assertion) -> Check | None:
        """The check, or None when it is a measure that every output has, or was refused."""
        return _READERS[assertion.kind](self, assertion)

    def _equals(self, assertion: Assertion) -> Check | None:
        text = self._text(assertion)
        if text is None:
            return None
        self.findings.note("Spaces around an answer do not count when it is compared with the expected one.")
        if assertion.negated:
            options = {"full": True, "negate": True}
            pattern = re.escape(text.strip())
            return Check(assertion, "regex", "not_equals", options, pattern, "pattern", by_column=True)
        return Check(assertion, "exact_match", "exact_match", {}, text, REFERENCE)

    def _contains(self, assertion: Assertion) -> Check | None:
        options = _only_true(ignore_case=assertion.kind.startswith("i"), negate=assertion.negated)
        metric = _name(assertion)
        if assertion.kind not in LIST_KINDS:
            text = self._text(assertion)
            return None if text is None else Check(assertion, "contains", metric, options, text, "text", by_column=True)
        texts = self._texts(assertion)
        if assertion.kind.endswith("-all"):
            options["match"] = "all"
        return Check(assertion, "contains", metric, options, texts, "texts", by_column=True) if texts else None

    def _starts_with(self, assertion: Assertion) -> Check | None:
        text = self._text(assertion)
        options = _only_true(negate=assertion.negated)
        if text is None:
            return None
        return Check(assertion, "starts_with", _name(assertion), options, text, "text", by_column=True)

    def _regex(self, assertion: Assertion) -> Check | None:
        pattern = self._text(assertion)
        if pattern is None:
            return None
        from experiments.scoring.patterns import compiled

        try:
            compiled(pattern)
        except ValueError as error:
            self.findings.refuse(assertion.place, f"{assertion.spelled()}, whose pattern {error}")
            return None
        self.findings.note("Regular expressions are read by Python's rules: $ also stands before a last line end.")
        options = _only_true(negate=assertion.negated)
        return Check(assertion, "regex", _name(assertion), options, pattern, "pattern", by_column=True)

    def _json(self, assertion: Assertion) -> Check | None:
        if assertion.negated:
            self._refuse_opposite(assertion)
            return None
        options = _only_true(allow_fence=assertion.kind == "contains-json")
        if options:
            self.findings.note("contains-json became: the answer is JSON, alone or in one code fence; not in prose.")
        if assertion.value in (None, ""):
            return Check(assertion, "json_valid", "json_valid", options)
        schema = self._schema(assertion)
        if schema is None:
            return None
        return Check(assertion, "json_schema", "json_schema", options, schema, "schema")

    def _levenshtein(self, assertion: Assertion) -> Check | None:
        text = self._text(assertion)
        if assertion.negated:
            self._refuse_opposite(assertion)
        if text is None or assertion.negated:
            return None
        self.findings.note("levenshtein became similarity, a number from 0 to 1; its limit of edits is not used.")
        return Check(assertion, "similarity", "similarity", {}, text, REFERENCE)

    def _word_count(self, assertion: Assertion) -> Check | None:
        value = assertion.value
        bounds = value if isinstance(value, dict) else {"min": value, "max": value}
        known = {key: bound for key, bound in bounds.items() if key in ("min", "max") and _is_count(bound)}
        if assertion.negated or not known or len(known) < len(bounds):
            self.findings.refuse(assertion.place, f"{assertion.spelled()} with this value")
            return None
        return Check(assertion, "length", "word_count", {f"{key}_words": bound for key, bound in known.items()})

    def _refusal(self, assertion: Assertion) -> Check | None:
        if not assertion.negated:
            self.findings.refuse(assertion.place, "is-refusal (here a refusal always counts as worse)")
            return None
        self.findings.note("not-is-refusal became the measure 'refusal': 1 when the model declined, lower is better.")
        return Check(assertion, "refusal", "refusal")

    def _measured_anyway(self, assertion: Assertion) -> Check | None:
        self.findings.note(
            f"The limit on {assertion.kind} is not pass or fail here: it is measured for every answer and compared."
        )
        return None

    def _refuse_opposite(self, assertion: Assertion) -> None:
        self.findings.refuse(assertion.place, f"{assertion.spelled()} (there is no opposite of this check)")

    def _text(self, assertion: Assertion) -> str | None:
        """The expected text with variables put in; refused when it is none or blank."""
        text = self._plain(assertion.value, assertion)
        if text is not None and not text.strip():
            self.findings.refuse(assertion.place, f"{assertion.spelled()} with an empty value")
            return None
        return text

    def _texts(self, assertion: Assertion) -> tuple[str, ...]:
        value = assertion.value
        parts = list_items(value) if isinstance(value, str) else value
        if not isinstance(parts, list) or not parts:
            self.findings.refuse(assertion.place, f"{assertion.spelled()} without a list of texts")
            return ()
        texts = [self._plain(part, assertion) for part in parts]
        if any(text is not None and not text.strip() for text in texts):
            self.findings.refuse(assertion.place, f"{assertion.spelled()} with an empty text")
            return ()
        return tuple(text for text in texts if text is not None)

    def _plain(self, value: object, assertion: Assertion) -> str | None:
        if isinstance(value, dict | list) or value is None:
            self.findings.refuse(assertion.place, f"{assertion.spelled()} with a value that is no text")
            return None
        text = cell_text(value) or ""
        if not text.startswith("file://"):
            return filled(text, self.variables, assertion.place, self.findings)
        path = text.removeprefix("file://")
        if refuse_reference(path, assertion.place, self.findings, allowed=("txt", "md", "json")):
            return None
        return read_text(path, assertion.place, self.findings, self.read_file)

    def _schema(self, assertion: Assertion) -> Mapping[str, Any] | None:
        value = assertion.value
        if isinstance(value, str) and value.startswith("file://"):
            path = value.removeprefix("file://")
            if refuse_reference(path, assertion.place, self.findings, allowed=("json", "yaml", "yml")):
                return None
            data = read_data(path, assertion.place, self.findings, self.read_file)
            value = data[0] if data else None
        elif isinstance(value, str):
            try:
                value, _ = parse_yaml(value, source="the schema")
            except BakeoffError:
                value = None
        if not isinstance(value, dict):
            self.findings.refuse(assertion.place, f"{assertion.spelled()} with a schema that is no mapping")
            return None
        return value


def _only_true(**options: bool) -> dict[str, Any]:
    return {name: True for name, on in options.items() if on}


def _name(assertion: Assertion) -> str:
    return assertion.spelled().replace("-", "_")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_Read = Callable[[CheckReader, Assertion], Check | None]
_READERS: dict[str, _Read] = {
    "equals": CheckReader._equals,
    "contains": CheckReader._contains,
    "icontains": CheckReader._contains,
    "contains-any": CheckReader._contains,
    "contains-all": CheckReader._contains,
    "icontains-any": CheckReader._contains,
    "icontains-all": CheckReader._contains,
    "starts-with": CheckReader._starts_with,
    "regex": CheckReader._regex,
    "is-json": CheckReader._json,
    "contains-json": CheckReader._json,
    "levenshtein": CheckReader._levenshtein,
    "word-count": CheckReader._word_count,
    "is-refusal": CheckReader._refusal,
    "cost": CheckReader._measured_anyway,
    "latency": CheckReader._measured_anyway,
}
