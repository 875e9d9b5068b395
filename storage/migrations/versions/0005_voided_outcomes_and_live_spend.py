"""voided outcomes, and what live calls cost day by day

Revision: 0005, after: 0004
"""

import sqlalchemy as sa
from alembic import op

import storage.columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DAY_OF = {"sqlite": "substr(at, 1, 10)", "postgresql": "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}


def upgrade() -> None:
    op.add_column("outcome", sa.Column("voided_at", storage.columns.UtcDateTime(timezone=True), nullable=True))
    op.add_column("outcome", sa.Column("voided_by", sa.String(), nullable=True))
    op.add_column("outcome", sa.Column("void_reason", sa.Text(), nullable=True))
    op.create_table(
        "live_spend",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("usd", sa.Float(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("unknown_calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "purpose", "model", "prompt", "version", name=op.f("pk_live_spend")),
    )
    day = DAY_OF[op.get_bind().dialect.name]
    op.execute(
        f"""
        INSERT INTO live_spend (day, purpose, model, prompt, version, usd, calls, unknown_calls)
        SELECT {day}, CASE WHEN shadow THEN 'shadow' ELSE 'live' END, model, prompt, COALESCE(version, 0),
               SUM(COALESCE(cost_usd, 0.0)), COUNT(*), SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END)
        FROM gateway_call
        GROUP BY 1, 2, 3, 4, 5
        """
    )
