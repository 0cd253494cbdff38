"""Whether a position's markets take what keeping it needs; if not, which and why.

A frozen position is waited on: nothing is asked of it that its venue would refuse, others go
on, and it goes on itself once the venue does.
"""

from __future__ import annotations

from collections.abc import Iterator

from leverd.domain import loans, quotes, reserves, side
from leverd.domain.lending import LendingMarket, Reserve
from leverd.domain.view import View
from leverd.errors import ImpossibleError


def frozen(view: View) -> str:
    """Return what stands in the way of moving the position, "" where nothing does."""
    return "; ".join(_frosts(view))


def _frosts(view: View) -> Iterator[str]:
    state, mandate = view.state, view.state.position.mandate
    posted = reserves.reserve_of(state.market, mandate.collateral)
    owed = reserves.reserve_of(state.market, mandate.debt)
    for reserve in (posted, owed):
        symbol, params = reserve.asset.symbol, reserve.params
        if params.paused or not params.active:
            yield f"{symbol} is paused: nothing of it can be moved"
        elif params.frozen:
            yield f"{symbol} is frozen: no more of it can be posted or borrowed"
    if _is_full(state.market, posted, view.now):
        yield f"the supply cap of {posted.asset.symbol} is reached: no more can be posted"
    if _is_lent_out(state.market, owed, view.now):
        yield f"no more {owed.asset.symbol} can be borrowed: its cap or its liquidity is used up"
    if posted.available == 0 and posted.scaled_supply:
        yield f"all {posted.asset.symbol} is lent out: none can be withdrawn"
    elif posted.available < loans.supplied(
        state.market, state.position.loan, mandate.collateral, view.now
    ):
        yield f"{posted.asset.symbol} is lent out: less can be withdrawn than is posted"
    if not _trades(view):
        yield f"the pool {mandate.pool} gives nothing for what has to be swapped"


def _is_full(market: LendingMarket, reserve: Reserve, at: int) -> bool:
    cap = reserve.params.supply_cap * reserve.asset.unit
    return bool(cap) and reserves.supplied_total(reserve, market.rules, at) >= cap


def _is_lent_out(market: LendingMarket, reserve: Reserve, at: int) -> bool:
    params, cap = reserve.params, reserve.params.borrow_cap * reserve.asset.unit
    full = bool(cap) and reserves.debt_total(reserve, market.rules, at) >= cap
    return full or reserve.available == 0 or not params.borrowing_enabled


def _trades(view: View) -> bool:
    """Whether the pool fills a thousandth of a volatile token's worth, both ways."""
    state, mandate = view.state, view.state.position.mandate
    asset = side.volatile(mandate)
    raw = asset.unit // 1000
    try:
        quotes.quote_exact_in(state.pool, asset, raw)
        quotes.quote_exact_out(state.pool, asset, raw)
    except ImpossibleError:
        return False
    return True
