"""An order book where one asset is bought and sold for another, for one signing key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Side(StrEnum):
    """What the order does with the base asset."""

    BUY = "buy"
    SELL = "sell"


class Manner(StrEnum):
    """How an order meets the book."""

    TAKE = "take"
    """Fill what can be filled in the next block, and forget the rest."""

    REST = "rest"
    """Fill what can be filled, and wait with the rest."""

    ADD = "add"
    """Wait; refused if anything of it could be filled at once."""


@dataclass(frozen=True, slots=True)
class SpotMarket:
    """One market and its rules, as the venue states them now."""

    market_id: str
    ticker: str
    base: str  # denominations, as balances name them
    quote: str
    base_decimals: int
    quote_decimals: int
    price_tick: Decimal  # quote per base; every price is a multiple
    quantity_tick: Decimal  # base
    notional_min: Decimal  # quote; price times quantity is at least this
    maker_fee: Decimal  # fraction of the notional; below nothing it is paid to us
    taker_fee: Decimal
    active: bool


@dataclass(frozen=True, slots=True)
class SpotOrder:
    """One order that keeps the market's rules."""

    cid: str  # ours: see `client_id`
    market_id: str
    side: Side
    manner: Manner
    price: Decimal  # quote per base; the worst we take
    quantity: Decimal  # base
    expires_at: int = 0  # block height; 0 never


@dataclass(frozen=True, slots=True)
class SpotAttempt:
    """A signed payload for a slot; its hash is known before it is sent."""

    cid: str
    slot: int  # the account's sequence number
    tx_hash: str
    payload: bytes
    dead_after: int  # block height beyond which it cannot be included any more


class Standing(StrEnum):
    """What is known of an order. Unknown never becomes failed."""

    UNKNOWN = "unknown"
    """It may have been taken, or may still be."""

    NEVER = "never"
    """It was not included and cannot be any more; its slot may be used again."""

    LOST = "lost"
    """Its last block is past, its slot is spent, and this look finds no block that holds it:
    another transaction took the slot, or an index is behind the block that did hold it. One look
    alone proves nothing. It is never placed anew without a human."""

    REJECTED = "rejected"
    """It was included, and the venue said no; nothing was traded."""

    OPEN = "open"
    """It waits in the book, perhaps filled in part."""

    CLOSED = "closed"
    """Nothing more will be filled; `filled` is all of it, and `fills` are all of its trades."""


@dataclass(frozen=True, slots=True)
class SpotFill:
    """One trade of an order."""

    trade_id: str
    cid: str
    market_id: str
    side: Side
    price: Decimal
    quantity: Decimal  # base, no finer than 1e-18
    fee: Decimal  # quote; below nothing it was paid to us
    at_ms: int  # chain time, unix milliseconds; 0 where only its block is told


@dataclass(frozen=True, slots=True)
class SpotSighting:
    """What the venue says about an order, from one consistent look."""

    standing: Standing
    head: int  # block height of the look
    filled: Decimal = Decimal(0)  # base, so far
    block: int = 0  # that included it, 0 while none did
    code: int = 0  # the venue's own number of its no
    reason: str = ""
    fills: tuple[SpotFill, ...] = ()  # of what is closed: together they are `filled`


@dataclass(frozen=True, slots=True)
class Purse:
    """What an account holds of one denomination, smallest units."""

    total: int
    available: int  # not held by open orders


@dataclass(frozen=True, slots=True)
class Depth:
    """Both sides of a book at one moment, best first: (price, quantity)."""

    market_id: str
    sequence: int  # grows by one with each change
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Ticked:
    """One block of a market, as a stream tells it."""

    block: int
    at_ms: int  # chain time, unix milliseconds
    depth: Depth
    fills: tuple[SpotFill, ...]  # ours, of this block
    resynced: bool  # blocks before this one were missed: settle open orders by `look`


class SpotVenue(Protocol):
    """Reads are retried inside; sends never are. Every method may raise `UnreachableError`."""

    @property
    def name(self) -> str:
        """The venue's name in settings and stamps."""
        ...

    @property
    def account(self) -> str:
        """The address whose sequence numbers are the slots."""
        ...

    async def markets(self) -> Sequence[SpotMarket]:
        """Return every market that is traded."""
        ...

    async def market(self, market_id: str) -> SpotMarket:
        """Return one market's rules.

        Raises:
            NonsenseError: there is none of that id.
        """
        ...

    async def depth(self, market_id: str, *, levels: int = 50) -> Depth:
        """Return the best `levels` of both sides."""
        ...

    async def purses(self) -> Mapping[str, Purse]:
        """Return what the account holds, by denomination, all from one block."""
        ...

    async def slot(self) -> int:
        """Return the account's next sequence number."""
        ...

    async def sign(self, order: SpotOrder, slot: int) -> SpotAttempt:
        """Return `order` as a signed payload, after a rehearsal and without sending it.

        Raises:
            RefusedError: the venue would say no now; nothing was signed that anybody saw.
            SigningRefusedError: its fee is above what may be paid.
        """
        ...

    async def sign_cancel(self, order: SpotOrder, slot: int) -> SpotAttempt:
        """Return a payload that cancels `order`, named by its cid."""
        ...

    async def send(self, payload: bytes) -> None:
        """Hand a signed payload over. Sending the same one twice has one effect.

        Raises:
            RefusedError: it was not taken.
            UnreachableError: it may or may not have been taken.
        """
        ...

    async def look(self, order: SpotOrder, attempt: SpotAttempt) -> SpotSighting:
        """Return what became of `order`, which `attempt` placed."""
        ...

    async def fills(self, order: SpotOrder) -> tuple[SpotFill, ...]:
        """Return the trades of `order` that are told so far, the oldest first."""
        ...

    def watch(self, market_id: str) -> AbstractAsyncContextManager[AsyncIterator[Ticked]]:
        """Return every block of a market from now on; what is missed is read anew and said."""
        ...

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each endpoint lets through now."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
