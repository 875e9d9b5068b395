"""``docs/statistics.md`` says what the code does."""

import re
from pathlib import Path

import pytest

from experiments.stats.documentation import STATES, refreshed, sources_table_markdown
from experiments.stats.estimates import State
from experiments.stats.methods import METHODS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "statistics.md").read_text("utf-8")
RULES = re.compile(r'(?:rule=f?|rule == |return f?)"([a-z_]+)(?::[^"]*)?"')


def test_the_page_says_what_the_code_does():
    assert refreshed(PAGE) == PAGE, "run: python -m experiments.stats.documentation docs/statistics.md"


def test_a_page_without_its_parts_is_refused():
    with pytest.raises(ValueError, match="no part 'methods'"):
        refreshed("# The statistics\n")


def test_every_method_and_every_state_has_a_line():
    assert [m.name for m in METHODS if f"| `{m.name}` |" not in PAGE] == []
    assert set(STATES) == set(State)
    assert [s for s in State if f"| `{s.value}` |" not in PAGE] == []


def test_every_deciding_rule_is_explained():
    sources = [ROOT / "experiments" / "results" / name for name in ("decision.py", "verdicts/cases.py")]
    rules = {rule for path in sources for rule in RULES.findall(path.read_text("utf-8"))}
    rules |= {"better", "better_but_small"}

    assert len(rules) >= 15
    assert {rule for rule in rules if f"`{rule}`" not in PAGE and f"`{rule}:" not in PAGE} == set()


def test_formulas_of_every_file_have_their_source():
    silent = {"bootstrap", "documentation", "estimates", "methods", "samples", "summaries"}
    files = {path.stem for path in (ROOT / "experiments" / "stats").glob("*.py")} - silent - {"__init__"}

    assert {name for name in files if f"| `{name}." not in sources_table_markdown()} == set()
