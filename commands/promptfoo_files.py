"""``bakeoff import promptfoo``: a promptfoo configuration on disk → an experiment file and its rows beside it."""

from __future__ import annotations

from pathlib import Path

from commands import terminal
from experiments.errors import BakeoffError
from experiments.exports import write_jsonl
from experiments.promptfoo import convert


def convert_files(file: Path, folder: Path) -> list[Path]:
    """The files written: the experiment, and its rows. Only files below the configuration's folder are read.

    Raises:
        BakeoffError: everything that has no equal here, by name and place; ``file_exists``; nothing is written then.
    """
    base = file.resolve().parent
    name = base.name if file.stem in ("promptfooconfig", "promptfoo") else file.stem
    rows_name = f"{file.stem}-rows.jsonl"
    done = convert(
        terminal.read_text(file),
        read_file=lambda path: _read_below(base, path),
        source=file.name,
        name=name,
        dataset=rows_name,
    )
    experiment, rows = folder / f"{file.stem}-bakeoff.yaml", folder / rows_name
    for target in (experiment, rows):
        if target.exists():
            raise BakeoffError(
                "file_exists", f"{target.name} exists already.", "Move it away, or choose another folder with -o."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BakeoffError("unwritable", f"The folder {folder} cannot be made: {error.strerror}.") from None
    with terminal.written(rows) as out:
        write_jsonl((dict(zip(done.columns, row, strict=True)) for row in done.rows), out)
    with terminal.written(experiment) as out:
        out.write(done.text)
    for note in done.notes:
        terminal.say(note)
    terminal.say(f"Next: bakeoff run {experiment.name}")
    return [experiment, rows]


def _read_below(base: Path, path: str) -> bytes:
    wanted = (base / path.removeprefix("file://")).resolve()
    if not wanted.is_relative_to(base):
        raise BakeoffError("outside", f"{path} lies outside the folder of the configuration.", "Copy it there.")
    return terminal.read_file(wanted)
