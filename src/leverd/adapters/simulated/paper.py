"""A `Venue` on paper: the real markets of every look, and a position that exists only here.

At each look the newest real block becomes the next block of the chain in memory: markets,
pools, time, hash and base fee are the real ones, our own scaled balances are kept, and what
waits long enough is included. So interest is exact on the real indexes, a swap fills by the
real pool as it stands at inclusion, and a bound that no longer holds reverts. What we do to
a pool or a rate ourselves lasts until the next look. A position that a look finds below
health 1 is liquidated there, before anything of ours is included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.chain import Block, SimulatedChain
from leverd.adapters.simulated.ledger import Holder, Ledger
from leverd.adapters.simulated.venue import SIGNER, SimulatedVenue
from leverd.domain import loans
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import LendingMarket
from leverd.domain.plan import Step
from leverd.domain.pool import Pool
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.domain.view import Gas, Stamp
from leverd.errors import ImpossibleError, UnreachableError
from leverd.interfaces.venue import Attempt, Fees, Inclusion, Observation, Order, Sighting

STATES_KEPT: Final = 64
"""Looks whose states are kept: a step is verified at the look that includes it."""

RECEIPTS_KEPT: Final = 4096
"""Looks whose receipts are kept; a slot is final after a few of them."""

_BEHIND: Final = 6
"""The error's number: the same as where a daemon finds that a node lags."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The real markets, all of one block."""

    stamp: Stamp
    gas: Gas  # whose balance is nobody's
    lending: Mapping[str, LendingMarket]
    pools: Mapping[str, Pool]
    trusted: Mapping[str, bool] = field(default_factory=dict)  # by position id
    sources_agree: int = 1


