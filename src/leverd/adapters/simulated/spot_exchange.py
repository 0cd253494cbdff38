"""An order book in memory that keeps the promises of a real one, block by block.

Its rules are those that were measured on a chain: a slot is a sequence number and is spent by
what is included, also by what the exchange then refuses; a payload dies at its block; an id is
refused while its order waits; what only takes is refused when there is nobody to take from.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Final

from leverd.domain.atto import atto, atto_down, atto_up, of_atto
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.errors import RefusedError
from leverd.interfaces.spot_rules import Wish, fitted, needed
from leverd.interfaces.spot_venue import (
    Depth,
    Manner,
    Purse,
    Side,
    SpotFill,
    SpotMarket,
    SpotOrder,
)

Level = tuple[Decimal, Decimal]

DUPLICATE: Final = 97
NOBODY: Final = 24
_FUNDS: Final = 5
_POST_ONLY: Final = 59
_OFF: Final = 65


@dataclass(slots=True)
class Waiting:
    """An order that rests in the book."""

    account: str
    order: SpotOrder
    left: Decimal  # base


@dataclass(slots=True)
class Till:
    """What an account holds, smallest units, and its next sequence number."""

    held: dict[str, int]
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction as it was executed; code 0 is success."""

    block: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Payload:
    """What an account wants done in one slot."""

    account: str
    slot: int
    dead_after: int
    order: SpotOrder
    cancels: bool

    def encoded(self) -> bytes:
        """Return it as bytes: the same for the same content."""
        plain = {
            "account": self.account,
            "slot": self.slot,
            "dead_after": self.dead_after,
            "cancels": self.cancels,
            "order": [
                self.order.cid,
                self.order.market_id,
                self.order.side.value,
                self.order.manner.value,
                f"{self.order.price:f}",
                f"{self.order.quantity:f}",
                self.order.expires_at,
            ],
        }
        return json.dumps(plain, sort_keys=True).encode()


def decoded(payload: bytes) -> Payload:
    """Return what `encoded` wrote."""
    plain = json.loads(payload)
    cid, market_id, side, manner, price, quantity, expires_at = plain["order"]
    order = SpotOrder(
        cid, market_id, Side(side), Manner(manner), Decimal(price), Decimal(quantity), expires_at
    )
    return Payload(
        plain["account"], plain["slot"], plain["dead_after"], order, cancels=plain["cancels"]
    )


def hash_of(payload: bytes) -> str:
    """Return what a payload is found by."""
    return sha256(payload).hexdigest().upper()


def nameless(market_id: str) -> SpotMarket:
    """Return what is known of a market before anybody was asked: nothing is traded there."""
    one = Decimal(1)
    return SpotMarket(market_id, "", "", "", 0, 0, one, one, one, one, one, active=False)


