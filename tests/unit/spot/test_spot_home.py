"""What is held belongs to one market, account, subaccount and chain; elsewhere all begins anew."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.predictions import DAY
from tests.spots import ACCOUNT, CHAIN, LIMITS, MARKET, NOW, SpotStage, depth, held_view, holding
from tests.unit.spot.test_spot_desk import heard, holds
from tests.unit.spot.test_spot_fold import AT, folded, planned, settled, signed

from leverd.adapters.sql_journal.codec import decode
from leverd.domain.events import Resumed, UnwindRequested
from leverd.domain.fixed_point import WAD
from leverd.domain.spot import OpenOrder, Spot, resumed
from leverd.domain.spot_events import (
    SpotDecided,
    SpotMarked,
    SpotOpened,
    SpotOrderPlanned,
    SpotStopped,
    SpotWrittenOff,
)
from leverd.domain.spot_home import PAPER, SpotHome
from leverd.engine.spot_home import opened, written_off
from leverd.interfaces.spot_agent import Exit
from leverd.interfaces.spot_rules import Wish
from leverd.interfaces.spot_venue import Depth, Manner, Purse, Side
from leverd.risk.spot_gate import ApprovedOrder, DeniedOrder, SpotReason, review

HOME = SpotHome("me", "0x1", CHAIN, 0)
OLD = SpotHome("me", "0x1")  # as an older leverd told of it
ON_PAPER = SpotHome(PAPER, "0x1", CHAIN, 0)
STOP = SpotStopped("spot", "portfolio_stop", "61 lost")


def begins(home=HOME):
    return SpotOpened("spot", home.account, home.market_id, home.chain_id, home.subaccount)


def traded(home, *events):
    """Return what is remembered of a purchase and a sale at `home`, with a profit of 2."""
    mark = SpotMarked("spot", 1, 0, 0, 2 * WAD, 2 * WAD, 9 * WAD, AT)
    order = replace(planned(opens=True), account=home.account, market_id=home.market_id)
    return folded(
        begins(home), order, signed(), settled(2, 40), replace(order, side="sell"), signed(8),
        settled(2, 42), mark, SpotDecided("spot", "a", "stay", "c", "r", 1, 2), *events,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({}, None),
        ({"account": ""}, None),
        ({"account": "you"}, "account"),
        ({"market_id": "0x2"}, "market_id"),
        ({"chain_id": "injective-888"}, "chain_id"),
        ({"chain_id": "injective-888", "market_id": "0x2"}, "chain_id"),
        ({"subaccount": 1}, "subaccount"),
        ({"chain_id": "", "subaccount": 1}, None),  # neither is known
        ({"chain_id": "", "market_id": "0x2"}, "market_id"),
    ],
)
def test_two_places_differ_in_what_is_known_of_both(changes, part):
    other = replace(HOME, **changes)
    assert other.differs(HOME) == HOME.differs(other) == part


def test_the_first_opening_and_every_order_tell_where_everything_is():
    assert folded(begins()).home == HOME
    bought = folded(begins(), planned(), signed(), settled(2, 40))
    assert (bought.home, bought.account, bought.since, bought.is_flat) == (HOME, "me", 0, False)


def test_an_older_journals_orders_tell_of_account_and_market():
    body = (
        '{"account":"me","market_id":"0x1","opens":true,"position_id":"spot","price":5,'
        '"purpose":"enter","quantity":5,"reason":"r","side":"buy"}'
    )
    order = decode("SpotOrderPlanned", 1, body)
    bought = folded(order, signed(), settled(2, 40))
    assert (bought.home, bought.base) == (OLD, 2 * WAD)
    assert SpotHome("me", "0x2", CHAIN, 0).differs(bought.home) == "market_id"
    told = folded(begins(replace(HOME, subaccount=3)), spot=bought)
    assert told == replace(bought, home=replace(HOME, subaccount=3))
    assert folded(order, spot=told).home == told.home  # what is known stays so


def test_money_begins_at_nothing_where_paper_made_a_profit():
    paper = traded(ON_PAPER, STOP)
    assert (paper.realised, paper.peak) == (2 * WAD, 9 * WAD)
    for beginning in (begins(), planned()):
        spot = folded(beginning, spot=paper, at=AT + 5)
        home = HOME if beginning == begins() else OLD
        order = OpenOrder(planned(), planned_at=AT + 5) if beginning == planned() else None
        assert spot == Spot(home=home, since=AT + 5, order=order)
    first = folded(begins(), planned(), signed(1), settled(2, 40), spot=paper, at=AT + 5)
    mark = SpotMarked("spot", 1, 0, 0, 0, -WAD, 0, AT + 6)
    lost = folded(planned("sell"), signed(2), settled(2, 39), mark, spot=first, at=AT + 6)
    assert (lost.realised, lost.peak, lost.fees, lost.trades_today(AT)) == (-WAD, 0, 0, 2)
    back = folded(begins(ON_PAPER), spot=replace(lost, stops=(STOP,)), at=AT + 7)
    assert back == Spot(home=ON_PAPER, since=AT + 7)


@pytest.mark.parametrize(
    ("changes", "slots"),
    [
        ({"market_id": "0x2"}, 9),
        ({"subaccount": 1}, 9),
        ({"account": "you"}, 0),
        ({"chain_id": "injective-888"}, 0),
    ],
)
def test_a_stop_on_money_is_kept_wherever_it_goes_on_and_a_slot_with_its_account(changes, slots):
    spot = folded(begins(replace(HOME, **changes)), spot=traded(HOME, STOP), at=AT + 5)
    assert (spot.stopped, spot.slots) == (STOP, slots)
    assert replace(spot, stops=(), slots=0) == Spot(home=replace(HOME, **changes), since=AT + 5)
    assert resumed(spot).stopped is None


def test_what_an_older_leverd_let_go_along_is_counted_on():
    held = folded(planned(), signed(), settled(2, 40))
    sold = replace(planned("sell"), market_id="0x2")
    after = folded(sold, signed(), settled(2, 42), spot=held)
    assert (after.base, after.realised, after.home) == (0, 2 * WAD, SpotHome("me", "0x2"))


def test_an_opening_is_journaled_where_the_journal_does_not_know_and_nothing_is_tied():
    assert opened(Spot(), HOME) == begins()
    assert opened(Spot(home=HOME), HOME) is None
    assert opened(Spot(home=replace(HOME, market_id="0x2")), HOME) == begins()
    assert opened(holding(home=OLD), HOME) == begins()
    assert opened(holding(home=ON_PAPER), HOME) is None
    flying = Spot(home=ON_PAPER, order=OpenOrder(planned()))
    assert opened(flying, HOME) is None


def test_what_is_held_of_another_market_is_sold_on_none():
    seen = held_view(spot=holding(home=SpotHome(ACCOUNT, "0x2")))
    sale = Exit(Wish(Side.SELL, Manner.TAKE, Decimal("19.9"), Decimal(5)), "c", "r")
    verdict = review(sale, seen, LIMITS)
    assert isinstance(verdict, DeniedOrder)
    assert verdict.reasons == (SpotReason.OTHER_MARKET,)
    here = replace(seen, spot=holding(home=SpotHome(ACCOUNT, MARKET.market_id)))
    assert isinstance(review(sale, here, LIMITS), ApprovedOrder)


def dust(base="0.04", **changes):
    """Return a view by an owner who wants everything sold and holds `base`, which cost 20 each."""
    spot = holding(base, Decimal(base) * 20, **changes.pop("remembered", {}))
    raw = int(Decimal(base) * WAD)
    purses = {"inj": Purse(raw, raw)}
    return held_view(**{"spot": spot, "purses": purses, "unwinding": True, **changes})


def test_what_no_order_may_be_made_of_is_written_off_once_the_owner_unwinds():
    off = written_off(dust())
    assert off == SpotWrittenOff("spot", 4 * WAD // 100, 8 * WAD // 10, off.reason)
    assert "INJ/USDT takes no order below 1" in off.reason


@pytest.mark.parametrize(
    "seen",
    [
        dust("0.05"),  # at what sellers ask it is worth 1, the least order
        dust("5"),
        dust("0"),
        dust(unwinding=False),
        dust(before=None),
        dust(market=replace(MARKET, active=False)),
        dust(depth=Depth(MARKET.market_id, 1, (), ())),
        dust(before=Depth(MARKET.market_id, 1, (), ())),
        dust(before=depth("30")),  # in one look it can be sold
        dust(depth=depth("30")),
        dust("5", depth=replace(depth(), bids=()), before=replace(depth(), bids=())),
        dust(remembered={"order": OpenOrder(planned())}),
        dust(remembered={"stops": (SpotStopped("spot", "lost", "r"),)}),
    ],
)
def test_nothing_else_is_written_off(seen):
    assert written_off(seen) is None


def test_a_portfolio_stop_keeps_no_rest():
    assert written_off(dust(remembered={"stops": (STOP,)})) is not None


def test_what_is_written_off_is_a_loss_and_nothing_is_gained_or_lost_besides():
    held = folded(begins(), planned(opens=True), signed(), settled(2, 40, "0.04"))
    off = folded(SpotWrittenOff("spot", held.base, held.cost, "r"), spot=held)
    assert (off.base, off.cost, off.entries, off.entered_at) == (0, 0, 0, 0)
    assert off.realised - off.cost == held.realised - held.cost
    assert off.profit(21 * WAD, 0) == off.realised == -held.cost
    assert off.is_flat
    assert (off.fees, off.home) == (held.fees, HOME)


def has_dust(stage, base, cost):
    """Have the journal and the exchange know of a rest of `base`."""
    order = SpotOrderPlanned("spot", MARKET.market_id, ACCOUNT, "buy", "enter", 1, 1, "r")
    stage.says(order, signed(0), settled(base, cost))
    till = stage.exchange.tills[ACCOUNT]
    till.held["inj"], till.sequence = int(Decimal(base) * WAD), 1


async def test_a_rest_is_written_off_by_an_unwind_and_what_is_bought_later_is_counted_alone():
    stage = SpotStage()
    has_dust(stage, "0.04", "0.8")
    stage.says(heard(), UnwindRequested("spot", "owner"))
    await stage.live(lambda one: one.spot.is_flat)
    (off,) = stage.events(SpotWrittenOff)
    assert (off.base, off.cost) == (4 * WAD // 100, 8 * WAD // 10)
    assert stage.events(SpotMarked)[-1].profit == stage.spot.realised == -off.cost
    assert len(stage.events(SpotOrderPlanned)) == 1
    assert stage.base == off.base  # the owner's own now
    stage.says(Resumed("spot", "owner"))
    stage.exchange.at_ms += DAY * 1000
    await stage.live(holds)
    assert stage.spot.base == stage.base - off.base
    assert len(stage.events(SpotWrittenOff)) == 1


async def test_a_rest_that_can_be_sold_is_sold():
    stage = SpotStage()
    has_dust(stage, "0.06", "1.2")
    stage.says(UnwindRequested("spot", "owner"))
    await stage.live(lambda one: one.spot.is_flat)
    assert stage.events(SpotWrittenOff) == []
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]
    assert stage.base == 0


async def test_without_an_unwind_a_rest_is_kept():
    stage = SpotStage()
    has_dust(stage, "0.04", "0.8")
    await stage.live(lambda _: False, blocks=30)
    assert stage.events(SpotWrittenOff) == []
    assert stage.spot.base > 0


async def test_where_it_trades_is_journaled_once_and_again_where_it_changes():
    stage = SpotStage()
    for _ in range(2):
        await stage.live(lambda _: False, blocks=10)
    home = SpotHome(ACCOUNT, MARKET.market_id, CHAIN, 0)
    assert stage.events(SpotOpened) == [begins(home)]
    assert stage.spot.home == home
    other = "0x" + "cd" * 32
    stage.exchange.market = replace(MARKET, market_id=other)
    stage.limits, stage.price = (
        replace(LIMITS, market_id=other),
        depth(market=stage.exchange.market),
    )
    stage.says(heard())
    await stage.live(holds)
    assert stage.events(SpotOpened) == [begins(home), begins(replace(home, market_id=other))]
    assert stage.spot.base == stage.base > 0
    assert stage.spot.since > NOW
