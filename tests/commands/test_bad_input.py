"""Bad input at the terminal: one line with cause and hint, exit code 2, nothing on stdout, nothing of the inside."""

import re
import socket

import pytest

from commands import terminal
from tests.builders import questions_csv
from tests.commands.test_command_line import EXPERIMENT

PLAN = "control: A\nplan: {primary: {metric: %s, smallest_effect: 0.05}}\nmetrics: {has_key: {kind: binary}}\n"
PROMPTFOO = "prompts: ['x {{a}}']\nproviders: [openai:gpt-4o-mini]\ntests: [{vars: {a: 1}, assert: [{type: llm-rubric, value: x}]}]\n"
FILES = {
    "questions.csv": questions_csv(40).decode(),
    "sums.yaml": EXPERIMENT,
    "unclosed.csv": 'a,b\n1,"x\n',
    "empty.csv": "",
    "cut.yaml": "a: [1\n",
    "list.yaml": "- 1\n",
    "plan.yaml": PLAN % "has_key",
    "answers.csv": "example_id,variant,output\n1,A,x\n1,B,y\n",
    "promptfoo.yaml": PROMPTFOO,
}
BAD = {
    "run missing.yaml": "There is no file missing.yaml.",
    "run cut.yaml": "cut.yaml, line 2",
    "run list.yaml": "It should begin with 'name:'",
    "run folder": "folder cannot be read",
    "run sums.yaml --rows 0": "'--rows'",
    "plan missing.yaml": "There is no file missing.yaml.",
    "resume nothing": "There is no experiment 'nothing'. Known: sums.",
    "results nothing": "There is no experiment 'nothing'.",
    "results summs": "Did you mean 'sums'?",
    "results": "Missing argument 'NAME'. See: bakeoff results --help",
    "score sums --scorer nope": "There is no scorer 'nope'.",
    "export sums": "Missing option '--what'.",
    "export sums --what everything": "nothing called 'everything' to export",
    "export sums --what outputs --format xml": "There is no format 'xml'. Use jsonl or csv.",
    "export sums --what outputs -o none/x.csv": "none/x.csv cannot be written",
    "export sums --what outputs -o folder": "folder cannot be written",
    "analyse missing.csv --plan plan.yaml": "There is no file missing.csv.",
    "analyse questions.csv --plan plan.yaml": "has no column 'variant'",
    "analyse unclosed.csv --plan plan.yaml": "unclosed.csv, line 2, column 3",
    "analyse questions.csv": "Missing option '--plan'.",
    "import dataset unclosed.csv": "unclosed.csv, line 2, column 3",
    "import dataset empty.csv": "the file is empty",
    "import dataset folder": "folder cannot be read",
    "import dataset questions.csv --name a@b": "not a plain name",
    "import outputs answers.csv": "Missing option '--experiment'.",
    "import outputs answers.csv --experiment x": "holds answers but no scores",
    "import outputs answers.csv --experiment x --scorer nope": "There is no scorer 'nope'.",
    "import outputs answers.csv --experiment x --score nope": "There is no column 'nope'",
    "import promptfoo promptfoo.yaml": "llm-rubric",
    "import promptfoo missing.yaml": "There is no file missing.yaml.",
    "import": "Missing command. See: bakeoff import --help",
    "promote nothing": "There is no experiment 'nothing'.",
    "promote sums --to Bad/label": "cannot be a label",
    "promote sums --variant Z": "There is no variant 'Z'. Known: A, B.",
    "promote sums --variant A": "needs a written reason",
    "rollback sums": "Missing option '--reason'.",
    "rollback sums --reason x": "No earlier version ever held this label.",
    "rollback sums --reason x --to 99": "has no version 99",
    "rollback sums --reason x --to newest": "'--to'",
    "rollback nothing --reason x": "There is no prompt 'nothing'. Known: sums.",
    "prompts show sums 99": "has no version 99",
    "prompts show sums canary": "Nothing of 'sums' is in 'canary'.",
    "prompts diff sums 1 9": "has no version 9",
    "prompts history nothing": "There is no prompt 'nothing'.",
    "prompts push cut.yaml": "cut.yaml, line 2",
    "prompts push questions.csv": "It should begin with 'name:'",
    "prompts pull nothing": "There is no prompt 'nothing'.",
    "prompts pull sums -o folder": "folder cannot be written",
    "keys create --name x --scopes fly": "There is no scope 'fly'. Choose from",
    "keys create --name x --scopes read --days 0": "'--days'",
    "keys revoke nothing": "There is no key 'nothing'.",
    "db backup none/b.gz": "No such file or directory",
    "db backup questions.csv": "questions.csv exists already.",
    "db restore missing.gz": "missing.gz",
    "db restore questions.csv": "is damaged or is not a backup",
    "worker --concurrency 0": "'--concurrency'",
    "serve --port 99999999": "'--port'",
    "serve --host 0.0.0.0": "--insecure-no-login",
    "--nonsense": "No such option: --nonsense. See: bakeoff --help",
    "nonsense": "No such command 'nonsense'.",
}
INSIDE = re.compile(r"Traceback|File \"|\bSELECT\b|\bINSERT\b|sqlalchemy|sqlite3|site-packages|BakeoffError|Errno")


