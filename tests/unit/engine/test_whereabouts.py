"""A look at another pool than the one that keeps a position says nothing about the position."""

from __future__ import annotations

from dataclasses import replace

from tests import worlds
from tests.unit.engine.daemons import GUARD, Stage

from leverd.agents.guardian import Guardian
from leverd.domain.events import AlertRaised, DaemonStopped, ExternalChanged, PnlRecorded
from leverd.domain.plan_events import PlanApproved
from leverd.domain.severity import Severity, severity_of
from leverd.engine import whereabouts
from leverd.engine.book import Book, Page
from leverd.engine.turn import Seat
from leverd.engine.whereabouts import MOVED

OLD, NEW = ("0x" + digit * 40 for digit in "ab")
MANDATE = worlds.mandate()


def kept_at(pool, *, lent=True):
    """Return the change after which the market is `pool`, where something is lent or nothing."""
    before = []

    def change(ledger):
        market = replace(ledger.lending["aave"], kept_at=pool)
        holder = ledger.holders[MANDATE.account]
        before.append(holder.loans)
        loans = {"aave": replace(holder.loans["aave"], supplies={}, debts={})}
        holder = holder if lent else replace(holder, loans=loans)
        return replace(
            ledger,
            lending={"aave": market},
            holders={**ledger.holders, MANDATE.account: holder},
        )

    def undone(ledger):
        holder = replace(ledger.holders[MANDATE.account], loans=before[0])
        market = replace(ledger.lending["aave"], kept_at=OLD)
        return replace(
            ledger,
            lending={"aave": market},
            holders={**ledger.holders, MANDATE.account: holder},
        )

    return change, undone


async def levered():
    stage = Stage()
    stage.chain.change(kept_at(OLD)[0])
    stage.chain.mine()
    await stage.live(8)
    assert stage.owes
    return stage


async def test_what_another_pool_does_not_know_is_neither_gone_nor_liquidated_nor_opened_anew():
    stage = await levered()
    before = len(stage.events(PnlRecorded, PlanApproved, ExternalChanged))
    change, undone = kept_at(NEW, lent=False)
    stage.chain.change(change)
    stage.chain.mine()
    for _ in range(2):  # and over a restart
        await stage.live(6)
    assert len(stage.events(PnlRecorded, PlanApproved, ExternalChanged)) == before
    assert stage.told.codes.count(MOVED) == 2, "once for each process"
    assert "LVD-REC-002" not in stage.told.codes
    assert severity_of(MOVED) is Severity.CRITICAL
    (left,) = stage.events(DaemonStopped)[-1].unguarded
    assert OLD in left, "who stops it is told that it is still there"
    stage.chain.change(undone)
    stage.chain.mine()
    beats = len(stage.beats)
    await stage.live(6)
    assert len(stage.beats) > beats
    assert stage.owes
    assert not [each for each in stage.events(AlertRaised) if each.code.startswith("LVD-REC")]


async def test_a_position_that_is_over_is_opened_in_another_pool():
    """The liveness twin: what nothing is kept by may be left."""
    stage = Stage()
    stage.chain.change(kept_at(OLD)[0])
    stage.chain.mine()
    stage.seats = {"loop": [Seat(Guardian(GUARD), guards=True)]}  # opens nothing
    await stage.live(2)
    assert not stage.owes
    stage.seats = {}
    stage.chain.change(kept_at(NEW)[0])
    stage.chain.mine()
    await stage.live(8)
    assert stage.owes
    assert MOVED not in stage.told.codes


async def test_pools_are_remembered_of_what_is_lent_alone():
    stage = await levered()
    seen = (await stage.venue.observe([MANDATE])).positions["loop"]
    daemon = stage.daemon()
    daemon._world.recorder.restore()
    book = daemon._world.recorder.book
    known = book.page("loop").snapshot
    assert whereabouts.kept(book, [MANDATE]) == {"aave": OLD}
    for nothing in (None, replace(known, kept_at=""), replace(known, supplied={}, owed={})):
        page = Book({"loop": Page(snapshot=nothing)})
        assert whereabouts.kept(page, [MANDATE]) == {}
        assert whereabouts.elsewhere(nothing, seen) == ""
    assert whereabouts.elsewhere(known, seen) == ""
    assert OLD in whereabouts.elsewhere(replace(known, kept_at=NEW), seen)


async def test_who_is_watched_where_it_is_kept_is_told_that_the_market_names_another_pool():
    stage = await levered()
    seen = (await stage.venue.observe([MANDATE])).positions["loop"]
    assert whereabouts.moved(seen) == ""
    assert NEW in whereabouts.moved(replace(seen, moved_to=NEW))
    bare = replace(seen.state.position.loan, supplies={}, debts={})
    position = seen.state.position.with_loan("aave", bare)
    nothing = replace(seen, moved_to=NEW, state=replace(seen.state, position=position))
    assert whereabouts.moved(nothing) == ""
