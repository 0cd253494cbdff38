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
from leverd.domain.events import (
    ExternalChanged,
    PlanCompleted,
    SlotIncluded,
    StepMismatched,
    StepVerified,
)
from leverd.domain.view import View
from leverd.engine.canon import health_of
from leverd.engine.collect import views
from leverd.engine.state import Book
from leverd.interfaces.requests import RequestKind

_STRIDE_S = 60
_STRIDE_ALONE_S = 300  # nobody decides anything then; the bars are as long
_UNWIND_S = 6 * 3600


@dataclass
class Ride:
    """What became of a position on a path."""

    health_lowest: Decimal = Decimal("Infinity")
    liquidated_at: list[int] = field(default_factory=list)
    plans: int = 0
    equity_first: Decimal = Decimal(0)  # USD
    equity_last: Decimal = Decimal(0)
    turns: int = 0


async def ride(stage: Stage, *, until: int, **sections: Any) -> Ride:
    """Run the agent on the path until chain time `until`; return what happened."""
    found = Ride(equity_first=_usd(stage.truth().equity))
    stage.clock.stride = _STRIDE_S

    def watched(opened: Opened) -> bool:
        found.turns += 1
        for view in opened.daemon._views.values():
            if any(view.state.position.loan.debts.values()):
                health = Decimal(health_of(view)) / 10**18
                found.health_lowest = min(found.health_lowest, health)
        return stage.devnet.driver.now >= until

    await stage.play(until=watched, **sections)
    found.liquidated_at = [at for at, who in stage.clock.liquidated if who == stage.account]
    found.plans = len(stage.events(PlanCompleted))
    found.equity_last = _usd(stage.truth().equity)
    return found


async def open_and_leave(stage: Stage, *, until: int, **sections: Any) -> Ride:
    """Let the agent open, stop it, and see what the path does to the position."""
    found = Ride(equity_first=_usd(stage.truth().equity))
    await stage.play(until=lambda _: bool(stage.events(PlanCompleted)), **sections)
    assert stage.truth().debt > 0
    driver = stage.devnet.driver
    while driver.now < until and not found.liquidated_at:
        block = stage.devnet.step(min(_STRIDE_ALONE_S, until - driver.now))
        found.liquidated_at += [block.at for who in block.liquidated if who == stage.account]
    stage.devnet.step()  # the liquidation itself is mined in this one
    found.equity_last = _usd(stage.truth().equity)
    return found


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


async def highest_accepted(stage: Stage, width: str, *, limits: dict[str, Any]) -> Decimal:
    """Return the highest target, to a hundredth, that feasibility accepts here and now."""
    view = await _view(stage)
    low, high = 100, 1000  # hundredths; 1x asks for nothing and always passes
    while high - low > 1:
        middle = (low + high) // 2
        accepted = _accepts(stage, Decimal(middle) / 100, width, limits, view)
        low, high = (middle, high) if accepted else (low, middle)
    return Decimal(low) / 100


def _accepts(stage: Stage, target: Decimal, width: str, limits: dict[str, Any], view: View) -> bool:
    files = stage.files(limits=limits, positions=loop(str(target), width))
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
