"""the price of cached prompt tokens among the prices typed in

Revision: 0007, after: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model_price", sa.Column("cached_input_per_million", sa.Float(), nullable=True))
