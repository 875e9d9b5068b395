"""The documents are held to the code: commands, variables, routes and decisions that exist are described."""

import re
from pathlib import Path

import pytest
import typer.main
from fastapi.routing import APIRoute

import cli
from gateway import routes
from storage.store import Store

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"


def _commands(command, path=()):
    if hasattr(command, "commands"):
        return [found for name, inner in command.commands.items() for found in _commands(inner, (*path, name))]
    return [path]


def test_every_command_is_described():
    text = (DOCS / "command-line.md").read_text("utf-8")
    missing = []
    for path in _commands(typer.main.get_command(cli.app)):
        group, name = path[0], path[-1]
        rows = [line for line in text.splitlines() if line.startswith(f"| `bakeoff {group}")]
        if not any(name == group or re.search(rf"\b{name}\b", row) for row in rows):
            missing.append(" ".join(path))
    assert missing == []


def test_every_environment_variable_is_described():
    sources = [ROOT / "settings.py", *(ROOT / "experiments").rglob("*.py"), *(ROOT / "commands").rglob("*.py")]
    used = {name for path in sources for name in re.findall(r"BAKEOFF_[A-Z_]+", path.read_text("utf-8"))}
    text = (DOCS / "command-line.md").read_text("utf-8")
    assert {name for name in used if name not in text} == set()


def test_every_route_is_described(sqlite_store: Store):
    text = (DOCS / "http-api.md").read_text("utf-8")
    paths = [f"/api{r.path}" for r in routes.api(sqlite_store).routes if isinstance(r, APIRoute)]
    assert [p for p in [*paths, *routes.operation(sqlite_store), *routes.raters(sqlite_store)] if p not in text] == []


def test_every_link_between_documents_leads_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name} → {target}")
    assert broken == []


def test_the_scorer_of_the_how_to_scores(tmp_path):
    from experiments.scoring import ScoringContext, bind_all
    from experiments.scoring.custom import CustomScorers

    text = (DOCS / "how-to" / "own-scorer.md").read_text("utf-8")
    example = re.search(r"```python\n# scorers/(\w+)\.py\n(.*?)```", text, re.DOTALL)
    (tmp_path / f"{example[1]}.py").write_text(example[2])
    with CustomScorers(tmp_path, with_entry_points=False) as custom:
        bound = bind_all([example[1]], custom=custom)[0]
        asked = {"body": "Where is #12345?"}
        values = [
            bound.score(ScoringContext(output, variables=variables)).value
            for output, variables in (("#12345 is on its way.", asked), ("It is on its way.", asked), ("Hello", {}))
        ]
    assert values == [1.0, 0.0, None]


def test_the_example_of_the_experiment_file_is_valid():
    from experiments.experiment_file import parse_experiment

    text = (DOCS / "experiment-file.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert parse_experiment(example[1]).plan.primary.metric == "names_next_step"


def test_the_example_of_the_session_file_is_valid():
    from experiments.ratings.session_file import parse_session

    example = re.search(r"```yaml\n(.*?)```", (DOCS / "rating-sessions.md").read_text("utf-8"), re.DOTALL)
    assert parse_session(example[1]).rows.by == "language"


@pytest.mark.parametrize(
    "name", ["README.md", "docs", "experiments", "storage", "gateway", "commands", "pages", "tests"]
)
def test_nothing_names_a_package_index(name: str):
    """Locks and texts name no index host: the project installs from whichever index its user has."""
    place = ROOT / name
    words = ("pypi" + ".org", "python" + "hosted", "index" + "-url", "registry.npm" + "js")
    files = (
        [place] if place.is_file() else [p for p in place.rglob("*") if p.suffix in {".md", ".py", ".lock", ".toml"}]
    )
    assert [p.name for p in files if any(word in p.read_text("utf-8", "ignore") for word in words)] == []
