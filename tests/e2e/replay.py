"""Ride a price path with the agent, or leave the position alone on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.e2e.stage import DUST_USD, POSITION, Stage, loop

from leverd.bootstrap import feasible
from leverd.bootstrap.chain import open_chain
from leverd.bootstrap.daemon import Opened
from leverd.bootstrap.places import resolve
from leverd.cli.given import settings_of
from leverd.devnet.driver import Block
from leverd.domain.events import ExternalChanged, PnlRecorded
from leverd.domain.plan_events import PlanCompleted, StepMismatched, StepVerified
from leverd.domain.slot_events import SlotIncluded
from leverd.domain.view import View
from leverd.engine.book import Book
from leverd.engine.collect import views
from leverd.interfaces.requests import RequestKind

_LOOK_S_MAX = 60  # no look of the agent's is further from the last one
_UNWIND_S = 6 * 3600
_HEALTH = "getUserAccountData(address)->(uint256,uint256,uint256,uint256,uint256,uint256)"
_COSTS = ("swap_fees", "price_impact")


@dataclass
class Ride:
    """What became of a position on a path. USD."""

    health_lowest: Decimal = Decimal("Infinity")  # at the end of any block
    liquidated_at: list[int] = field(default_factory=list)
    plans: int = 0
    equity_first: Decimal = Decimal(0)
    equity_last: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)  # swap fees and price impact
    gas: Decimal = Decimal(0)
    turns: int = 0
    blocks: int = 0


async def ride(stage: Stage, *, until: int, **sections: Any) -> Ride:
    """Run the agent on the path until chain time `until`; return what happened.

    There is a block at every look of the agent's, and at every low of the market's and of the
    oracle's that lies between two of them.
    """
    found = _begin(stage)

    def watched(_: Opened) -> bool:
        found.turns += 1
        return stage.devnet.driver.now >= until

    await stage.play(until=watched, **sections)
    _end(stage, found)
    found.plans = len(stage.events(PlanCompleted))
    for mark in stage.events(PnlRecorded):
        found.fees -= sum((_usd(mark.attribution.get(line, 0)) for line in _COSTS), Decimal(0))
        found.gas -= _usd(mark.attribution.get("gas", 0))
    return found


async def open_and_leave(stage: Stage, *, until: int, **sections: Any) -> Ride:
    """Let the agent open, stop it, and see what the path does to the position."""
    found = _begin(stage)
    await stage.play(until=lambda _: bool(stage.events(PlanCompleted)), **sections)
    assert stage.truth().debt > 0
    if stage.devnet.driver.now < until:
        stage.clock.walk_to(until)
    stage.devnet.step()  # a liquidation called for in the last block is mined in this one
    _end(stage, found)
    return found


def _begin(stage: Stage) -> Ride:
    found, devnet, clock = Ride(equity_first=_usd(stage.truth().equity)), stage.devnet, stage.clock
    lag = devnet.driver.habits.oracle.lag_s
    lows = devnet.driver.path.lows
    clock.stride = _LOOK_S_MAX
    clock.stops = sorted({*lows, *(low + lag for low in lows)})

    def seen(block: Block) -> None:
        found.blocks += 1
        if block.posted or found.blocks % 100 == 1:
            health = devnet.chain.read(stage.deployment.pool, _HEALTH, stage.account)[5]
            found.health_lowest = min(found.health_lowest, Decimal(health) / 10**18)

    clock.after_block = seen
    return found


def _end(stage: Stage, found: Ride) -> None:
    stage.clock.after_block = lambda _: None
    found.liquidated_at = [at for at, who in stage.clock.liquidated if who == stage.account]
    found.equity_last = _usd(stage.truth().equity)


async def unwind(stage: Stage, **sections: Any) -> None:
    """Have the agent close the position on command, and check that nothing is owed or idle.

    Where a portfolio stop has closed it already there is nothing left to do.
    """
    if stage.truth().debt:
        await _unwind(stage, **sections)
    truth = stage.truth()
    assert (truth.debt, truth.collateral) == (0, 0)
    assert truth.idle["USDC"] <= DUST_USD
    assert truth.equity > 0


async def _unwind(stage: Stage, **sections: Any) -> None:
    stage.ask(RequestKind.UNWIND)
    end = stage.devnet.driver.now + _UNWIND_S

    def closed(_: Opened) -> bool:
        return stage.truth().collateral == 0 or stage.devnet.driver.now >= end

    await stage.play(until=closed, **sections)


def check_ridden(stage: Stage, found: Ride) -> None:
    """Check that a ride was safe and that everything in it was verified to the wei."""
    assert found.liquidated_at == []
    assert found.health_lowest > 1
    assert stage.events(StepMismatched, ExternalChanged) == []
    done = [
        event for event in stage.events(SlotIncluded) if event.succeeded and event.gas_used > 21_000
    ]
    assert len(stage.events(StepVerified)) == len(done)
    assert found.equity_last > 0


async def highest_accepted(stage: Stage, width: str, **sections: Any) -> Decimal:
    """Return the highest target, to a hundredth, that feasibility accepts here and now."""
    view = await _view(stage)
    low, high = 100, 1000  # hundredths; 1x asks for nothing and always passes
    while high - low > 1:
        middle = (low + high) // 2
        accepted = _accepts(stage, Decimal(middle) / 100, width, sections, view)
        low, high = (middle, high) if accepted else (low, middle)
    return Decimal(low) / 100


def _accepts(
    stage: Stage, target: Decimal, width: str, sections: dict[str, Any], view: View
) -> bool:
    files = stage.files(**sections, positions=loop(str(target), width))
    return not feasible.judged(settings_of(files), POSITION, view).refused


async def _view(stage: Stage) -> View:
    from eth_account import Account  # noqa: PLC0415 -- half a second, needed by one test only

    settings = settings_of(stage.files())
    places = resolve(settings)
    chain = open_chain(settings, places, Account.create(), stage.clock)
    try:
        await chain.client.connect(deadline_s=10)
        observation = await chain.venue.observe(places.mandates)
    finally:
        await chain.venue.close()
    return views(observation, Book(), open_slots=0)[POSITION]


def _usd(value: int) -> Decimal:
    return Decimal(value) / 10**8
