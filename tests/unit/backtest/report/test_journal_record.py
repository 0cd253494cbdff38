"""A journal's own curve: a row where something was seen, and nothing made up between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from tests import worlds
from tests.journal_events import snapshot
from tests.run_records import BAND, Replay, played

from leverd.backtest.report.books import books_of
from leverd.backtest.report.journal_record import journal_record
from leverd.domain.events import (
    DecisionTaken,
    ExternalChanged,
    JournalPruned,
    PnlRecorded,
    SettingsChanged,
)
from leverd.domain.money import Asset
from leverd.domain.plan_events import PlanApproved
from leverd.errors import OwnerError

NAMED = replace(worlds.mandate(), collateral=Asset("WETH", 0), debt=Asset("USDC", 0))
RAW = 10**8


def recorded(*events):
    replay = Replay()
    replay.write(*events, at=1)
    return journal_record(replay.entries, NAMED, "live")


def mark(block, *, equity, flow=0, unit=RAW, **changes):
    lines = {"price": 0}
    base = replace(snapshot(block, equity=equity * RAW), **changes)
    return PnlRecorded("loop", base, lines, 1, unit, flow * RAW)


def decided(block, *, equity, **changes):
    base = replace(snapshot(block, equity=equity * RAW), **changes)
    return DecisionTaken("loop", "leverage_loop", "hold", "", "calm", base)


def test_a_replays_journal_gives_back_its_curve_where_it_was_seen():
    whole = played()
    record = journal_record(whole.entries, NAMED, "live", BAND)
    assert record.mandate == whole.mandate
    assert (record.settings_hash, record.data_digest, record.band) == ("5e771465", "", BAND)
    curve = record.curve
    assert (np.diff(curve.ts) > 0).all()
    assert curve.unit[0] == 1
    common, ours, theirs = np.intersect1d(curve.ts, whole.curve.ts, return_indices=True)
    assert len(common) > 40
    acted = np.isin(common, [each.at - 12 for each in _approvals(whole)])  # rows after the act
    ours, theirs = ours[~acted], theirs[~acted]
    for name in ("price", "equity", "leverage", "health"):
        assert getattr(curve, name)[ours] == pytest.approx(getattr(whole.curve, name)[theirs])
    # The replay holds 10 WETH; the journal what its first equity bought.
    assert curve.holding[ours] == pytest.approx(whole.curve.holding[theirs], rel=1e-9)
    assert curve.unit[ours] == pytest.approx(whole.curve.unit[theirs], rel=2e-3)


def _approvals(record):
    return [each.event.snapshot for each in record.entries if isinstance(each.event, PlanApproved)]


def test_it_is_as_good_for_the_money_as_any_record():
    record = journal_record(played().entries, NAMED, "live")
    assert (
        books_of(record.entries, record.mandate).pnl
        == books_of(played().entries, played().mandate).pnl
    )


def test_between_marks_a_unit_moves_as_equity_does():
    curve = recorded(mark(1, equity=100, flow=100), decided(2, equity=110)).curve
    assert curve.unit.tolist() == [1.0, 1.1]
    assert curve.equity.tolist() == [100.0, 110.0]


def test_after_money_moved_nothing_is_said_until_the_next_mark():
    gift = ExternalChanged("loop", "deposit", {}, explained=True, snapshot=snapshot(2))
    curve = recorded(
        mark(1, equity=100, flow=100),
        gift,
        decided(3, equity=150),
        mark(4, equity=150, flow=50),
        decided(5, equity=165),
    ).curve
    assert curve.equity.tolist() == [100.0, 150.0, 165.0]
    assert curve.unit.tolist() == pytest.approx([1, 1, 1.1])
    assert curve.holding.tolist() == [100.0, 150.0, 150.0]


def test_of_two_looks_at_one_second_the_last_counts_and_the_lowest_health_stays():
    curve = recorded(
        mark(1, equity=100, flow=100, health=11 * 10**17),
        decided(1, equity=100, health=15 * 10**17),
    ).curve
    assert curve.health.tolist() == [1.5]
    assert curve.health_low.tolist() == [1.1]


def test_what_was_lost_is_lost():
    curve = recorded(
        mark(1, equity=100, flow=100),
        mark(2, equity=-5, unit=0),
        decided(3, equity=-7),
    ).curve
    assert curve.unit.tolist() == [1, 0, 0]


def test_the_settings_are_the_newest_it_ran_with():
    changed = SettingsChanged("5e771465", "new", (), "file")
    assert recorded(mark(1, equity=1, flow=1), changed).settings_hash == "new"


def test_tokens_that_the_journal_does_not_know_are_refused():
    replay = Replay()
    replay.write(mark(1, equity=1, flow=1))
    other = replace(NAMED, collateral=Asset("WBTC", 0))
    with pytest.raises(OwnerError, match="nothing of WBTC") as raised:
        journal_record(replay.entries, other, "live")
    assert raised.value.code == "LVD-OWN-098"


def test_a_journal_without_a_mark_makes_no_record():
    with pytest.raises(OwnerError) as raised:
        recorded(decided(1, equity=1))
    assert raised.value.code == "LVD-OWN-097"


def test_a_report_says_up_to_when_only_days_are_known():
    entries = list(played().entries)
    assert "pruned" not in journal_record(entries, NAMED, "live").models
    cut = entries[len(entries) // 2]
    said = JournalPruned(cut.seq, 5, cut.seq)
    entries.append(replace(entries[-1], seq=entries[-1].seq + 1, event=said))
    assert "pruned" not in journal_record(entries, NAMED, "live").models, "a copy has it all"
    del entries[entries.index(cut) - 1]
    told = journal_record(entries, NAMED, "live").models["pruned"]
    assert f"{datetime.fromtimestamp(cut.chain_at, UTC):%Y-%m-%d}" in told
