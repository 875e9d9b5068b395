import threading

import pytest
from sqlalchemy import text

from experiments.errors import BakeoffError
from storage import schema
from storage.engine import open_engine
from storage.store import Store


def test_a_url_of_an_unknown_database_is_refused():
    with pytest.raises(BakeoffError) as error:
        open_engine("mysql://host/name")
    assert error.value.code == "bad_database_url"


def test_sqlite_in_memory_is_refused():
    with pytest.raises(BakeoffError):
        open_engine("sqlite://")


def test_sqlite_connections_are_durable_and_check_references(sqlite_store):
    with sqlite_store.engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}


def test_read_modify_write_from_many_threads_loses_nothing(store: Store):
    """Default SQLite use lost 228 of 1,195 acknowledged writes in this pattern; ours may lose none."""
    with store.begin() as tx:
        tx.installation.set_setting("counter", 0, actor="t", at=tx.clock())

    def count() -> None:
        for _ in range(25):
            with store.begin() as tx:
                if store.engine.dialect.name == "postgresql":
                    tx.session.execute(text("SELECT 1 FROM setting WHERE key = 'counter' FOR UPDATE"))
                value = tx.installation.setting("counter")
                tx.installation.set_setting("counter", value + 1, actor="t", at=tx.clock())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as tx:
        assert tx.installation.setting("counter") == 100


def test_an_exception_inside_a_transaction_keeps_nothing(store: Store):
    def half() -> None:
        with store.begin() as tx:
            tx.installation.set_setting("half", 1, actor="t", at=tx.clock())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with store.read() as tx:
        assert tx.installation.setting("half") is None


def test_times_come_back_aware_and_equal(store: Store):
    with store.begin() as tx:
        at = tx.clock()
        tx.prompts.add("p", actor="t", at=at)
    with store.read() as tx:
        found = tx.prompts.by_name("p")
    assert found is not None
    assert found.created_at == at
    assert found.created_at.tzinfo is not None


def test_a_time_without_zone_is_refused(store: Store):
    from datetime import datetime

    with pytest.raises(Exception, match="zone"), store.begin() as tx:
        tx.prompts.add("p", actor="t", at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_new_database_and_its_folder_are_readable_by_their_owner_alone(tmp_path):
    path = tmp_path / "home" / "bakeoff.db"
    engine = open_engine(f"sqlite:///{path}")
    schema.upgrade(engine)

    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in [path.parent, *path.parent.glob("bakeoff.db*")]}
    engine.dispose()
    assert modes["home"] == "0o700"
    assert {mode for name, mode in modes.items() if name.startswith("bakeoff.db") and "lock" not in name} == {"0o600"}
