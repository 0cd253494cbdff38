"""What the newest index costs each append: the same commits on two files, with it and without.

Run: python -m benchmarks.append_cost [EVENTS]
Both files hold EVENTS entries before; a commit is the entries of one act, made durable. The two
are asked in turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

from sqlalchemy import Connection

from benchmarks.api_journal import NEW, POSITIONS, filled_file, life
from leverd.adapters.sql_journal import database
from leverd.adapters.sql_journal.codec import Body, encode
from leverd.adapters.sql_journal.rows import insert_bodies

COMMITS: Final = 400


def appended(connection: Connection, bodies: list[Body]) -> tuple[float, float]:
    """Append `bodies` in one commit; return processor and wall milliseconds."""
    spent, began = process_time(), perf_counter()
    with connection.begin():
        insert_bodies(connection, bodies, 1, 1)
    return (process_time() - spent) * 1000, (perf_counter() - began) * 1000


def main() -> int:
    """Fill two journals and append to both."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    acts = [[encode(each) for each in life(name)] for name in POSITIONS]
    with TemporaryDirectory() as folder:
        one, other = Path(folder, "with.db"), Path(folder, "without.db")
        filled_file(one, count)
        shutil.copy(one, other)
        with (
            closing(database.writing(one).connect()) as new,
            closing(database.writing(other).connect()) as old,
        ):
            with old.begin():
                old.exec_driver_sql(f"DROP INDEX {NEW}")
            took = [
                (*appended(new, acts[turn % 4]), *appended(old, acts[turn % 4]))
                for turn in range(COMMITS)
            ]
    for name, mine, theirs in (("processor", 0, 2), ("wall", 1, 3)):
        dearer = median(each[mine] - each[theirs] for each in took)
        with_it, without = (median(each[which] for each in took) for which in (mine, theirs))
        print(f"{name}: {with_it:.3f} ms with, {without:.3f} ms without, {dearer:+.3f} ms paired")
    print(f"{len(acts[0])} entries a commit, {COMMITS} commits, {count:,} entries before")
    return 0


if __name__ == "__main__":
    sys.exit(main())
