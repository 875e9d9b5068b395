"""The newest schema revision, readable without importing alembic, which takes a second; a test ties them."""

from __future__ import annotations

from sqlalchemy import Engine, inspect, text

from storage.refusals import translated

HEAD = "0008"


def is_current(engine: Engine) -> bool:
    """True when the database is at this program's revision. Raises BakeoffError when it cannot be reached."""
    with translated(), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
