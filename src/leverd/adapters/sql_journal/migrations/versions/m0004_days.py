"""Keep days of what pruning drops."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "days",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position_id", sa.String(200), primary_key=True),
        sa.Column("through", _BIG, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Refuse: a journal is never taken back, restore a backup instead."""
    raise NotImplementedError("restore a backup made before the upgrade")
