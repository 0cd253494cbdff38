"""An order's client id is the journal's own: another journal's order of that number has another."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest
from tests.journal_events import decision
from tests.spots import SpotStage
from tests.unit.spot.test_spot_orders import approved

from leverd.adapters.sql_journal import SqlJournal, SqlLedger
from leverd.adapters.sql_journal.salvaging import salvage
from leverd.adapters.sql_journal.upkeep import backup
from leverd.api.spot_history import spot_trades
from leverd.domain.spot_events import SpotAttemptSigned
from leverd.engine.recorder import Recorder
from leverd.execution.spot_orders import SpotOrders

FIRST, LATER = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))


class Standing:
    """Wall time that stands."""

    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


async def placed(path, at=FIRST, *before):
    """Place an order that the journal at `path` knows of; return its number and its client id."""
    journal = SqlJournal(path, Standing(at))
    with closing(journal):
        recorder = Recorder(journal)
        recorder.restore()
        if before:
            await recorder.append(*before)
        stage = SpotStage()
        await SpotOrders(stage.venue, recorder, lambda: recorder.book.spot).place(approved())
        return [(each.seq, each.event.cid) for each in journal.replay()
                if isinstance(each.event, SpotAttemptSigned)][-1]  # fmt: skip


async def test_a_journal_that_begins_anew_uses_a_number_again_and_no_id(tmp_path):
    first = await placed(tmp_path / "one.db")
    again = await placed(tmp_path / "two.db", LATER)
    assert first[0] == again[0]
    assert first[1] != again[1]


async def test_a_salvaged_journal_uses_a_number_again_and_no_id(tmp_path):
    path = tmp_path / "journal.db"
    first = await placed(path, FIRST, decision(1), decision(2))
    with closing(SqlJournal(path, Standing(FIRST))) as journal:
        journal._writer.submit(_damage, journal, 2).result()
    assert salvage(path, Standing(LATER)).last_seq == 1
    again = await placed(path, LATER)  # after the entry that says that it was salvaged
    assert first[0] == again[0]
    assert first[1] != again[1]


def _damage(journal, seq):
    with journal._connection.begin():
        journal._connection.exec_driver_sql(f"UPDATE events SET body = '{{' WHERE seq = {seq}")


@pytest.mark.parametrize("copied", [False, True])
async def test_the_same_journal_opened_again_or_copied_tells_the_very_same_id(tmp_path, copied):
    path = tmp_path / "journal.db"
    _, cid = await placed(path)
    if copied:
        backup(path, tmp_path / "copy.db")
        path = tmp_path / "copy.db"
    with closing(SqlLedger(path)) as ledger:
        plans = ledger.entries(kinds=("SpotOrderPlanned",))
        (row,) = spot_trades(ledger, plans).values()
    assert row.plan_id == cid
