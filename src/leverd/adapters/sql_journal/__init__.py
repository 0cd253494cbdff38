"""The journal, its queries and its letter box on SQL (SQLite now, PostgreSQL by URL later)."""

from leverd.adapters.sql_journal.heartbeat import Heartbeat
from leverd.adapters.sql_journal.journal import SqlJournal
from leverd.adapters.sql_journal.ledger import SqlLedger
from leverd.adapters.sql_journal.lock import Lock, acquire_lock, holder, lock_path
from leverd.adapters.sql_journal.requests import SqlRequests
from leverd.adapters.sql_journal.salvaging import Salvage, salvage

__all__ = [
    "Heartbeat",
    "Lock",
    "Salvage",
    "SqlJournal",
    "SqlLedger",
    "SqlRequests",
    "acquire_lock",
    "holder",
    "lock_path",
    "salvage",
]
