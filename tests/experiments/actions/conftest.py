"""A store with the sample project in it, without playing its story for each test anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from experiments.actions.sample.load_sample import load_sample_once
from storage.backup import backup, restore
from storage.engine import open_engine
from storage.store import Store
from tests.conftest import ManualClock
from tests.snapshots import Snapshots


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A backup of a database into which the sample was loaded."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copy(sqlite_template, folder / "sample.db")
    loaded = Store(open_engine(f"sqlite:///{folder / 'sample.db'}"), ManualClock())
    assert load_sample_once(loaded)
    backup(loaded, folder / "sample.gz")
    loaded.close()
    return folder / "sample.gz"


@pytest.fixture
def with_sample(store: Store, sample_file: Path, snapshots: Snapshots) -> Store:
    """A store on each kind of database that holds the sample."""
    snapshots.begin_with("sample", lambda empty: restore(empty, sample_file), store)
    return store
