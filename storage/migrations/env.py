"""Alembic environment: always runs on a connection that ``storage.schema`` hands in."""

from typing import Literal

from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from storage import live_tables, rating_tables, tables

assert tables.Prompt is not None  # importing the modules fills the metadata
assert rating_tables.RatingSession is not None
assert live_tables.LivePhase is not None


def render_item(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    """SQLModel's text type is plain text to a migration."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render_item,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
