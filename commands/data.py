"""``bakeoff import | export | analyse``: everything in, everything out."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from commands import terminal
from commands.running import scorer_entry
from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.datasets.import_outputs import import_outputs
from experiments.datasets.output_columns import OutputOptions
from experiments.errors import BakeoffError
from experiments.experiment_file import parse_plan

imports = typer.Typer(help="Bring data in.", rich_markup_mode=None)


@imports.command()
def dataset(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL, JSON, XLSX or Parquet.")],
    name: Annotated[str | None, typer.Option(help="Name of the test set; default: the file's.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a text file that is not UTF-8, for example cp1252.")
    ] = None,
    as_json: terminal.Json = False,
) -> None:
    """Import a test set as a new version; the whole file, or nothing."""
    content = terminal.read_file(file)
    done = import_dataset(
        terminal.store(),
        content,
        filename=file.name,
        name=name or file.stem,
        actor=terminal.actor(),
        encoding=encoding,
    )
    for notice in done.notices:
        terminal.say(notice)
    reference = f"{done.dataset.name}@{done.version.number}"
    if as_json:
        terminal.print_json(
            {
                "dataset": done.dataset.name,
                "version": done.version.number,
                "rows": done.version.row_count,
                "columns": done.version.columns,
                "new": done.is_new,
                "notices": list(done.notices),
            }
        )
    else:
        typer.echo(
            f"{reference}: {done.version.row_count} rows" + ("" if done.is_new else " (this content was there already)")
        )


@imports.command()
def outputs(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSONL: example_id, variant, output …; or model_a, model_b, winner …")
    ],
    experiment: Annotated[str, typer.Option(help="Name of the new experiment.")],
    control: Annotated[str | None, typer.Option(help="The variant the others are compared with.")] = None,
    score: Annotated[list[str] | None, typer.Option("--score", help="A column that holds scores.")] = None,
    lower_is_better: Annotated[list[str] | None, typer.Option("--lower-is-better", help="A score to keep low.")] = None,
    reference: Annotated[str | None, typer.Option(help="The column with the expected output.")] = None,
    scorer: Annotated[list[str] | None, typer.Option("--scorer", help="A scorer to apply to the answers.")] = None,
    plan: Annotated[Path | None, typer.Option(help="A YAML file with the plan.")] = None,
    unit: Annotated[str | None, typer.Option(help="The column that names the row; default: example_id.")] = None,
    cluster: Annotated[str | None, typer.Option(help="The column of what belongs together.")] = None,
    slices: Annotated[list[str] | None, typer.Option("--slice", help="A column to look at apart.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a text file that is not UTF-8, for example cp1252.")
    ] = None,
    as_json: terminal.Json = False,
) -> None:
    """Answers, scores and ratings that were produced elsewhere, as an experiment ready to be analysed."""
    options = OutputOptions(
        columns={"reference": reference} if reference else {},
        scores=tuple(score) if score else None,
        lower_is_better=tuple(lower_is_better or ()),
        control=control,
        unit=unit,
        cluster=cluster,
        slices=tuple(dict.fromkeys(slices or ())),
    )
    done = import_outputs(
        terminal.store(),
        terminal.read_file(file),
        filename=file.name,
        experiment=experiment,
        actor=terminal.actor(),
        options=options,
        scorers=[scorer_entry(text) for text in scorer or ()],
        plan=parse_plan(terminal.read_text(plan), source=plan.name) if plan else None,
        encoding=encoding,
    )
    for line in (*done.told, *done.notices):
        terminal.say(line)
    if as_json:
        terminal.print_json(
            {
                "experiment": experiment,
                "outputs": done.outputs,
                "recognised": list(done.told),
                "notices": list(done.notices),
            }
        )
    else:
        typer.echo(f"{experiment}: {done.outputs} answers. Next: bakeoff results '{experiment}'")


@imports.command()
def promptfoo(
    file: Annotated[Path, typer.Argument(help="promptfooconfig.yaml")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the experiment file and its rows.")
    ] = None,
) -> None:
    """Convert a promptfoo configuration into an experiment file and a test set; refuses by name what has no equal."""
    from commands.promptfoo_files import convert_files

    for written in convert_files(file, output or file.parent):
        typer.echo(written.name)


def export(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    what: Annotated[
        str, typer.Option(help="outputs, attempts, scores, ratings, exposures, outcomes, calls or analysis.")
    ],
    output_format: Annotated[str | None, typer.Option("--format", help="jsonl or csv.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; default: stdout.")] = None,
) -> None:
    """Everything of an experiment, always."""
    from experiments.exports import write_csv, write_jsonl
    from experiments.views.results.exports import export_rows

    chosen = output_format or ("csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl")
    if chosen not in ("jsonl", "csv"):
        raise BakeoffError("unknown_format", f"There is no format '{chosen[:20]}'.", "Use jsonl or csv.")
    columns, rows = export_rows(terminal.store(), name, what)
    with terminal.written(output) if output else nullcontext(sys.stdout) as file:
        count = write_csv(rows, columns, file, mark=output is not None) if chosen == "csv" else write_jsonl(rows, file)
    if output is not None:
        terminal.say(f"{count} rows → {output.name}")


def analyse(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="An analysis table: CSV, JSONL or Parquet.")],
    plan: Annotated[Path, typer.Option(help="PLAN.yaml")],
    as_json: terminal.Json = False,
) -> None:
    """The statistics on any analysis table; no database is needed."""
    from commands.result_text import print_results
    from experiments.results.table_analysis import analyse_table

    found = analyse_table(
        terminal.read_file(table), filename=table.name, plan_text=terminal.read_text(plan), plan_name=plan.name
    )
    terminal.print_json(found) if as_json else print_results(found)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(imports, name="import")
    app.command()(export)
    app.command()(analyse)