@pytest.fixture
def finished(bakeoff, tmp_path):
    """A home with one finished experiment, and files of all kinds beside it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder").mkdir()
    assert bakeoff("run", "sums.yaml", "--yes").code == 0
    return bakeoff


def test_every_mistake_is_one_line_that_says_what_to_do(finished, tmp_path):
    wrong = {}
    for line, said in BAD.items():
        done = finished(*line.split())
        fine = (
            (done.code, done.out) == (2, "")
            and done.err.startswith("bakeoff: ")
            and done.err.count("\n") == 1
            and said in done.err
            and not INSIDE.search(done.err)
            and str(tmp_path) not in done.err
        )
        if not fine:
            wrong[line] = done
    assert wrong == {}


def test_nothing_was_changed_by_all_of_them(finished, tmp_path):
    before = finished("results", "sums", "--json").out
    files = sorted(path.name for path in tmp_path.iterdir())
    for line in BAD:
        finished(*line.split())

    assert finished("results", "sums", "--json").out == before
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert '"sums": null' not in finished("prompts", "list", "--json").out
    assert finished("audit", "verify").code == 0


@pytest.mark.parametrize(
    "url", ["mysql://host/x", "postgresql+psycopg://nobody:secret@127.0.0.1:1/none", "sqlite:////dev/null/x.db"]
)
def test_a_database_that_is_not_there_is_one_line_without_its_password(bakeoff, monkeypatch, url):
    monkeypatch.setenv("BAKEOFF_DATABASE_URL", url)

    done = bakeoff("results", "sums")

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("bakeoff: ")
    assert "secret" not in done.err
    assert not INSIDE.search(done.err)


def test_a_file_that_is_no_database_is_one_line(bakeoff, tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("This is no database. " * 400)
    monkeypatch.setenv("BAKEOFF_DATABASE_URL", f"sqlite:///{tmp_path / 'notes.txt'}")

    done = bakeoff("results", "sums")

    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "is damaged, or is no database" in done.err
    assert (tmp_path / "notes.txt").read_text().startswith("This is no database.")


def test_a_server_whose_port_is_taken_or_whose_home_cannot_be_written_says_so_in_one_line(
    bakeoff, tmp_path, monkeypatch
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = bakeoff("serve", "--port", str(port))
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"Port {port} of 127.0.0.1 cannot be used: Address already in use." in refused.err
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("BAKEOFF_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.delenv("BAKEOFF_DATABASE_URL", raising=False)

    terminal.settings.cache_clear()

    refused = bakeoff("serve", "--port", str(port))

    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "cannot be written: Not a directory." in refused.err
    assert str(tmp_path) not in refused.err


def test_a_port_that_is_none_is_named(bakeoff, monkeypatch):
    monkeypatch.setenv("BAKEOFF_PORT", "http")

    assert bakeoff("results", "x").err == "bakeoff: BAKEOFF_PORT is 'http'. Set it to a number from 1 to 65535.\n"


def test_the_version_and_the_help_are_told(bakeoff):
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", bakeoff("--version").out)
    assert "Commands:" in bakeoff().out
    assert "Commands:" in bakeoff("prompts", "--help").out
