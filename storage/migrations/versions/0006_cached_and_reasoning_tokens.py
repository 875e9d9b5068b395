"""cached prompt tokens and reasoning tokens of an output

Revision: 0006, after: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("output", sa.Column("cached_prompt_tokens", sa.Integer(), nullable=True))
    op.add_column("output", sa.Column("reasoning_tokens", sa.Integer(), nullable=True))
