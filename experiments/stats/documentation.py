"""The parts of ``docs/statistics.md`` that the code knows better than a writer; a test holds the page against them.

Between the lines ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` of the page stands what ``SECTIONS[NAME]`` gives.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import experiments.stats
from experiments.stats.estimates import State
from experiments.stats.methods import methods_table_markdown

STATES = {
    State.OK: "there are numbers",
    State.NOT_YET: "the plan reads the result once, and the planned size is not reached",
    State.NO_DATA: "no row has a value of this metric for the variants compared",
    State.NO_CONTROL: "the control has no rows",
    State.TOO_FEW_UNITS: "fewer independent units than the method needs (one pair, five rows, 19 rows of a slice)",
    State.TOO_FEW_CLUSTERS: "too few conversations, customers or templates to know how much they differ",
    State.NO_VARIATION: "every row gives the same difference: known exactly, but without a spread to test it by",
    State.ALL_TIES: "every vote or every graded row is a tie",
    State.ZERO_DENOMINATOR: "a ratio of 0 / 0: the denominators of a variant add up to 0",
    State.CONTROL_NEAR_ZERO: "the control is too close to 0 for a relative change; the difference stands",
    State.NEEDS_ROWS: "sums are not enough for this metric, or the metric has no such aggregate",
    State.NOT_ESTIMABLE: "a few units contribute most of the total, so that it says little of all the others",
    State.ONE_CATEGORY: "every rating is the same, so agreement cannot be told from habit",
    State.NO_OVERLAP: "no item was rated by two people, or items have unequal numbers of votes",
    State.DISCONNECTED: "some variants were never compared with the others, not even through a third one",
    State.SEPARATED: "some variants never lost to the others: a ranking, but no upper limit of the gap",
    State.USELESS_JUDGE: "the automatic judge may be no better than a coin",
    State.TOO_FEW_LABELS: "people have judged too few of the same outputs to correct the judge",
}


def states_table_markdown() -> str:
    """The named states that stand in place of a number, one line each."""
    lines = ["| `status` | means |", "| --- | --- |"]
    lines += [f"| `{state.value}` | {STATES[state]} |" for state in State]
    return "\n".join(lines) + "\n"


def sources_table_markdown() -> str:
    """Every formula with where it comes from: the ``Source:`` of each public function of ``experiments.stats``."""
    lines = ["| Formula | Says | Source |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {_cell(first)} | {_cell(source)} |" for name, first, source in _sourced()]
    return "\n".join(lines) + "\n"


def _sourced() -> Iterator[tuple[str, str, str]]:
    """Name, first sentence and source of everything in the package that names a source, in the order of the names."""
    for found in sorted(pkgutil.iter_modules(experiments.stats.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"experiments.stats.{found.name}")
        for name, thing in sorted(vars(module).items()):
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            text = inspect.getdoc(thing) or ""
            source = re.search(r"^Source: (.*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
            if source:
                yield f"{found.name}.{name}", text.split("\n\n")[0], source[1]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


SECTIONS = {
    "methods": methods_table_markdown,
    "states": states_table_markdown,
    "sources": sources_table_markdown,
}


def refreshed(page: str) -> str:
    """The page with every generated part made anew, everything else as it is.

    Raises:
        ValueError: a part is missing in the page.
    """
    for name, make in SECTIONS.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, opened, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise ValueError(f"the page has no part {name!r} between {begin.strip()} and {end}")
        page = f"{before}{begin}\n{make()}\n{end}{after}"
    return page


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(refreshed(place.read_text("utf-8")), encoding="utf-8")
