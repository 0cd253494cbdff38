"""Which slot a new plan may have, beside what is under way. Pure.

A new transaction takes the lowest open slot, and only to lower risk more urgently than what
waits there; only deleverages of separate accounts fly side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from leverd.domain import quotes
from leverd.domain.plan import BuyExact, Purpose, Swap
from leverd.domain.pool import Pool
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.step_text import of_text
from leverd.domain.view import View
from leverd.errors import ImpossibleError
from leverd.execution.slots import CANCEL, Slot, bid_of, replacement
from leverd.risk.gate import Approved


class Rank(IntEnum):
    """What goes before what."""

    NOTHING = 0
    """A cancel, or something that no plan wants any more, or that cannot be mined."""

    ORDINARY = 1
    UNWIND = 2
    DELEVERAGE = 3


def rank_of(purpose: str) -> Rank:
    """Return how urgent a plan of this purpose is."""
    ranks = {Purpose.DELEVERAGE: Rank.DELEVERAGE, Purpose.UNWIND: Rank.UNWIND}
    return ranks.get(Purpose(purpose), Rank.ORDINARY)


@dataclass(frozen=True, slots=True)
class Place:
    """A slot to use, and what waits there already."""

    number: int
    over: Slot | None = None


def place_for(
    approved: Approved,
    waiting: Sequence[Slot],
    ranks: Mapping[str, Rank],
    *,
    free: int,
    bump_percent: int,
) -> Place | None:
    """Return where an approved plan may go, None if it has to wait.

    `waiting` are the open slots, lowest first; `ranks` knows every plan not ended; `free` is
    the lowest nonce that nothing was signed for. Taking a place must be worth the bid that
    replaces what is there.
    """
    if not waiting:
        return Place(free)
    rank = rank_of(approved.plan.purpose)
    if rank is Rank.ORDINARY or not approved.lowers:
        return None
    weaker = [slot for slot in waiting if _rank_in(slot, ranks, approved) < rank]
    own = [slot for slot in waiting if slot.act.position_id == approved.plan.position_id]
    over = own[:1] or weaker[:1]
    if over:
        worth = _replacing(over[0], bump_percent) <= approved.gas_price_cap
        return Place(over[0].number, over[0]) if over[0] in weaker and worth else None
    return Place(free) if rank is Rank.DELEVERAGE else None


def _rank_in(slot: Slot, ranks: Mapping[str, Rank], approved: Approved) -> Rank:
    newest, view = slot.newest, approved.view
    stuck = newest.max_fee < view.gas.base_fee and newest.fee_cap < approved.gas_price_cap
    if newest.purpose == CANCEL or newest.deadline <= view.now or stuck:
        return Rank.NOTHING
    if newest.position_id == view.state.position.mandate.position_id and _outrun(newest, view):
        return Rank.NOTHING
    return ranks.get(newest.plan_id, Rank.NOTHING)


def _outrun(waiting: AttemptSigned, view: View) -> bool:
    """Return whether the market has left what a waiting act would accept: it could only revert."""
    pools = view.state.pools
    try:
        return any(
            _is_outrun(action, pools[action.pool])
            for action in of_text(waiting.step_text).actions
            if isinstance(action, Swap | BuyExact) and action.pool in pools
        )
    except ImpossibleError:  # what the pool cannot fill at all
        return True


def _is_outrun(action: Swap | BuyExact, pool: Pool) -> bool:
    if isinstance(action, Swap):
        quote = quotes.quote_exact_in(pool, action.sell.asset, action.sell.raw)
        return quote.bought < action.buy_min.raw
    quote = quotes.quote_exact_out(pool, action.buy.asset, action.buy.raw)
    return quote.sold > action.sell_max.raw


def _replacing(slot: Slot, bump_percent: int) -> int:
    return replacement(bid_of(slot.newest), bump_percent).max_fee
