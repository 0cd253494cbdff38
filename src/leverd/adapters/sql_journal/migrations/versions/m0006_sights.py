"""Keep what the last turn saw beside its time, for who reads a copy from afar."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; the next turn fills them."""
    for name in ("sight", "spot"):
        op.add_column("turns", sa.Column(name, sa.Text, nullable=True))


def downgrade() -> None:
    """Drop them: each turn tells anew what it sees."""
    for name in ("sight", "spot"):
        op.drop_column("turns", name)
