"""What the API asks of a large journal: processor time of every kind of query, and how it is found.

Run: python -m benchmarks.api_queries [EVENTS] [--postgres]
The goal is 50 ms for each query; beside them stands the same page without any filter, which needs
no index but the primary one. On PostgreSQL the server's own processor time is told too.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import psutil
from sqlalchemy import Engine, event, text
from tests import postgres
from tests.journal_events import WAD, snapshot

from benchmarks.api_journal import APART_S, POSITIONS, SINCE, filled_file, filled_server
from leverd.adapters.sql_journal import Server, SqlLedger, doors
from leverd.api.asked import Asked
from leverd.api.chronicle import Chronicle
from leverd.api.courses import rates, snapshots, thinned
from leverd.api.history import (
    ATTEMPTS,
    DECISIONS,
    PLANS,
    decision_rows,
    trade_rows,
    transaction_rows,
)
from leverd.api.routes.money import days_page
from leverd.cli import picture
from leverd.domain.events import PnlRecorded
from leverd.interfaces.journal import Entry

LOOKS = 30
GOAL_MS = 50
MARKS = 5_000
FOLDED = 50_000


def chronicle_of(count: int) -> Chronicle:
    """Return what the API knows of days and balances once it has read `count` entries."""
    found, at = Chronicle(), datetime.fromtimestamp(SINCE, UTC)
    for number in range(MARKS):
        seq = 1 + number * count // MARKS
        then = SINCE + seq * APART_S
        for name in POSITIONS:
            mark = PnlRecorded(name, snapshot(number, at=then), {"price": 5}, WAD, 10**8)
            found.note(Entry(seq, at, then, mark))
    return found


def queries(ledger: SqlLedger, count: int) -> dict[str, Callable[[], object]]:
    """Return every kind of query that a route makes, by what it is for."""
    middle = datetime.fromtimestamp(SINCE + count // 2 * APART_S, UTC)
    chronicle, early = chronicle_of(count), count // 3

    def page(kinds=(), position="", *, since=None, before=None):
        return Asked(position, 0, before, since, None, 100, as_csv=False).page(ledger, kinds)

    def looks(points: int) -> Any:
        return snapshots(ledger.numbered(thinned(chronicle.balances(one), points)))

    one = POSITIONS[1]
    return {
        "reference: the newest 100": page,
        "events before the middle": lambda: page(before=count // 2),
        "events since a moment": lambda: page(since=middle),
        "events of a position": lambda: page((), one),
        "events of three kinds": lambda: page(("PlanCompleted", "PlanApproved", "SlotFinal")),
        "events of three kinds, deep": lambda: page(
            ("PlanCompleted", "PlanApproved", "SlotFinal"), one, before=early
        ),
        "events of a kind there is none of": lambda: page(("PortfolioStopped", "OrderFired")),
        "decisions": lambda: decision_rows(ledger, page(DECISIONS)),
        "decisions of a position, deep": lambda: decision_rows(
            ledger, page(DECISIONS, one, before=early), one
        ),
        "trades": lambda: trade_rows(ledger, page(PLANS)),
        "trades, deep": lambda: trade_rows(ledger, page(PLANS, before=early)),
        "trades of a position": lambda: trade_rows(ledger, page(PLANS, one), one),
        "transactions": lambda: transaction_rows(ledger, page(ATTEMPTS)),
        "transactions, deep": lambda: transaction_rows(ledger, page(ATTEMPTS, before=early)),
        "the last mark": lambda: ledger.entries(
            kinds=("PnlRecorded",), position_id=one, limit=1, newest_first=True
        ),
        "days, the newest 100 of all": lambda: days_page(chronicle, "", None, 100),
        "days, 100 before 2021": lambda: days_page(chronicle, one, date(2021, 1, 1), 100),
        "a line of 500 points": lambda: looks(500),
        "rates at 500 points": lambda: rates(looks(500)),
    }


@contextmanager
def noted() -> Iterator[list[tuple[str, Any]]]:
    """Yield what databases are asked inside the block."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def told(place: Path | Server, count: int) -> None:
    """Print a row for each query, then how it is found."""
    asked: dict[str, tuple[str, Any]] = {}
    with closing(SqlLedger(place)) as ledger:
        found = queries(ledger, count)
        servers = backends(place) if isinstance(place, Server) else []
        print("| query | median, ms | slowest, ms | server, ms |", "|---|---|---|---|", sep="\n")
        for name, ask in found.items():
            with noted() as seen:
                ask()
            asked.update({name: seen[0]} if seen else {})
            print(f"| {name} | {timed(ask, servers)} |", flush=True)
    explain = "EXPLAIN" if isinstance(place, Server) else "EXPLAIN QUERY PLAN"
    with closing(doors.reading(place)) as door, door.begin() as connection:
        for name, (statement, parameters) in asked.items():
            plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
            print(f"{name}: {'; '.join(str(row[-1]).strip() for row in plan)}"[:400])


def backends(server: Server) -> list[psutil.Process]:
    """Return the processes of PostgreSQL that serve us."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    with closing(doors.reading(server)) as door, door.begin() as connection:
        pids = connection.execute(text(f"{query} AND pid <> pg_backend_pid()")).scalars().all()
    return [psutil.Process(pid) for pid in pids]


def timed(ask: Callable[[], object], servers: list[psutil.Process]) -> str:
    """Return median and slowest of some looks, and the servers' mean, in milliseconds."""
    gc.collect()  # what others left is not this query's to clean up
    took, before = [], spent(servers)
    for _ in range(LOOKS):
        began = process_time()
        ask()
        took.append((process_time() - began) * 1000)
    beside = (spent(servers) - before) * 1000 / LOOKS
    return f"{median(took):.1f} | {max(took):.1f} | {beside:.0f}"


def spent(servers: list[psutil.Process]) -> float:
    """Return the processor seconds of `servers`."""
    times = [each.cpu_times() for each in servers if each.is_running()]
    return sum(each.user + each.system for each in times)


def folded(path: Path) -> None:
    """Print what the API's first look costs, which reads everything, by a small journal."""
    filled_file(path, FOLDED)
    chronicle = Chronicle()
    with closing(SqlLedger(path)) as ledger:
        began = process_time()
        picture.read_on(picture.Story(), ledger, chronicle.note)
        took = process_time() - began
    print(f"first look: {took / FOLDED * 10**6:.0f} s of processor for a million entries")


def main() -> int:
    """Fill a journal and ask it everything."""
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    count = numbers[0] if numbers else 100_000
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory()))
        began = process_time()
        place: Path | Server = folder / "journal.db"
        if "--postgres" in sys.argv:
            cluster = held.enter_context(postgres.running(folder))
            place = Server(url := cluster.database())
            upgraded = filled_server(url, count)
            files = [each for each in cluster.data.rglob("*") if each.is_file()]
        else:
            upgraded = filled_file(folder / "journal.db", count)
            files = [folder / "journal.db"]
        size = sum(each.stat().st_size for each in files) / 2**20
        print(f"{count:,} entries, {size:,.0f} MiB, filled in {process_time() - began:.0f} s")
        print(f"upgrade from 0004: {upgraded:.1f} s by the wall; goal of a query {GOAL_MS} ms")
        told(place, count)
        folded(folder / "small.db")
    return 0


if __name__ == "__main__":
    sys.exit(main())