@dataclass(slots=True)
class SpotExchange:
    """One market, its accounts, and whoever else trades there."""

    market: SpotMarket
    height: int = 1
    at_ms: int = 0
    tills: dict[str, Till] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    fills: list[tuple[str, SpotFill]] = field(default_factory=list)  # by account, oldest first
    mined: dict[str, Included] = field(default_factory=dict)
    others: Depth | None = None  # what everybody else offers, of the newest block
    listeners: set[asyncio.Event] = field(default_factory=set)  # set at each block
    _pool: dict[str, Payload] = field(default_factory=dict)
    _changes: int = 0

    def open(self, account: str, held: dict[str, int], sequence: int = 0) -> None:
        """Let `account` trade with what it has."""
        self.tills[account] = Till(dict(held), sequence)

    def purses(self, account: str) -> dict[str, Purse]:
        """Return what an account holds, and what of it no order of its own needs."""
        till = self.tills[account]
        held_back: dict[str, int] = {}
        for each in self.waiting:
            if each.account == account:
                denom, amount = needed(self.market, replace(each.order, quantity=each.left))
                held_back[denom] = held_back.get(denom, 0) + amount
        return {
            denom: Purse(total, max(total - held_back.get(denom, 0), 0))
            for denom, total in till.held.items()
        }

    def depth(self, levels: int = 0) -> Depth:
        """Return both sides, ours in it, best first."""
        bids = self._side(Side.BUY)
        asks = self._side(Side.SELL)
        return Depth(
            self.market.market_id, self._changes, bids[: levels or None], asks[: levels or None]
        )

    def objection(self, payload: Payload) -> Included | None:
        """Return the no that executing `payload` now would meet, None if it would not."""
        order = payload.order
        theirs = [each for each in self.waiting if each.account == payload.account]
        if payload.cancels:
            known = any(each.order.cid == order.cid for each in theirs)
            return None if known else self._no(_OFF, "no such order")
        if any(each.order.cid == order.cid for each in theirs):
            return self._no(DUPLICATE, "this client id is taken")
        try:
            wish = Wish(order.side, order.manner, order.price, order.quantity)
            fit = fitted(self.market, wish, order.cid)
        except RefusedError as error:
            return self._no(_OFF, error.message)
        if (fit.price, fit.quantity) != (order.price, order.quantity):
            return self._no(_OFF, "price or quantity is off its tick")
        denom, amount = needed(self.market, order)
        purse = self.purses(payload.account).get(denom, Purse(0, 0))
        if purse.available < amount:
            return self._no(_FUNDS, f"less than {amount} of {denom} is available")
        crosses = bool(self._counter(order))
        if order.manner is Manner.TAKE and not crosses:
            return self._no(NOBODY, "nobody to trade with at that price")
        if order.manner is Manner.ADD and crosses:
            return self._no(_POST_ONLY, "it would trade at once")
        return None

    def submit(self, payload: bytes) -> None:
        """Take a payload into the pool; one that is known already changes nothing.

        Raises:
            RefusedError: its slot is spent, or its last block is over.
        """
        told = decoded(payload)
        if hash_of(payload) in self._pool:
            return
        if told.slot < self.tills[told.account].sequence:
            raise RefusedError("sequence", "its slot is spent")
        if self.height >= told.dead_after:
            raise RefusedError("timeout", "its last block is over")
        self._pool[hash_of(payload)] = told

    def mine(
        self, *, block: int = 0, at_ms: int = 0, others: Depth | None = None
    ) -> tuple[tuple[str, SpotFill], ...]:
        """Make the next block, which `others` trade on as well; return its trades by account."""
        self.height = max(block, self.height + 1)
        self.at_ms = max(at_ms, self.at_ms + 1)
        if others is not None:
            self.others = others
        self._changes += 1
        before = len(self.fills)
        for name, payload in list(self._pool.items()):
            till = self.tills[payload.account]
            if payload.slot > till.sequence and payload.dead_after >= self.height:
                continue  # its turn may come
            del self._pool[name]
            if payload.slot == till.sequence and payload.dead_after >= self.height:
                till.sequence += 1
                self.mined[name] = self._executed(payload)
        for each in self.listeners:
            each.set()
        return tuple(self.fills[before:])

    def _executed(self, payload: Payload) -> Included:
        against = self.objection(payload)
        if against is not None:
            return against
        if payload.cancels:
            self.waiting = [
                each
                for each in self.waiting
                if (each.account, each.order.cid) != (payload.account, payload.order.cid)
            ]
            return self._no(0, "")
        left = self._matched(payload.account, payload.order)
        if left and payload.order.manner is not Manner.TAKE:
            self.waiting.append(Waiting(payload.account, payload.order, left))
        return self._no(0, "")

    def _matched(self, account: str, order: SpotOrder) -> Decimal:
        """Trade what can be traded; return what is left of it."""
        left = order.quantity
        for price, there, mine in self._counter(order):
            taken = min(left, there)
            left -= taken
            self._trade(account, order, price, taken, takes=True)
            if mine is not None:
                mine.left -= taken
                self._trade(mine.account, mine.order, price, taken, takes=False)
            else:
                self._take_away(order.side, price, taken)
            if not left:
                break
        self.waiting = [each for each in self.waiting if each.left]
        return left

    def _counter(self, order: SpotOrder) -> list[tuple[Decimal, Decimal, Waiting | None]]:
        """Return what `order` could trade with, the best first."""
        buys = order.side is Side.BUY
        against = Side.SELL if buys else Side.BUY
        found: list[tuple[Decimal, Decimal, Waiting | None]] = [
            (each.order.price, each.left, each)
            for each in self.waiting
            if each.order.side is against
        ]
        found += [(price, quantity, None) for price, quantity in self._theirs(against)]
        fits = [
            each for each in found if (each[0] <= order.price if buys else each[0] >= order.price)
        ]
        return sorted(fits, key=lambda each: each[0] if buys else -each[0])

    def _theirs(self, side: Side) -> tuple[Level, ...]:
        if self.others is None:
            return ()
        return self.others.bids if side is Side.BUY else self.others.asks

    def _take_away(self, side: Side, price: Decimal, taken: Decimal) -> None:
        """Leave less of what others offer, until the next block tells anew."""
        assert self.others is not None, "it was theirs"

        def less(levels: tuple[Level, ...]) -> tuple[Level, ...]:
            kept = ((at, there - taken if at == price else there) for at, there in levels)
            return tuple((at, there) for at, there in kept if there > 0)

        if side is Side.BUY:
            self.others = replace(self.others, asks=less(self.others.asks))
        else:
            self.others = replace(self.others, bids=less(self.others.bids))

    def _trade(
        self, account: str, order: SpotOrder, price: Decimal, quantity: Decimal, *, takes: bool
    ) -> None:
        """Move the money of one trade, rounded against the account, and remember it."""
        market, till = self.market, self.tills[account]
        notional = mul_div_up(atto(price), atto(quantity), WAD)
        rate = market.taker_fee if takes else market.maker_fee
        fee = _share(notional, rate)
        base = 10**market.base_decimals
        quote = 10**market.quote_decimals
        if order.side is Side.BUY:
            paid, got = (
                mul_div_up(notional + fee, quote, WAD),
                mul_div_down(atto(quantity), base, WAD),
            )
            _move(till, market.quote, -paid)
            _move(till, market.base, got)
        else:
            _move(till, market.base, -mul_div_up(atto(quantity), base, WAD))
            _move(till, market.quote, (notional - 1 - fee) * quote // WAD)
        told = SpotFill(
            trade_id=f"{self.height}-{len(self.fills)}",
            cid=order.cid,
            market_id=market.market_id,
            side=order.side,
            price=price,
            quantity=quantity,
            fee=of_atto(fee),
            at_ms=self.at_ms,
        )
        self.fills.append((account, told))

    def _side(self, side: Side) -> tuple[Level, ...]:
        totals: dict[Decimal, Decimal] = {}
        mine = [(each.order.price, each.left) for each in self.waiting if each.order.side is side]
        for price, quantity in (*mine, *self._theirs(side)):
            totals[price] = totals.get(price, Decimal(0)) + quantity
        return tuple(sorted(totals.items(), reverse=side is Side.BUY))

    def _no(self, code: int, reason: str) -> Included:
        return Included(self.height, code, reason)


def _share(notional: int, rate: Decimal) -> int:
    """Return the fee of a notional, 1e-18s, rounded against us; a rate below nothing pays us."""
    size = atto_up(abs(rate)) if rate > 0 else atto_down(abs(rate))
    if rate < 0:
        return -mul_div_down(notional, size, WAD)
    return mul_div_up(notional, size, WAD)


def _move(till: Till, denom: str, amount: int) -> None:
    till.held[denom] = till.held.get(denom, 0) + amount
