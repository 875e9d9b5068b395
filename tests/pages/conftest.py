"""The pages as people meet them: the whole app, started at its shell, on a database of the test's own."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from experiments.actions.results.open_results import open_results
from pages.components import session
from pages.components.errors import NEUTRAL as UNEXPECTED
from storage.store import Store, open_store
from tests.builders import ADA, AS_JSON, JSON_PROMPT, made, run_to_end, spec_of

SHELL = str(Path(__file__).resolve().parents[2] / "pages" / "navigation.py")
SWAPPED = [
    {"name": "A", "prompt": JSON_PROMPT, "model": "demo/small", "parameters": AS_JSON},
    {"name": "B", "prompt": "{{question}}", "model": "demo/small"},
]
_TAG = re.compile(r"<[^>]+>")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|\u2060")


class Opened:
    """The app at one page, and what can be read there."""

    def __init__(self, at: AppTest) -> None:
        self.at = at

    def go(self, page: str, **parameters: str) -> Opened:
        """Open another page at an address."""
        self.at.switch_page(page)
        self.at.query_params.clear()
        for name, value in parameters.items():
            self.at.query_params[name] = value
        return self.run()

    def run(self) -> Opened:
        """Run the script again; a page may never end in an exception, neither a shown nor a caught one."""
        self.at.run()
        assert [problem.value for problem in self.at.exception] == []
        assert UNEXPECTED not in [problem.value for problem in self.at.error]
        return self

    def press(self, label: str) -> Opened:
        """Click the button with that label."""
        found = [button for button in self.at.button if button.label == label]
        assert len(found) == 1, f"{label!r} among {[b.label for b in self.at.button]}"
        found[0].click()
        return self.run()

    @property
    def words(self) -> str:
        """Everything that stands on the page as running text, without markup."""
        kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success", "toast")
        pieces = [str(element.value) for kind in kinds for element in getattr(self.at, kind)]
        drawn = [element.value for element in self.at.html if not element.value.startswith("<style>")]
        pieces += [html.unescape(_TAG.sub(" ", markup)) for markup in drawn]
        pieces += [link.label for link in self.at.page_link]
        return " ".join(_ESCAPED.sub(r"\1", " ".join(pieces)).split())

    @property
    def errors(self) -> list[str]:
        """What the page says went wrong."""
        return [" ".join(_ESCAPED.sub(r"\1", problem.value).split()) for problem in self.at.error]

    @property
    def buttons(self) -> list[str]:
        """The labels of all buttons."""
        return [button.label for button in self.at.button]


@pytest.fixture(scope="session")
def finished_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A database with two finished experiments: in ``sums`` B wins, in ``swapped`` B loses."""
    path = tmp_path_factory.mktemp("finished") / "finished.db"
    shutil.copy(sqlite_template, path)
    store = open_store(f"sqlite:///{path}")
    for spec in (spec_of(slices=["kind"]), spec_of("swapped", variants=SWAPPED, promotes="sums")):
        made(store, spec)
        run_to_end(store, spec.name)
        open_results(store, spec.name, actor=ADA)
    store.close()
    return path


@pytest.fixture
def empty(tmp_path: Path, sqlite_template: Path) -> Iterator[Store]:
    """A new installation."""
    yield from _copy_of(sqlite_template, tmp_path)


@pytest.fixture
def finished(tmp_path: Path, finished_template: Path) -> Iterator[Store]:
    """An installation with finished work in it."""
    yield from _copy_of(finished_template, tmp_path)


def _copy_of(template: Path, folder: Path) -> Iterator[Store]:
    path = folder / "pages.db"
    shutil.copy(template, path)
    store = open_store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Store], Opened]]:
    """Opens the app on a store, at Home."""

    def opened(store: Store) -> Opened:
        monkeypatch.setenv("BAKEOFF_DATABASE_URL", store.engine.url.render_as_string(hide_password=False))
        monkeypatch.setenv("BAKEOFF_SAMPLE", "0")
        forget()
        return Opened(AppTest.from_file(SHELL, default_timeout=60)).run()

    def forget() -> None:
        st.cache_resource.clear()
        st.cache_data.clear()

    yield opened
    session.store().close()
    forget()
