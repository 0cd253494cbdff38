"""What a step did whose blocks no node keeps the state of any more.

A daemon that was down while its transaction was mined comes back to nodes that keep receipts
for good but states for some minutes only. The receipt tells the step's fills and the market's
indexes; the journal tells what was held before; `apply` makes of both what was held after,
in scaled units, to the wei. Whether that is what the chain holds now is for reconciliation to
say, in the same turn: scaled balances do not drift.

Where that cannot be, since somebody changed the balances just before the step, the step is
accepted with the balances of now: the account contract let nothing else through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from loguru import logger

from leverd.domain.apply import apply_step
from leverd.domain.fills import Fill
from leverd.domain.lending import LendingMarket
from leverd.domain.money import Asset
from leverd.domain.plan import Borrow, Repay, Step, Supply, Withdraw
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot
from leverd.domain.state import State
from leverd.domain.step_text import of_text
from leverd.errors import ImpossibleError
from leverd.execution.verify import Proof, StepDone
from leverd.execution.witness import Found
from leverd.interfaces.venue import Inclusion, Venue

_PLENTY: Final = 2**128
"""More than any market holds: how large it was then is unknown, and the account's own scaled
balances do not depend on it."""


async def recalled(
    venue: Venue, mandate: Mandate, found: Found, known: Snapshot | None
) -> StepDone:
    """Return what a mined step did to what was `known` before it, by its receipt.

    Prices are those of now: no node tells the ones of then.

    Raises:
        UnreachableError: the chain does not answer.
        NonsenseError: what it answers cannot be true.
    """
    step = of_text(found.attempt.step_text)
    fills = await venue.fills(mandate, step, found.inclusion)
    seen = await venue.observe([mandate])
    present = seen.positions[mandate.position_id].state
    accepted = StepDone(
        step, fills, present, present, found.inclusion, Proof.PRESENT, seen=seen.stamp
    )
    if known is None:
        return accepted
    before = _as_it_was(present, known, step, fills, found.inclusion)
    try:
        after = apply_step(before, step, fills, verified=True)
    except ImpossibleError as error:
        logger.info("{} began from something else: {}", found.inclusion.tx_hash, error.message)
        return replace(accepted, before=before)
    return StepDone(step, fills, before, after, found.inclusion, Proof.RECEIPT)


def _as_it_was(
    present: State, known: Snapshot, step: Step, fills: tuple[Fill, ...], inclusion: Inclusion
) -> State:
    """Return the world just before a step: what was held as `known`, indexes as in `fills`."""
    mandate = present.position.mandate
    named = {asset.symbol: asset for asset in (*present.position.idle, *present.market.reserves)}

    def held(numbers: Mapping[str, int]) -> dict[Asset, int]:
        return {named[symbol]: raw for symbol, raw in numbers.items() if symbol in named}

    loan = replace(present.position.loan, supplies=held(known.supplied), debts=held(known.owed))
    position = replace(present.position.with_loan(mandate.lending, loan), idle=held(known.idle))
    indexes = {
        asset: (known.supply_indexes[asset.symbol], known.borrow_indexes[asset.symbol])
        for asset in named.values()
        if asset.symbol in known.supply_indexes and asset.symbol in known.borrow_indexes
    } | _told(step, fills)
    market = _at(present.market, indexes, inclusion.at)
    return replace(present.with_market(market), at=inclusion.at, position=position)


def _told(step: Step, fills: tuple[Fill, ...]) -> dict[Asset, tuple[int, int]]:
    """Return the indexes that the receipt tells, by asset."""
    return {
        action.amount.asset: fill.indexes
        for action, fill in zip(step.actions, fills, strict=True)
        if isinstance(action, Supply | Withdraw | Borrow | Repay) and fill.indexes is not None
    }


def _at(market: LendingMarket, indexes: Mapping[Asset, tuple[int, int]], at: int) -> LendingMarket:
    """Return `market` with the `indexes` of chain time `at`."""
    reserves = {
        asset: replace(
            reserve,
            liquidity_index=indexes.get(asset, (reserve.liquidity_index, 0))[0],
            borrow_index=indexes.get(asset, (0, reserve.borrow_index))[1],
            updated_at=at,
            available=reserve.available + _PLENTY,
            scaled_supply=reserve.scaled_supply + _PLENTY,
            scaled_debt=reserve.scaled_debt + _PLENTY,
        )
        for asset, reserve in market.reserves.items()
    }
    return replace(market, reserves=reserves)
