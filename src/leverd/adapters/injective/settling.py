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
    executed: Decimal | None = None  # what the including block traded of an order that takes


def wants_history(attempt: SpotAttempt, found: Evidence) -> bool:
    """Return whether the indexer has to be asked before anything can be said."""
    if found.in_book is not None or found.executed is not None:
        return False
    if found.included is None:
        return found.slot_next > attempt.slot
    return not found.included.code or _is_duplicate(found.included)


def settled(order: SpotOrder, attempt: SpotAttempt, found: Evidence) -> SpotSighting:
    """Return what `found` says of `order`."""
    if found.in_book is not None:
        filled = order.quantity - found.in_book.fillable
        block = found.included.block if found.included else 0
        return SpotSighting(Standing.OPEN, found.head, filled, block)
    if found.included is None:
        return _not_found(attempt, found)
    if found.included.block > found.head:  # book and account are of a block before it
        return SpotSighting(Standing.UNKNOWN, found.head, block=found.included.block)
    if found.included.code and found.slot_next <= attempt.slot:
        # Refused before it spent its number, for want of a fee say: another block may take it yet.
        return _not_found(attempt, found)
    if found.included.code and not _is_duplicate(found.included):
        return SpotSighting(
            Standing.REJECTED,
            found.head,
            block=found.included.block,
            code=found.included.code,
            reason=found.included.reason,
        )
    return _executed(order, found, found.included)


def _not_found(attempt: SpotAttempt, found: Evidence) -> SpotSighting:
    """Return what a transaction that no block is known to have executed has become."""
    past = found.head > attempt.dead_after + SETTLE_BLOCKS
    # What history tells of it was traded, whatever the index of transactions has lost.
    if not past or found.fills or found.history is not None:
        filled = sum((fill.quantity for fill in found.fills), Decimal(0))
        return SpotSighting(Standing.UNKNOWN, found.head, filled)
    lost = found.slot_next > attempt.slot
    return SpotSighting(Standing.LOST if lost else Standing.NEVER, found.head)


def _executed(order: SpotOrder, found: Evidence, included: Included) -> SpotSighting:
    """Return what an order is that was taken and waits no more."""
    if order.manner is Manner.TAKE and found.executed is not None:
        return SpotSighting(Standing.CLOSED, found.head, found.executed, included.block)
    filled = sum((fill.quantity for fill in found.fills), Decimal(0))
    if filled >= order.quantity:
        return SpotSighting(Standing.CLOSED, found.head, filled, included.block)
    told = found.history
    done = told is not None and (
        told.state in _DONE or (order.manner is Manner.TAKE and told.filled > 0)
    )
    if told is not None and done and not told.active and told.filled == filled:
        return SpotSighting(Standing.CLOSED, found.head, filled, included.block)
    return SpotSighting(
        Standing.UNKNOWN,
        found.head,
        filled,
        included.block,
        reason="taken" if order.manner is Manner.TAKE else "gone from the book",
    )


def _is_duplicate(included: Included) -> bool:
    """Return whether it was refused because an earlier attempt of the same id had been taken."""
    return included.codespace == EXCHANGE and included.code == codes.DUPLICATE_CID
