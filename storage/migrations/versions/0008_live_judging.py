"""judges of live answers: their calls on the books, their budget, and the answers drawn for people

Revision: 0008, after: 0007
"""

import sqlalchemy as sa
from alembic import op

import storage.columns

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = storage.columns.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.add_column("live_phase", sa.Column("judge_spent_usd", sa.Float(), nullable=False, server_default="0"))
    op.create_table(
        "live_judgement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("phase_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("question", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("estimated_cost_usd", sa.Float(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("cost_status", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("error_kind", sa.String(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["gateway_call.id"], name=op.f("fk_live_judgement_call_id_gateway_call")),
        sa.ForeignKeyConstraint(["phase_id"], ["live_phase.id"], name=op.f("fk_live_judgement_phase_id_live_phase")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_judgement")),
        sa.UniqueConstraint(
            "call_id",
            "fingerprint",
            "question",
            "number",
            name=op.f("uq_live_judgement_call_id_fingerprint_question_number"),
        ),
    )
    op.create_index("ix_live_judgement_state", "live_judgement", ["state", "started_at"])
    op.create_index("ix_live_judgement_phase_id", "live_judgement", ["phase_id", "state"])
    op.create_table(
        "live_draw",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("phase_id", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("call_ids", storage.columns.Json, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiment.id"], name=op.f("fk_live_draw_experiment_id_experiment")
        ),
        sa.ForeignKeyConstraint(["phase_id"], ["live_phase.id"], name=op.f("fk_live_draw_phase_id_live_phase")),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_live_draw")),
    )
    op.create_index("ix_live_draw_phase_id", "live_draw", ["phase_id"])
