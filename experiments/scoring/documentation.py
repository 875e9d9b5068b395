"""The page ``docs/scorers.md``, made from the scorers themselves; a test holds the page against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from experiments.scoring.options import OptionDescription
from experiments.scoring.registry import ScorerDescription, describe_all
from experiments.vocabulary import Direction, MetricKind

_KINDS = {MetricKind.BINARY: "pass or fail", MetricKind.SCORE: "score"}
_BETTER = {Direction.HIGHER: "higher", Direction.LOWER: "lower"}

_HEAD = """# Scorers

<!-- Generated: python -m experiments.scoring.documentation > docs/scorers.md -->

A scorer turns one output into one number. Each entry under `scorers:` of an experiment file makes a metric that the
plan may name:

```yaml
scorers:
  - exact_match                                        # by name, with the defaults
  - regex: "(?i)next step"                             # one value: the main option
  - contains: {text: refund, name: mentions_refund}    # options; `name` renames the metric
  - similarity: {threshold: 0.8}                       # `threshold` turns a score into pass or fail
```

- **Pass or fail** scorers give 1 or 0; with lower-is-better ones 1 means that something unwanted was found.
- **No score** is not 0: where a scorer cannot tell (no reference in the row, an empty column, a pattern that takes too
  long) the output has no value for this metric, and the reason stands beside it. A blank reference counts as none.
- `threshold` passes values of at least the threshold, or of at most where lower is better.
- Each score keeps the scorer's version and a fingerprint of its options; scores of different fingerprints are never
  compared. Scoring finished outputs again costs no model call.
- An option called `column`, or ending in `_column`, names a column of the test set.
- Rules find what can be written down. What needs judgement is a judge's work, and nearness in meaning that of an
  embedding model (`semantic_similarity`): both cost money, see [how-to/judges.md](how-to/judges.md).
"""

_FOOT = """
## Scorers of your own

A Python file `shouting.py` in a folder holds the scorer `shouting`:

```python
from experiments.scoring import Direction, MetricKind, Score, ScoringContext, scorer


@scorer(kind=MetricKind.SCORE, direction=Direction.LOWER)
def shouting(ctx: ScoringContext, *, ignore: str = "") -> Score:
    \"\"\"Share of capital letters among all letters.

    Options:
        ignore: Letters that do not count.
    \"\"\"
    letters = [c for c in ctx.output if c.isalpha() and c not in ignore]
    if not letters:
        return Score(None, "no letters")
    return Score(sum(c.isupper() for c in letters) / len(letters))
```

It is used like any other: `- shouting: {ignore: I}`. Packages offer scorers through the entry point group
`bakeoff.scorers` in the same way.

- The keyword-only parameters are the options; their types are checked when the experiment is read.
- The version is the declared one and a hash of the file (or the package's version): after an edit the scores are new.
- The code runs in a process of its own, without the server's environment, with 5 seconds for a score and 2 GiB of
  memory. A score that hangs, crashes or returns nonsense is stored as no score with the reason; after three failures in
  a row the scorer is switched off for the rest of the run.
- This guards against mistakes, not against malice: only people who may run code on the server should be able to write
  into the folder. A file cannot import its neighbours, but any installed package.
"""


def scorers_markdown() -> str:
    """The whole page: how scorers are written down, a table of all, and a section with the options of each."""
    scorers = describe_all()
    rows = [
        f"| [`{one.name}`](#{one.name}) | {_cell(one.summary)} | {_KINDS[one.kind]} | {_BETTER[one.direction]} |"
        f" {_needs(one)} |"
        for one in scorers
    ]
    table = "\n".join(["| scorer | gives | kind | better | needs |", "|---|---|---|---|---|", *rows])
    return "\n".join([_HEAD, table, "", *(_section(one) for one in scorers), _FOOT.strip(), ""])


def _section(one: ScorerDescription) -> str:
    lines = [f"## {one.name}", "", one.description, "", f"Version {one.version}."]
    if one.instead_of_reference:
        options = ", ".join(f"`{name}`" for name in one.instead_of_reference)
        lines[-1] += f" Needs no reference when one of {options} is given."
    if one.options:
        lines += ["", "| option | type | default | meaning |", "|---|---|---|---|"]
        lines += [_option_row(option, main=option.name == one.main) for option in one.options]
    lines += ["", "```yaml", f"- {one.name}{_example(one.example)}", "```", ""]
    return "\n".join(lines)


def _option_row(option: OptionDescription, *, main: bool) -> str:
    default = "required" if option.required else _default(option.default)
    name = f"`{option.name}`{' (main)' if main else ''}"
    return f"| {name} | {_cell(option.type)} | {default} | {_cell(option.description)} |"


def _default(value: object) -> str:
    return "none" if value in (None, [], "") else f"`{json.dumps(value, ensure_ascii=False)}`"


def _needs(one: ScorerDescription) -> str:
    columns = [option.name for option in one.options if option.required and option.name == "column"]
    return ", ".join([*one.needs, *columns]).replace("_", " ") or "–"


def _example(example: Mapping[str, Any]) -> str:
    """The options as one line of YAML, which JSON is."""
    return f": {json.dumps(dict(example), ensure_ascii=False)}" if example else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(scorers_markdown(), end="")
