"""What became of an order, from what the chain and its history say. Pure.

A transaction that is not found may still come until the height it dies at is well past. An
order that is not in the book any more is closed only once its history accounts for it: until
then it is unknown, and unknown is never failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leverd.adapters.injective import codes
from leverd.interfaces.spot_venue import (
    Manner,
    Side,
    SpotAttempt,
    SpotFill,
    SpotOrder,
    SpotSighting,
    Standing,
)

SETTLE_BLOCKS: Final = 3
"""Blocks beyond the last possible one before "not found" is an answer: indexes lag."""

EXCHANGE: Final = "exchange"
_DONE: Final = frozenset({"filled", "canceled", "cancelled", "expired", "rejected"})


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction as the chain executed it."""

    block: int
    code: int  # 0 is success
    codespace: str
    reason: str


@dataclass(frozen=True, slots=True)
class InBook:
    """An order that waits."""

    fillable: Decimal  # base that is left


@dataclass(frozen=True, slots=True)
class InHistory:
    """An order as the indexer remembers it; it may lag behind the chain."""

    active: bool
    state: str
    filled: Decimal


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything one look found; book, account and head are of one block.

    History and fills are asked for only where book and account do not decide.
    """

    head: int
    slot_next: int  # the account's next sequence number at that block
    included: Included | None
    in_book: InBook | None
    history: InHistory | None
    fills: Sequence[SpotFill]
    executed: Sequence[SpotFill] | None = None  # what its block tells of an order that takes


def wants_history(attempt: SpotAttempt, found: Evidence) -> bool:
    """Return whether the indexer has to be asked before anything can be said."""
    if found.in_book is not None or found.executed is not None:
        return False
    if found.included is None:
        return found.slot_next > attempt.slot
    return not found.included.code or _is_duplicate(found.included)


def can_have_made(order: SpotOrder, fills: Sequence[SpotFill]) -> bool:
    """Return whether `order` can have made these trades: its side, its price, no more than it."""
    buys = order.side is Side.BUY
    return _sum(fills) <= order.quantity and not any(
        fill.side is not order.side
        or (fill.price > order.price if buys else fill.price < order.price)
        for fill in fills
    )


def settled(order: SpotOrder, attempt: SpotAttempt, found: Evidence) -> SpotSighting:
    """Return what `found` says of `order`."""
    if found.in_book is not None:
        filled = order.quantity - found.in_book.fillable
        block = found.included.block if found.included else 0
        return SpotSighting(Standing.OPEN, found.head, filled, block)
    if found.included is None:
        return _not_found(order, attempt, found)
    if found.included.block > found.head:  # book and account are of a block before it
        return SpotSighting(Standing.UNKNOWN, found.head, block=found.included.block)
    if found.included.code and found.slot_next <= attempt.slot:
        # Refused before it spent its number, for want of a fee say: another block may take it yet.
        return _not_found(order, attempt, found)
    if found.included.code and not _is_duplicate(found.included):
        return SpotSighting(
            Standing.REJECTED,
            found.head,
            block=found.included.block,
            code=found.included.code,
            reason=found.included.reason,
        )
    return _executed(order, found, found.included)


def _not_found(order: SpotOrder, attempt: SpotAttempt, found: Evidence) -> SpotSighting:
    """Return what a transaction that no block is known to have executed has become."""
    past = found.head > attempt.dead_after + SETTLE_BLOCKS
    if past and _is_accounted_for(order, found):  # by history, which knows no block
        return _closed(found, found.fills, 0)
    # What history tells of it was traded, whatever the index of transactions has lost.
    if not past or found.fills or found.history is not None:
        return SpotSighting(Standing.UNKNOWN, found.head, _sum(found.fills))
    lost = found.slot_next > attempt.slot
    return SpotSighting(Standing.LOST if lost else Standing.NEVER, found.head)


def _executed(order: SpotOrder, found: Evidence, included: Included) -> SpotSighting:
    """Return what an order is that was taken and waits no more."""
    told = found.executed if order.manner is Manner.TAKE else None
    if told is not None and can_have_made(order, told):
        return _closed(found, told, included.block)
    if _is_accounted_for(order, found):
        return _closed(found, found.fills, included.block)
    return SpotSighting(
        Standing.UNKNOWN,
        found.head,
        _sum(found.fills),
        included.block,
        reason="taken" if order.manner is Manner.TAKE else "gone from the book",
    )


def _is_accounted_for(order: SpotOrder, found: Evidence) -> bool:
    """Return whether history is done with an order, and its trades are all that it tells of."""
    if not can_have_made(order, found.fills):
        return False
    filled, told = _sum(found.fills), found.history
    if filled == order.quantity:
        return True
    if told is None or told.active or told.filled != filled:
        return False
    return told.state in _DONE or (order.manner is Manner.TAKE and filled > 0)


def _closed(found: Evidence, fills: Sequence[SpotFill], block: int) -> SpotSighting:
    return SpotSighting(Standing.CLOSED, found.head, _sum(fills), block, fills=tuple(fills))


def _sum(fills: Sequence[SpotFill]) -> Decimal:
    return sum((fill.quantity for fill in fills), Decimal(0))


def _is_duplicate(included: Included) -> bool:
    """Return whether it was refused because an earlier attempt of the same id had been taken."""
    return included.codespace == EXCHANGE and included.code == codes.DUPLICATE_CID
