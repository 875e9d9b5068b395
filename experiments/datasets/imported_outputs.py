"""A table of answers that were produced elsewhere → examples, outputs, scores, ratings of one experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.datasets.examples import Example
from experiments.datasets.matching import nearest
from experiments.datasets.output_columns import (
    OutputColumns,
    OutputOptions,
    recognise_columns,
    with_variables,
    without_guards,
)
from experiments.datasets.output_rows import ImportedOutput, OutputRows
from experiments.datasets.plain_names import nearest_plain_name
from experiments.datasets.table import Notice, Table
from experiments.errors import BakeoffError
from experiments.plans.plan import MetricDefinition
from experiments.vocabulary import Direction, MetricKind, OutputStatus, content_hash

MAX_VARIANTS = 26
MAX_LEVELS = 11
_KIND_WORDS = {MetricKind.BINARY: "pass or fail", MetricKind.ORDINAL: "levels", MetricKind.SCORE: "numbers"}


@dataclass(frozen=True, slots=True)
class ImportedOutputs:
    """Everything that the file holds; ``variants[0]`` is the control.

    The examples have the columns ``unit_column`` (their id), then ``input_columns``, among them the
    reference. ``recognised`` says in sentences what was taken for what.
    """

    variants: tuple[str, ...]
    examples: tuple[Example, ...]
    unit_column: str
    input_columns: tuple[str, ...]
    reference_column: str | None
    outputs: tuple[ImportedOutput, ...]
    metrics: tuple[MetricDefinition, ...]
    rating_metrics: tuple[MetricDefinition, ...]
    recognised: tuple[str, ...]
    notices: tuple[Notice, ...]


def read_outputs(table: Table, options: OutputOptions | None = None) -> ImportedOutputs:
    """The outputs of a table with at least ``example_id``, ``variant`` and ``output``.

    Rows that repeat an output are welcome when they add ratings. A missing output is a failed one, an empty
    text is an answer. Names of variants are made plain (``openai/x`` → ``openai-x``), which a notice tells.

    Raises:
        BakeoffError: as ``recognise_columns``, and ``missing_value``, ``one_variant``, ``too_many_variants``,
            ``unknown_variant``, ``same_variant_name``, ``same_output_twice``, ``bad_number``, ``not_finite``,
            ``unknown_status``.
    """
    options = options or OutputOptions()
    table = with_variables(without_guards(table))
    columns = recognise_columns(table, options)
    rows = OutputRows(table, columns)
    names = _plain_names([rows.required(i, "variant") for i in range(len(table.rows))])
    variants = _ordered(list(names.values()), options)
    examples, position = _examples(table, columns, rows)
    outputs = _outputs(table, rows, names, position)
    metrics = tuple(
        _metric(name, [o.scores[name] for o in outputs if name in o.scores], options) for name in columns.scores
    )
    ratings = [rating for output in outputs for rating in output.ratings]
    rated = {name: [rating.value for rating in ratings if rating.metric == name] for name in columns.ratings}
    rating_metrics = tuple(_rating_metric(_metric(name, rated[name], options), rated[name]) for name in rated)
    return ImportedOutputs(
        variants=variants,
        examples=examples,
        unit_column=columns.known["example_id"],
        input_columns=columns.inputs,
        reference_column=columns.reference,
        outputs=outputs,
        metrics=metrics,
        rating_metrics=rating_metrics,
        recognised=tuple(_recognised(columns, variants, len(examples), (*metrics, *rating_metrics))),
        notices=tuple(_notices(names, examples, outputs, len(table.rows) if not ratings else 0)),
    )


def _plain_names(cells: Sequence[str]) -> dict[str, str]:
    """Variant as written → its plain name, in order of appearance."""
    names: dict[str, str] = {}
    for cell in dict.fromkeys(cells):
        name = nearest_plain_name(cell, otherwise="variant")
        if name in names.values():
            other = next(written for written, plain in names.items() if plain == name)
            what = f"The variants '{other[:60]}' and '{cell[:60]}' would have the same name '{name}'."
            raise BakeoffError("same_variant_name", what, "Name them with the letters a to z and digits.")
        names[cell] = name
        if len(names) > MAX_VARIANTS:
            hint = "Is the right column named 'variant'?"
            raise BakeoffError("too_many_variants", f"The file has more than {MAX_VARIANTS} variants.", hint)
    if len(names) < 2:
        what = f"All rows are of one variant, '{next(iter(names.values()))}'."
        raise BakeoffError("one_variant", what, "A comparison needs the answers of at least two variants.")
    return names


def _ordered(variants: list[str], options: OutputOptions) -> tuple[str, ...]:
    wanted = [nearest_plain_name(name, otherwise="variant") for name in options.variants or ()]
    control = nearest_plain_name(options.control, otherwise="variant") if options.control else None
    for name in [*wanted, *([control] if control else [])]:
        if name not in variants:
            near = nearest(name, variants)
            hint = f"Did you mean '{near}'?" if near else f"There are: {', '.join(variants)}."
            raise BakeoffError("unknown_variant", f"The file has no variant '{name}'.", hint)
    order = list(dict.fromkeys([*wanted, *variants]))
    return tuple(sorted(order, key=lambda name: name != control)) if control else tuple(order)


def _examples(table: Table, columns: OutputColumns, rows: OutputRows) -> tuple[tuple[Example, ...], Mapping[str, int]]:
    position: dict[str, int] = {}
    examples: list[Example] = []
    names = tuple(dict.fromkeys((columns.known["example_id"], *columns.inputs)))
    at = [table.columns.index(name) for name in names]
    for index, row in enumerate(table.rows):
        example_id = rows.required(index, "example_id")
        if example_id in position:
            continue
        position[example_id] = len(examples)
        values = {name: row[i] for name, i in zip(names, at, strict=True)}
        examples.append(Example(len(examples), values, content_hash(values)))
    return tuple(examples), position


def _outputs(
    table: Table, rows: OutputRows, names: Mapping[str, str], position: Mapping[str, int]
) -> tuple[ImportedOutput, ...]:
    repetitions = [rows.repetition(index) for index in range(len(table.rows))]
    rank = {number: i for i, number in enumerate(sorted(set(repetitions)))}
    outputs: dict[tuple[int, str, int], ImportedOutput] = {}
    for index in range(len(table.rows)):
        example = position[rows.required(index, "example_id")]
        variant = names[rows.required(index, "variant")]
        repetition = rank[repetitions[index]]
        output = rows.output(index, example=example, variant=variant, repetition=repetition)
        place = (example, variant, repetition)
        outputs[place] = rows.merged(outputs[place], index, output) if place in outputs else output
    return tuple(outputs.values())


def _metric(name: str, values: Sequence[float], options: OutputOptions) -> MetricDefinition:
    binary = bool(values) and set(values) <= {0.0, 1.0}
    direction = Direction.LOWER if name in options.lower_is_better else Direction.HIGHER
    if binary:
        return MetricDefinition(name, MetricKind.BINARY, direction, "points")
    return MetricDefinition(name, MetricKind.SCORE, direction, "score")


def _rating_metric(metric: MetricDefinition, values: Sequence[float]) -> MetricDefinition:
    """Ratings on a short scale of whole numbers are ordinal."""
    scale = set(values)
    if metric.kind is MetricKind.BINARY or len(scale) > MAX_LEVELS or not all(v.is_integer() for v in scale):
        return metric
    return replace(metric, kind=MetricKind.ORDINAL)


def _recognised(
    columns: OutputColumns, variants: Sequence[str], examples: int, metrics: Sequence[MetricDefinition]
) -> list[str]:
    told = [
        f"{examples:,} examples by '{columns.known['example_id']}', answers in '{columns.known['output']}'.",
        f"Variants: {variants[0]} (control), {', '.join(variants[1:])}.",
        f"Inputs: {', '.join(columns.inputs) or 'none'}.",
    ]
    if columns.reference:
        told.append(f"Reference: {columns.reference}.")
    if metrics:
        told.append(f"Scores: {', '.join(f'{m.name} ({_KIND_WORDS[m.kind]})' for m in metrics)}.")
    if columns.left_out:
        told.append(f"Left out: {', '.join(columns.left_out)}.")
    return told


def _notices(
    names: Mapping[str, str],
    examples: Sequence[Example],
    outputs: Sequence[ImportedOutput],
    rows: int,
) -> list[Notice]:
    """What the owner should know; ``rows`` is the table's length, or 0 when further rows added ratings."""
    notices = []
    renamed = [f"'{cell[:60]}' is called '{name}'" for cell, name in names.items() if cell != name]
    if renamed:
        notices.append(Notice("renamed_variants", f"Names of variants were made plain: {'; '.join(renamed)}."))
    if rows > len(outputs):
        notices.append(
            Notice("repeated_rows", f"{rows - len(outputs):,} rows repeat an earlier row and were left out.")
        )
    answered: dict[str, set[int]] = {name: set() for name in names.values()}
    for output in outputs:
        answered[output.variant].add(output.example)
    unit = next(iter(examples[0].values))
    for name, positions in answered.items():
        lacking = [str(e.values[unit]) for e in examples if e.position not in positions]
        if lacking:
            told = ", ".join(lacking[:5]) + (" and more" if len(lacking) > 5 else "")
            text = f"'{name}' has no row for {len(lacking):,} of {len(examples):,} examples: {told}."
            notices.append(Notice("missing_examples", text))
    failed = Counter(o.variant for o in outputs if o.status is OutputStatus.FAILED)
    for name, count in failed.items():
        notices.append(Notice("failed_outputs", f"'{name}' has no answer for {count:,} rows; they count as failed."))
    return notices
