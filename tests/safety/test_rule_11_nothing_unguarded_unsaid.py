"""Design rule 11: a stop says what it leaves, a damaged journal keeps its prefix, a full disk
has a reserve, and a turn that is denied is a turn.
"""

from __future__ import annotations

import pytest
from tests.journal_events import SteadyClock, decision
from tests.unit.engine.daemons import Stage

from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.sql_journal.reserve import Reserve
from leverd.adapters.sql_journal.salvaging import salvage
from leverd.domain.events import AlertRaised, DaemonStarted, DaemonStopped
from leverd.domain.plan_events import PlanDenied
from leverd.errors import JournalDamagedError


async def test_a_stop_says_leverage_health_liquidation_price_and_the_way_out():
    stage = Stage()
    await stage.live(12)
    (stopped,) = stage.events(DaemonStopped)
    (line,) = stopped.unguarded
    for word in ("loop:", "leverage 2.5", "health 1.38", "liquidated below", "leverd unwind loop"):
        assert word in line


async def test_a_turn_that_ends_denied_is_completed_and_beats():
    stage = Stage(gas_price_wei_max=1)  # nothing calm is affordable
    await stage.live(5)
    assert stage.events(PlanDenied)
    assert len(stage.beats) == 5
    assert not stage.owes


async def test_however_often_it_starts_it_goes_on_guarding():
    stage = Stage()
    await stage.live(12)
    for _ in range(5):
        await stage.live(1)
    assert len(stage.events(DaemonStarted)) == 6
    assert 2.4 < stage.leverage < 2.6


def test_a_damaged_journal_keeps_its_whole_prefix_and_sets_the_rest_aside(tmp_path):
    path = tmp_path / "journal.db"
    written = [decision(number) for number in range(1, 400)]
    journal = SqlJournal(path, SteadyClock())
    journal.append_now(*written)
    journal.close()
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(len(whole) * 2 // 3)
        file.write(b"\xff" * 4096)
    damaged = path.read_bytes()

    with pytest.raises(JournalDamagedError):
        _events(path)
    done = salvage(path, SteadyClock())
    assert done is not None
    *kept, said = _events(path)
    assert isinstance(said, AlertRaised)
    assert 100 < len(kept) < len(written)
    assert kept == written[: len(kept)]
    assert (done.quarantine / "journal.db").read_bytes() == damaged


def test_a_reserve_is_really_on_the_disk_and_given_back_once(tmp_path):
    reserve = Reserve(tmp_path / "journal.db")
    assert reserve.hold()
    assert reserve.path.stat().st_blocks * 512 >= 4 * 1024 * 1024  # not sparse
    assert reserve.free()
    assert not reserve.path.exists()
    assert not reserve.free()


def _events(path):
    journal = SqlJournal(path, SteadyClock())
    try:
        return [entry.event for entry in journal.replay()]
    finally:
        journal.close()
