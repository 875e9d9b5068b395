"""The house keeps its own rules: who may import whom, how things are named, what stays light."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("pages", "gateway", "commands", "experiments", "storage")
SOURCES = [p for name in PACKAGES for p in (ROOT / name).rglob("*.py") if "versions" not in p.parts] + [
    ROOT / n for n in ("app.py", "cli.py", "settings.py")
]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data"}


def test_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_modules_are_named_by_what_they_hold():
    named = [p for p in SOURCES if p.stem in FORBIDDEN_NAMES and p != ROOT / "commands" / "data.py"]
    assert named == []


def test_the_root_of_the_domain_holds_what_all_rooms_share():
    """A new story gets a room on each shelf; only words, errors and rules for values lie outside of them."""
    loose = {path.stem for path in (ROOT / "experiments").glob("*.py")} - {"__init__"}
    assert loose == {
        *("vocabulary", "errors", "wording", "version", "permissions", "background"),
        *("plain_text", "storable", "value_ranges", "vectors", "thinking", "refusals"),
        *("experiment_file", "strict_yaml", "exports"),
    }
    flat = {"authorise"} | {path.stem for path in (ROOT / "experiments/loading").glob("*.py")}
    assert {path.stem for shelf in ("actions", "views") for path in (ROOT / "experiments" / shelf).glob("*.py")} <= flat


def test_a_class_name_stands_once():
    """One word, one meaning: two public classes of one name are two ideas, or one idea in two places."""
    places = defaultdict(list)
    for path in SOURCES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_page_files_hide_no_package():
    """``pages/`` is first on the path of a running page: a file named like a package would hide it."""
    assert [p.name for p in (ROOT / "pages").glob("*.py") if "_" not in p.stem and p.stem != "navigation"] == []


def test_every_panel_has_a_key():
    """A panel without one is known to the browser by its place: a notice that appears above it closes it."""
    calls = [
        (path.name, node.lineno)
        for path in (ROOT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"expander", "popover"}
        and "key" not in {argument.arg for argument in node.keywords}
    ]
    assert calls == []


def test_app_holds_the_app_literally():
    """``streamlit run app.py`` finds the server by reading the file; the script must lie inside ``pages/``."""
    assert 'app = st.App(\n    "pages/navigation.py",' in (ROOT / "app.py").read_text("utf-8")


def test_files_and_functions_have_a_readable_size():
    too_long = []
    for path in SOURCES:
        text, place = path.read_text("utf-8"), path.relative_to(ROOT)
        if text.count("\n") > (600 if path.name in {"tables.py", "records.py"} else 400):
            too_long.append(str(place))
        too_long += [
            f"{place}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno + 1 > 60
        ]
    assert too_long == []


def test_a_worker_stays_light():
    """A worker imports neither pandas nor the statistics nor litellm before it needs them (its memory budget)."""
    heavy = ("pandas", "numpy", "scipy", "litellm", "altair", "streamlit", "pyarrow", "alembic")
    code = f"import sys, cli, commands.worker_loop; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_server_starts_without_litellm_and_statistics():
    code = "import sys, app; print([m for m in ('litellm', 'scipy') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_no_sql_is_built_from_strings():
    """Bound parameters only: no f-string or concatenation inside ``text(...)`` or ``exec_driver_sql(...)``."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in {"text", "exec_driver_sql"} and node.args:
                argument = node.args[0]
                dynamic = isinstance(argument, ast.JoinedStr | ast.BinOp)
                if dynamic and "storage" in path.parts:
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
