"""leverd write-off: what spot holds and is there no more is given up, by the owner alone."""

from __future__ import annotations

import pytest
from tests.unit.cli.test_spot_rows import DECIDED, MARKED, PLANNED, SENT, SETTLED, SIGNED
from tests.unit.settings.test_spot_settings import COMMENTED, section

from leverd.adapters.sql_journal import SqlLedger
from leverd.bootstrap.spot_home import check_home
from leverd.cli import write_off
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotWrittenOff
from leverd.domain.spot_home import SpotHome
from leverd.errors import LeverdError

COST = 80 * WAD + WAD // 10
ELSEWHERE = SpotHome("another", "0x2", "injective-1", 0)


@pytest.fixture
def trader(owner):
    """An owner who trades spot, with a purchase behind them."""
    owner.edit(COMMENTED, section())
    owner.with_history()
    journal = owner.open_journal()
    journal.append_now(DECIDED, PLANNED, SIGNED, SENT, SETTLED, MARKED, chain_at=400)
    journal.close()
    return owner


def newest(owner):
    ledger = SqlLedger(owner.journal)
    (entry,) = ledger.entries(newest_first=True, limit=1)
    ledger.close()
    return entry


def test_all_that_is_held_is_counted_as_lost_and_ties_spot_to_nothing(trader):
    with pytest.raises(LeverdError) as tied:
        check_home(write_off._story(trader.journal).spot, ELSEWHERE)
    assert "leverd write-off" in tied.value.remedy
    answer = trader("write-off", "--yes")
    assert answer.code == 0
    assert "4 that cost 80.1 is written off" in answer.out
    entry = newest(trader)
    assert (entry.event.base, entry.event.cost, entry.chain_at) == (4 * WAD, COST, 400)
    spot = write_off._story(trader.journal).spot
    assert (spot.base, spot.realised, spot.is_flat) == (0, -COST, True)
    check_home(spot, ELSEWHERE)
    found = trader("report", "-p", "spot", "--json").data
    assert (found["held"], found["realised"], found["rounds"]) == ("0", "-80.1", 1)
    again = trader("write-off", "--yes")
    assert (again.code, newest(trader)) == (1, entry)
    assert "LVD-OWN-137" in again.err


def test_programs_are_told_what_it_was(trader):
    told = trader("write-off", "--yes", "--json").data
    assert told == {"base": "4", "cost": "80.1", "entry": newest(trader).seq}


def test_unless_a_person_says_so_nothing_is_done(trader):
    before = newest(trader)
    answer = trader("write-off")
    assert "LVD-OWN-003" in answer.err
    assert newest(trader) == before


@pytest.mark.parametrize("flying", [(PLANNED,), (PLANNED, SIGNED), (PLANNED, SIGNED, SENT)])
def test_while_an_order_is_in_flight_it_is_refused(trader, flying):
    journal = trader.open_journal()
    journal.append_now(*flying, chain_at=500)
    journal.close()
    before = newest(trader)
    answer = trader("write-off", "--yes")
    assert "LVD-OWN-138" in answer.err
    assert newest(trader) == before


def test_beside_a_daemon_it_is_refused(trader):
    before = newest(trader)
    daemon = trader.open_journal()
    answer = trader("write-off", "--yes")
    daemon.close()
    assert "LVD-JRN-004" in answer.err
    assert newest(trader) == before


def test_what_was_traded_while_the_owner_thought_is_asked_about_anew(trader, monkeypatch):
    def confirmed(_question, *, yes):
        assert yes
        journal = trader.open_journal()
        journal.append_now(PLANNED, SIGNED, SETTLED, chain_at=500)
        journal.close()

    monkeypatch.setattr(write_off, "confirm", confirmed)
    answer = trader("write-off", "--yes")
    assert "LVD-OWN-139" in answer.err
    assert not isinstance(newest(trader).event, SpotWrittenOff)


def test_with_a_journal_alone_no_settings_are_needed(trader):
    trader.settings.unlink()
    assert trader("write-off", "--journal", str(trader.journal), "--yes").code == 0
    assert isinstance(newest(trader).event, SpotWrittenOff)
