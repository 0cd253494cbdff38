"""What transactions can change on the simulated chain, and how they change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leverd.adapters.simulated.transaction import Transaction
from leverd.domain import loans
from leverd.domain.apply import apply, modelled_fill, worst_fill
from leverd.domain.changed import changed
from leverd.domain.fills import Fill
from leverd.domain.gas_use import step_gas
from leverd.domain.keeping import kept
from leverd.domain.lending import LendingAccount, LendingMarket
from leverd.domain.money import Asset
from leverd.domain.plan import (
    Action,
    Approve,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.pool import Pool
from leverd.domain.position import Mandate, Position
from leverd.domain.state import State
from leverd.errors import ImpossibleError

EMPTY_GAS: Final = 21_000
"""Gas of a transaction that does nothing."""


class Revert(Exception):  # noqa: N818 - a word of the trade; it never leaves this package
    """The transaction changes nothing but its nonce and the gas it paid for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Holder:
    """What one account holds, and the next sequence number it accepts."""

    loans: Mapping[str, LendingAccount]
    idle: Mapping[Asset, int]
    sequence: int = 0
    closes_only: bool = False  # its owner knew another market than there is now


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything as of one block."""

    at: int
    lending: Mapping[str, LendingMarket]
    pools: Mapping[str, Pool]
    holders: Mapping[str, Holder]  # by account
    nonce: int  # mined transactions of the one signing key
    native: int  # wei the key holds

    def state(self, mandate: Mandate) -> State:
        """Return the world as the position of `mandate` sees it."""
        return _state(self, mandate)

    def with_state(self, state: State, *, acted: bool = True) -> Ledger:
        """Return the ledger with `state` in it; an act of ours uses a sequence number up."""
        position = state.position
        before = self.holders[position.mandate.account]
        holder = changed(
            before,
            loans=position.loans,
            idle=position.idle,
            sequence=before.sequence + acted,
        )
        return changed(
            self,
            lending=state.lending,
            pools=state.pools,
            holders={**self.holders, position.mandate.account: holder},
        )


@kept(8)
def _state(ledger: Ledger, mandate: Mandate) -> State:
    holder = ledger.holders[mandate.account]
    position = Position(mandate, holder.loans, holder.idle)
    return State(ledger.at, ledger.lending, ledger.pools, position)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a mined transaction did: the receipt."""

    ledger: Ledger
    fills: tuple[Fill, ...]
    gas_used: int
    reason: str  # "" on success


def execute(ledger: Ledger, sent: Transaction, mandate: Mandate | None, base_fee: int) -> Outcome:
    """Return what mining `sent` at `ledger.at` does; it pays for gas whatever it does."""
    after, fills, reason, gas = ledger, tuple[Fill, ...](), "", EMPTY_GAS
    if sent.step is not None and mandate is not None:
        gas = min(step_gas(sent.step), sent.gas_limit)
        try:
            after, fills = play(ledger, mandate, sent.step, sent.sequence, sent.deadline)
        except Revert as error:
            reason = error.reason
    paid = gas * price_paid(sent, base_fee)
    after = changed(after, nonce=ledger.nonce + 1, native=ledger.native - paid)
    return Outcome(after, fills, gas, reason)


def price_paid(sent: Transaction, base_fee: int) -> int:
    """Return wei per gas that `sent` pays in a block of `base_fee`."""
    return min(sent.fees.max_fee, base_fee + sent.fees.priority_fee)


def play(
    ledger: Ledger, mandate: Mandate, step: Step, sequence: int, deadline: int
) -> tuple[Ledger, tuple[Fill, ...]]:
    """Return the ledger after `step`, and its receipt; the checks are the account contract's.

    Raises:
        Revert: one of them fails, or the market says no.
    """
    if ledger.at > deadline:
        raise Revert("too late")
    if sequence != ledger.holders[mandate.account].sequence:
        raise Revert("wrong sequence")
    if ledger.holders[mandate.account].closes_only and step.kind is not StepKind.CLOSE:
        raise Revert("another revision")
    state = ledger.state(mandate)
    if step.health_below and _health(state) >= step.health_below:
        raise Revert("health is not below")
    fills: list[Fill] = []
    try:
        for action in step.actions:
            state, fill = _act(state, action)
            fills.append(fill)
        state.position.check_settled()
    except ImpossibleError as error:
        raise Revert(error.message.partition(":")[0]) from error
    if step.health_min and _health(state) < step.health_min:
        raise Revert("health too low")
    return ledger.with_state(state), tuple(fills)


def _act(state: State, action: Action) -> tuple[State, Fill]:
    """Return the state after one action, and the fill its receipt shows."""
    fill = modelled_fill(state, action, state.at)
    worst = worst_fill(state, action, state.at)
    match action:
        case Swap():
            if fill.bought < worst.bought:
                raise Revert("bought too little")
            return apply(state, action, fill), changed(fill, pool_after=None)
        case BuyExact():
            if fill.sold > worst.sold:
                raise Revert("sold too much")
            return apply(state, action, fill), changed(fill, pool_after=None)
        case Supply(venue, amount) | Withdraw(venue, amount):
            return _lend(state, action, venue, amount.asset)
        case Borrow(venue, amount) | Repay(venue, amount):
            return _lend(state, action, venue, amount.asset)
        case SetEMode() | Approve():
            return apply(state, action, fill), fill


def _lend(state: State, action: Action, venue: str, asset: Asset) -> tuple[State, Fill]:
    after = apply(state, action, Fill(state.at))
    moved = abs(after.position.idle.get(asset, 0) - state.position.idle.get(asset, 0))
    reserve = after.lending[venue].reserves[asset]
    return after, Fill(
        state.at, amount=moved, indexes=(reserve.liquidity_index, reserve.borrow_index)
    )


def _health(state: State) -> int:
    return loans.summarise(state.market, state.position.loan, state.at).health
