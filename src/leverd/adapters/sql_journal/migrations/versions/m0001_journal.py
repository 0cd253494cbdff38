"""Create the journal: events, binding, prunes and requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the four tables."""
    op.create_table(
        "events",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.Column("chain_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("position_id", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
    )
    op.create_index("events_by_kind", "events", ["kind", "seq"])
    op.create_index("events_by_position", "events", ["position_id", "seq"])
    op.create_table(
        "binding",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False
        ),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("genesis", sa.String(80), nullable=False),
    )
    op.create_table(
        "prunes",
        sa.Column("through", _BIG, primary_key=True, autoincrement=False),
        sa.Column("kept", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("position_id", sa.String(200), nullable=False),
        sa.Column("by", sa.String(16), nullable=False),
        sa.Column("put_at", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Refuse: a journal is never taken back, restore a backup instead."""
    raise NotImplementedError("restore a backup made before the upgrade")
