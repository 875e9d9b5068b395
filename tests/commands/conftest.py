"""The command line in this process: arguments in, exit code, stdout and stderr out."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import cli
from commands import terminal


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def bakeoff(capsys: pytest.CaptureFixture[str], monkeypatch, tmp_path, sqlite_template) -> Iterator:
    """Runs one command in a fresh home, whose empty database is there already: making one takes most of a command."""
    (tmp_path / "home").mkdir()
    shutil.copy(sqlite_template, tmp_path / "home" / "bakeoff.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAKEOFF_DEMO_TIME_SCALE", "0")
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code = cli.run(list(arguments))
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    terminal.settings.cache_clear()
    terminal.store.cache_clear()
    terminal.messages.cache_clear()
    yield run
    if terminal.store.cache_info().currsize:
        terminal.store().close()
    for cached in (terminal.settings, terminal.store, terminal.messages):
        cached.cache_clear()
