"""Find a position's entries of one kind by index, however deep in the past."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME = "events_by_position_and_kind"


def upgrade() -> None:
    """Create the index: whole or not at all, as all of an upgrade is one transaction."""
    op.create_index(_NAME, "events", ["position_id", "kind", "seq"])


def downgrade() -> None:
    """Drop it: nothing but speed rests on it."""
    op.drop_index(_NAME, "events")
