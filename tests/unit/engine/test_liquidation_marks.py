"""What liquidators took is a loss in the books, never money that went out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests import worlds
from tests.unit.engine.daemons import Stage
from tests.worlds import USDC, WETH

from leverd.adapters.simulated import markets
from leverd.backtest.report.acts import acts_of
from leverd.backtest.report.books import books_of
from leverd.domain.events import AlertRaised, ExternalChanged, PnlRecorded, PortfolioStopped
from leverd.domain.fixed_point import RAY, nearest
from leverd.domain.plan_events import StepVerified
from leverd.execution.reconcile import LIQUIDATED

LOOP = worlds.mandate()
DEEP = 2_300  # 25 WETH at 0.83 against 45,000 USDC is liquidatable below 2,169
LOW = 2_100


def taken(price=LOW):
    """Return the changes of a fall to `price` in whose wake a liquidator takes all he may."""
    return (
        markets.priced(WETH, price),
        markets.traded("weth-usdc", WETH, price),
        markets.liquidated(LOOP),
    )


async def asleep(*changes, seconds=12, **bounds):
    """Return a stage whose daemon slept while `changes` happened to a levered position."""
    bounds = {"portfolio_stop": Decimal("0.99"), **bounds}
    stage = Stage(worlds.state(posted=25, debt=45_000), position_usd_max=Decimal(10**6), **bounds)
    await stage.live(2)
    stage.chain.change(*changes)
    stage.chain.mine(seconds=seconds)
    return stage


def marks_of(stage):
    return stage.events(PnlRecorded)


def losses_of(stage):
    """Return the marks that liquidators are in."""
    return [mark for mark in marks_of(stage) if mark.attribution["liquidation"]]


@pytest.mark.parametrize("seconds", [12, 30 * 86_400])
async def test_a_liquidation_while_the_daemon_slept_is_a_loss_and_no_flow(seconds):
    stage = await asleep(*taken(), seconds=seconds)
    before = marks_of(stage)[-1]
    await stage.live(1)
    (found,), (change,) = losses_of(stage), stage.events(ExternalChanged)
    assert change.cause == "liquidation"
    assert found.flow == 0
    assert sum(found.attribution.values()) == found.snapshot.equity - before.snapshot.equity
    supplied, owed = found.snapshot.supply_indexes, found.snapshot.borrow_indexes
    seized = nearest(-change.changes["supplied:WETH"] * supplied["WETH"], RAY)
    cleared = nearest(-change.changes["owed:USDC"] * owed["USDC"], RAY)
    worth = seized * LOW * 10**8 // WETH.unit - cleared * 10**8 // USDC.unit
    assert -found.attribution["liquidation"] == pytest.approx(worth, abs=2)
    assert worth > 1_000 * 10**8  # five per cent of the debt that was covered
    assert abs(found.attribution["rounding"]) < 5 * 100  # units of USDC, in USD's
    assert found.unit_price < before.unit_price


@pytest.mark.parametrize("price", [1_600, 2_900])
async def test_what_it_cost_does_not_depend_on_the_price_when_somebody_looks(price):
    stage = await asleep(*taken())
    stage.chain.change(markets.priced(WETH, price), markets.traded("weth-usdc", WETH, price))
    stage.chain.mine()
    await stage.live(1)
    (lost,), (change,) = losses_of(stage), stage.events(ExternalChanged)
    cleared = -change.changes["owed:USDC"] * lost.snapshot.borrow_indexes["USDC"] // RAY
    assert -lost.attribution["liquidation"] == pytest.approx(cleared * 100 * 0.05, rel=1e-5)
    assert lost.flow == 0


async def test_who_lost_everything_reads_what_is_gone_at_the_prices_of_now():
    stage = await asleep(*taken(1_500))  # all is seized, and some debt stays or is written off
    await stage.live(1)
    (lost,) = losses_of(stage)
    assert lost.flow == 0
    assert lost.snapshot.supplied == {}
    assert lost.attribution["liquidation"] < 0


async def test_nobody_was_liquidated_and_the_books_say_so():
    stage = await asleep(*taken(DEEP)[:2])
    await stage.live(1)
    assert all(mark.attribution["liquidation"] == 0 for mark in marks_of(stage))
    assert stage.events(ExternalChanged) == []


async def test_a_deposit_beside_a_liquidation_stays_a_flow():
    stage = await asleep(*taken())
    journal = stage.journal
    refused, stage.journal = _Full(journal), journal
    stage.journal = refused
    with pytest.raises(RuntimeError, match="power"):
        await stage.live(1)  # it dies between finding the liquidation and marking it
    stage.journal = journal
    assert stage.events(ExternalChanged)
    stage.chain.change(markets.given("0xAccount", WETH, WETH.unit))
    stage.chain.mine()
    await stage.live(1)
    (found,) = losses_of(stage)
    assert found.flow == LOW * 10**8
    assert found.attribution["liquidation"] < -1_000 * 10**8


class _Full:
    """A journal whose machine loses its power at the first P&L mark."""

    def __init__(self, inner):
        self._inner = inner

    async def append(self, *events, chain_at):
        if any(isinstance(event, PnlRecorded) for event in events):
            raise RuntimeError("power")
        await self._inner.append(*events, chain_at=chain_at)

    def __getattr__(self, name):
        return getattr(self._inner, name)


async def test_a_loss_to_liquidators_fires_the_portfolio_stop():
    stage = await asleep(*taken(), portfolio_stop=Decimal("0.3"))
    await stage.live(1)
    assert stage.events(PortfolioStopped)


async def flown(*changes, liquidated):
    """Return a stage on whose deleverage in flight `changes` came first."""
    coming = list(changes)

    def each_block(chain):
        if coming and any(each.from_block > chain.head.number + 1 for each in chain.pool.values()):
            chain.change(*coming)
            coming.clear()

    stage = Stage(
        worlds.state(posted=25, debt=50_000),
        market=each_block,
        position_usd_max=Decimal(10**6),
        portfolio_stop=Decimal("0.99"),
    )
    stage.chain.delay_blocks = 4
    await stage.live(12)
    assert not coming
    assert bool(losses_of(stage)) == liquidated
    assert stage.events(StepVerified), "the act itself was mined and verified"
    books_of(stage.journal.replay(), LOOP)
    return stage


async def test_a_liquidation_while_an_act_was_under_way_is_told_and_lost():
    stage = await flown(*taken(2_350)[::2], liquidated=True)
    (change,), (lost,) = stage.events(ExternalChanged), losses_of(stage)
    assert change.cause == "liquidation"
    assert LIQUIDATED in [alert.code for alert in stage.events(AlertRaised)]
    assert lost.snapshot.block == change.snapshot.block
    assert all(mark.flow == 0 for mark in marks_of(stage)[1:])
    told = stage.events(ExternalChanged, StepVerified, PnlRecorded)
    place = told.index(change)
    assert isinstance(told[place + 1], StepVerified), "what came first is told first"
    (act,) = [each for each in acts_of(stage.journal.replay(), LOOP) if each.mined and each.agent]
    assert act.lines["swap_fees"] < 0, "the act keeps the figures of its own block"
    assert act.lines["liquidation"] == 0


async def test_what_a_friend_paid_while_an_act_was_under_way_is_a_flow():
    stage = await flown(markets.repaid_for(LOOP, USDC, 10**9), liquidated=False)
    flows = [mark.flow for mark in marks_of(stage)[1:] if mark.flow]
    assert flows == [pytest.approx(1_000 * 10**8, abs=1_000)]
