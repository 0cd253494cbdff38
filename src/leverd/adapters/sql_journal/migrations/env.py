"""Run by Alembic: migrate the connection that `migrate.upgrade` handed over."""

from __future__ import annotations

from alembic import context

from leverd.adapters.sql_journal.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()