@dataclass(frozen=True, slots=True)
class Window:
    """How to look at the real chain; nothing can be sent through it."""

    look: Callable[[], Awaitable[Sight]]
    bid: Callable[[float], Awaitable[Fees]]  # by urgency
    shut: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the account and the key of a paper position hold when looking begins."""

    holders: Mapping[str, Holder]  # by account
    native: int  # wei
    nonce: int = 0
    block: int = 0  # newest block that something is known of, 0 for none
    block_hash: str = ""


class PaperVenue:
    """Acts on a chain in memory that follows a real one.

    `begin` is asked at the first look, so that a journal can be opened and checked before.
    """

    def __init__(
        self,
        window: Window,
        begin: Callable[[], Beginning],
        mandates: Sequence[Mandate],
        *,
        inclusion_blocks: int,
        final_depth: int = 2,
    ) -> None:
        self._window, self._begin = window, begin
        self._mandates = {mandate.account: mandate for mandate in mandates}
        self._blocks, self._depth = inclusion_blocks, final_depth
        self._inner: SimulatedVenue | None = None
        self._sight: Sight | None = None

    @property
    def name(self) -> str:
        """The venue's name; see `Venue`."""
        return "paper"

    @property
    def signer(self) -> str:
        """The address whose nonces are the slots: nobody's; see `Venue`."""
        return SIGNER

    async def observe(self, mandates: Sequence[Mandate]) -> Observation:
        """Return every mandate's paper position in the newest real block; see `Venue`."""
        venue = await self._look()
        seen = await venue.observe(mandates)
        sight = self._sight
        assert sight is not None, "a look leaves what it saw"
        positions = {
            name: replace(each, trusted=sight.trusted.get(name, True))
            for name, each in seen.positions.items()
        }
        return replace(
            seen,
            stamp=sight.stamp,
            gas=replace(sight.gas, operator_balance=seen.gas.operator_balance),
            positions=positions,
            sources_agree=sight.sources_agree,
        )

    async def fees(self, *, urgency: float) -> Fees:
        """Return what the real chain would want; see `Venue`."""
        return await self._window.bid(urgency)

    async def rehearse(self, mandate: Mandate, step: Step, sequence: int, deadline: int) -> int:
        """Return the gas limit `step` needs if sent now; see `Venue`."""
        return await (await self._venue()).rehearse(mandate, step, sequence, deadline)

    async def sign(self, order: Order) -> Attempt:
        """Return `order` as a payload that no real chain would take; see `Venue`."""
        return await (await self._venue()).sign(order)

    async def sign_cancel(self, slot: int, fees: Fees) -> Attempt:
        """Return a payload that spends `slot` and does nothing; see `Venue`."""
        return await (await self._venue()).sign_cancel(slot, fees)

    async def send(self, payload: bytes, *, private: bool = False) -> None:
        """Put a payload into the pool in memory; see `Venue`."""
        await (await self._venue()).send(payload, private=private)

    async def look(self, slot: int, tx_hashes: Sequence[str]) -> Sighting:
        """Return what became of `slot` in the newest real block; see `Venue`."""
        return await (await self._look()).look(slot, tx_hashes)

    async def replaced(self, block: int, block_hash: str) -> bool:
        """Return whether another block was seen at that height; see `Venue`."""
        return await (await self._venue()).replaced(block, block_hash)

    async def fills(self, mandate: Mandate, step: Step, inclusion: Inclusion) -> tuple[Fill, ...]:
        """Return what each action of an included step did; see `Venue`."""
        return await (await self._venue()).fills(mandate, step, inclusion)

    async def state_before(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state at the look before the one that included a step."""
        return await (await self._venue()).state_before(mandate, inclusion)

    async def state_after(self, mandate: Mandate, inclusion: Inclusion) -> State:
        """Return the position's state at the look that included a step; see `Venue`."""
        return await (await self._venue()).state_after(mandate, inclusion)

    async def close(self) -> None:
        """Stop looking; see `Venue`."""
        await self._window.shut()

    async def _venue(self) -> SimulatedVenue:
        return self._inner or await self._look()

    async def _look(self) -> SimulatedVenue:
        """Return the chain in memory as of the newest real block.

        Raises:
            UnreachableError: no node answers, or only with what is older than the journal.
        """
        return self.follow(await self._window.look())

    def follow(self, sight: Sight) -> SimulatedVenue:
        """Return the chain in memory, grown by the block of `sight` if that is a newer one.

        A block that another took the place of stays as we saw it: what was included in it
        was included on paper, and the next look is at the chain as it became.

        Raises:
            UnreachableError: nothing was seen yet, and the journal knows a later block.
        """
        if self._inner is None:
            self._inner, self._sight = self._begun(sight), sight
            return self._inner
        chain, stamp = self._inner.chain, sight.stamp
        head = chain.head
        if stamp.block > head.number:
            chain.base_fee = sight.gas.base_fee
            chain.change(lambda ledger: self._at(sight, ledger))
            chain.grow(stamp.block, stamp.block_hash, stamp.at)
            chain.slim()
            self._sight = sight
        elif stamp.block_hash == head.block_hash:
            self._sight = sight  # the same block, seen again
        return self._inner

    def _begun(self, sight: Sight) -> SimulatedVenue:
        begun, stamp = self._begin(), sight.stamp
        known = stamp.block == begun.block and stamp.block_hash == begun.block_hash
        if stamp.block <= begun.block and not known:
            raise UnreachableError(
                f"{stamp.source} shows block {stamp.block}, and block {begun.block} is journaled",
                number=_BEHIND,
                remedy="wait for the node to catch up, or add another RPC",
            )
        ledger = Ledger(
            stamp.at, sight.lending, sight.pools, begun.holders, begun.nonce, begun.native
        )
        ledger = self._at(sight, ledger)
        chain = SimulatedChain(
            ledger,
            sight.gas.base_fee,
            delay_blocks=self._blocks,
            final_depth=self._depth,
            states_max=STATES_KEPT,
            receipts_max=RECEIPTS_KEPT,
            mandates=self._mandates,
            blocks=[Block(stamp.block, stamp.block_hash, ledger)],
        )
        return SimulatedVenue(chain)

    def _at(self, sight: Sight, ledger: Ledger) -> Ledger:
        """Return `ledger` in the real markets of `sight`, less what liquidators take of it."""
        ledger = replace(ledger, lending=sight.lending, pools=sight.pools)
        for mandate in self._mandates.values():
            ledger = self._liquidated(sight.stamp.block, ledger, mandate)
        return ledger

    def _liquidated(self, block: int, ledger: Ledger, mandate: Mandate) -> Ledger:
        state = ledger.state(mandate)
        safe = loans.summarise(state.market, state.position.loan, ledger.at).health >= WAD
        if safe or not state.position.loan.debts.get(mandate.debt):
            return ledger
        try:
            after = markets.liquidated(mandate)(ledger)
        except ImpossibleError:
            return ledger  # frozen, or nothing to take: no liquidator can either
        if self._inner is not None:
            _hold_back(self._inner.chain, block)
        return after


def _hold_back(chain: SimulatedChain, block: int) -> None:
    """Have what waits go into a block after `block`: liquidators were there before it.

    A step in the block of a liquidation could not be told apart from it.
    """
    for nonce, each in chain.pool.items():
        chain.pool[nonce] = replace(each, from_block=max(each.from_block, block + 1))
