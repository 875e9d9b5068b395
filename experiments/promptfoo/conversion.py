"""The whole of a promptfoo configuration → experiment, file text, rows and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from experiments.datasets.imported_outputs import MAX_VARIANTS
from experiments.datasets.plain_names import nearest_plain_name
from experiments.datasets.table import Row
from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec
from experiments.promptfoo.cases import CaseReader, TestCase
from experiments.promptfoo.checks import CheckReader
from experiments.promptfoo.experiment_text import experiment_text
from experiments.promptfoo.files import ReadFile, file_reference, read_data, refuse_reference
from experiments.promptfoo.findings import Findings, Place
from experiments.promptfoo.prompts import read_prompts
from experiments.promptfoo.providers import read_providers
from experiments.promptfoo.rows import rows_of
from experiments.promptfoo.scorer_entries import ScorerPlan, plan_scorers
from experiments.promptfoo.variants import variants_of
from experiments.prompts.content import variables_of
from experiments.strict_yaml import parse_yaml

SMALLEST_EFFECT = 0.05
_IGNORED = frozenset(
    ("$schema", "outputPath", "sharing", "tags", "writeLatestResults", "commandLineOptions", "metadata", "tracing")
)
_USED = frozenset(("description", "prompts", "providers", "targets", "tests", "defaultTest", "evaluateOptions"))
_OPTIONS = {
    "repeat": (1, 100),
    "maxConcurrency": (1, 1024),
    "timeoutMs": (0, 3_600_000),
}


@dataclass(frozen=True, slots=True)
class ConvertedExperiment:
    """An experiment, its file as YAML text, its dataset as columns and rows, and notes on what was decided.

    ``spec.dataset`` names the file for the rows. Keep them as JSON Lines: a cell that is None must stay so.
    """

    spec: ExperimentSpec
    text: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def convert(
    text: str,
    *,
    read_file: ReadFile,
    source: str = "promptfooconfig.yaml",
    name: str = "promptfoo",
    dataset: str = "promptfoo-tests.jsonl",
) -> ConvertedExperiment:
    """The experiment that a promptfoo configuration describes.

    ``read_file`` gives the bytes of a file that the configuration refers to and decides what may be read.
    The description becomes the hypothesis. promptfoo knows no smallest gain worth having, so 5 points on the
    first check are assumed, and told in a note.

    Raises:
        BakeoffError: ``bad_yaml`` with the line, ``promptfoo_unsupported`` with everything that has no
            equivalent, ``one_variant``, ``too_many_variants``, ``no_measure``, or a complaint about a table
            of tests.
    """
    config, lines = parse_yaml(text, source=source)
    if not isinstance(config, dict):
        raise BakeoffError("bad_yaml", f"{source} holds no keys.", "It should begin with 'prompts:'.")
    findings, root = Findings(source), Place((), lines)
    _refuse_unknown(config, root, findings)
    models = "providers" if "providers" in config else "targets"
    prompts = read_prompts(config.get("prompts"), root.at("prompts"), findings, read_file)
    providers = read_providers(config.get(models), root.at(models), findings)
    default = _default_case(config.get("defaultTest"), root.at("defaultTest"), findings, read_file)
    cases = CaseReader(findings, read_file, default).cases(config.get("tests"), root.at("tests"))
    scorers = _scorers(cases, findings, read_file)
    variants = variants_of(prompts, providers, root.at(models), findings)
    needed = variables_of(content for prompt in prompts for content in prompt.contents())
    columns, rows = rows_of(cases, needed, scorers, root.at("prompts"), findings)
    settings = _settings(config.get("evaluateOptions"), root.at("evaluateOptions"), findings)
    findings.raise_refused()
    _check_counts(len(variants), scorers, source)
    spec = _experiment(
        source,
        name=nearest_plain_name(name, otherwise="promptfoo"),
        hypothesis=str(config.get("description") or ""),
        dataset=dataset,
        reference=scorers.reference,
        slices=_slices(cases),
        variants=variants,
        scorers=scorers.entries,
        plan=_plan(cases, scorers, findings),
        **settings,
    )
    return ConvertedExperiment(spec, experiment_text(spec), columns, rows, tuple(findings.notes))


def _refuse_unknown(config: dict[str, Any], root: Place, findings: Findings) -> None:
    for key in config:
        if key in _IGNORED:
            findings.note(f"The setting '{key}' is not needed here and was left out.")
        elif key not in _USED:
            findings.refuse(root.at(key), f"the setting '{key}'")


def _default_case(value: Any, place: Place, findings: Findings, read_file: ReadFile) -> TestCase:  # noqa: ANN401
    empty = TestCase(place, {}, ())
    if isinstance(value, str):
        path = file_reference(value) or value
        if refuse_reference(path, place, findings, allowed=("yaml", "yml", "json")):
            return empty
        data = read_data(path, place, findings, read_file)
        value, place = data if data is not None else (None, place)
    if value is None:
        return empty
    if not isinstance(value, dict):
        findings.refuse(place, "a default test that is no mapping")
        return empty
    variables = value.get("vars")
    if isinstance(variables, dict) and any(isinstance(item, list) for item in variables.values()):
        findings.refuse(place.at("vars"), "lists of values in the default test")
    return CaseReader(findings, read_file, empty).read(value, place)


def _scorers(cases: Sequence[TestCase], findings: Findings, read_file: ReadFile) -> ScorerPlan:
    checks = []
    for case in cases:
        reader = CheckReader(case.variables, findings, read_file)
        checks.append([check for assertion in case.assertions if (check := reader.read(assertion))])
    return plan_scorers(checks, [case.variables for case in cases], findings)


def _settings(options: Any, place: Place, findings: Findings) -> dict[str, Any]:  # noqa: ANN401
    """``repeats`` and ``limits`` from the evaluation options; settings of the display are left out."""
    settings: dict[str, Any] = {"limits": {}}
    if not isinstance(options, dict):
        return settings
    for key, value in options.items():
        low, high = _OPTIONS.get(key, (0, 0))
        if key in _OPTIONS and not (isinstance(value, int) and low <= value <= high):
            findings.refuse(place.at(key), f"'{key}' of {value!r} (from {low:,} to {high:,})")
        elif key == "repeat":
            settings["repeats"] = value
        elif key == "maxConcurrency":
            settings["limits"]["concurrency"] = value
        elif key == "timeoutMs" and value:
            settings["limits"]["deadline_s"] = value / 1000
        elif key == "cache" and isinstance(value, bool):
            settings["limits"]["cache"] = value
        elif key not in _OPTIONS:
            findings.note(f"The evaluation option '{key}' is not needed here and was left out.")
    return settings


def _slices(cases: Sequence[TestCase]) -> tuple[str, ...]:
    names = dict.fromkeys(name for case in cases for name in case.metadata)
    return tuple(name for name in names if 2 <= len({case.metadata.get(name) for case in cases}) <= 20)


def _plan(cases: Sequence[TestCase], scorers: ScorerPlan, findings: Findings) -> dict[str, Any]:
    primary, *others = scorers.metrics
    findings.note(
        f"promptfoo knows no measure that decides: '{primary}' was taken, with a smallest gain of "
        f"{SMALLEST_EFFECT:g}. Change both under 'plan' before the start."
    )
    limited = {assertion.kind for case in cases for assertion in case.assertions}
    system = [metric for kind, metric in (("cost", "cost_usd"), ("latency", "latency_ms")) if kind in limited]
    return {
        "primary": {"metric": primary, "smallest_effect": SMALLEST_EFFECT},
        "secondary": [*others, *system],
    }


def _check_counts(variants: int, scorers: ScorerPlan, source: str) -> None:
    if variants < 2:
        what = f"{source} has one prompt and one provider; a comparison needs at least two variants."
        raise BakeoffError("one_variant", what, "Add the prompt or the model that you want to compare.")
    if variants > MAX_VARIANTS:
        what = f"{source} gives {variants} variants; an experiment has at most {MAX_VARIANTS}."
        raise BakeoffError("too_many_variants", what, "Remove prompts or providers.")
    if not scorers.metrics:
        what = f"{source} has no check that becomes a measure, so nothing could decide."
        raise BakeoffError("no_measure", what, "Add an assertion, such as 'contains' or 'equals'.")


def _experiment(source: str, **fields: Any) -> ExperimentSpec:  # noqa: ANN401
    try:
        return ExperimentSpec.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        what = f"{source}: the experiment that it describes is not valid ({where}: {message})."
        raise BakeoffError("invalid_value", what) from None
