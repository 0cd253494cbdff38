"""The journal, its queries and its letter box on SQLite, and their copy on PostgreSQL."""

from leverd.adapters.sql_journal.heartbeat import Heartbeat
from leverd.adapters.sql_journal.journal import SqlJournal
from leverd.adapters.sql_journal.lease import LeaseRow, Seen
from leverd.adapters.sql_journal.lease_file import LeaseFile
from leverd.adapters.sql_journal.ledger import SqlLedger
from leverd.adapters.sql_journal.lock import Lock, acquire_lock, holder, lock_path
from leverd.adapters.sql_journal.requests import SqlRequests
from leverd.adapters.sql_journal.salvaging import Salvage, salvage
from leverd.adapters.sql_journal.server import Server

__all__ = [
    "Heartbeat",
    "LeaseFile",
    "LeaseRow",
    "Lock",
    "Salvage",
    "Seen",
    "Server",
    "SqlJournal",
    "SqlLedger",
    "SqlRequests",
    "acquire_lock",
    "holder",
    "lock_path",
    "salvage",
]
