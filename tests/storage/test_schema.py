import pytest
from sqlalchemy import text

from experiments.errors import BakeoffError
from storage import schema
from storage.engine import open_engine
from storage.schema_revision import HEAD, is_current
from storage.store import Store


def test_models_and_migrations_agree(store: Store):
    assert schema.check(store.engine) == []


def test_the_quick_revision_is_the_newest_migration():
    assert schema.head_revision() == HEAD


def test_an_empty_database_is_brought_to_the_newest_schema(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/new.db")
    assert not is_current(engine)
    schema.upgrade(engine)
    assert is_current(engine)
    assert schema.upgrade(engine) == HEAD
    engine.dispose()


@pytest.mark.postgres
def test_an_empty_postgresql_is_brought_to_the_newest_schema(postgres):
    engine = open_engine(postgres.empty_database())
    schema.upgrade(engine)
    assert schema.check(engine) == []
    engine.dispose()


def test_a_newer_database_is_refused(sqlite_store):
    with sqlite_store.begin() as tx:
        tx.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BakeoffError) as error:
        schema.upgrade(sqlite_store.engine)
    assert error.value.code == "newer_schema"


def test_a_drifted_table_is_told(sqlite_store):
    with sqlite_store.begin() as tx:
        tx.session.execute(text("ALTER TABLE setting ADD COLUMN odd TEXT"))
    assert any("odd" in line for line in schema.check(sqlite_store.engine))


@pytest.mark.parametrize(("at", "said_to_be"), [("0004", "0005"), ("0002", "0003"), ("0001", "0002")])
def test_a_revision_that_its_tables_do_not_bear_out_is_not_built_upon(tmp_path, at, said_to_be):
    engine = open_engine(f"sqlite:///{tmp_path}/side.db")
    with engine.begin() as connection:
        schema.bring_to(connection, at)
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{said_to_be}'"))
    with pytest.raises(BakeoffError) as error:
        schema.upgrade(engine)
    with engine.connect() as connection:
        left = schema.current_revision(connection)
    engine.dispose()
    assert error.value.code == "schema_differs"
    assert left == said_to_be
