"""Make views: what a venue showed, joined with what the book remembers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from leverd.domain import loans, reserves
from leverd.domain.keeping import kept
from leverd.domain.snapshot import Snapshot
from leverd.domain.state import State
from leverd.domain.valuation import equity_in_share_class
from leverd.domain.view import Stamp, View
from leverd.engine.book import Book, portfolio_of, record_of
from leverd.errors import ImpossibleError, UnreachableError
from leverd.interfaces.venue import Observation

_BEHIND: Final = 6


def views(
    observation: Observation,
    book: Book,
    *,
    open_slots: int,
    touched: Mapping[str, int] | None = None,
    strange: Collection[str] = (),
    apart: Collection[str] = (),
) -> dict[str, View]:
    """Return one view for each observed position, by position id.

    Of the key's `open_slots` as many may change a position as `touched` says; all of them where
    nobody can say. Positions that are `strange` hold other than is known, and one look does not
    prove it. Those `apart` get no view, and still count among what shares budgets.
    """
    now = observation.stamp.at
    active = sum(_is_open(seen.state) for seen in observation.positions.values())
    portfolio = portfolio_of(book, now, active=active, open_slots=open_slots)
    return {
        position_id: View(
            stamp=observation.stamp,
            state=seen.state,
            gas=observation.gas,
            sequence=seen.sequence,
            atomic=seen.atomic,
            record=record_of(
                book,
                position_id,
                now,
                open_slots=open_slots if touched is None else touched.get(position_id, 0),
                strange=position_id in strange,
            ),
            portfolio=portfolio,
            venue_trusted=seen.trusted,
            sources_agree=observation.sources_agree,
            plain=seen.plain,
            closes_only=seen.closes_only,
            allowances=seen.allowances,
        )
        for position_id, seen in observation.positions.items()
        if position_id not in apart
    }


def check_not_behind(book: Book, stamp: Stamp) -> None:
    """Check that a look shows at least the block of what we know to be held.

    An older picture is a lagging node's; what is decided from it was done already.

    Raises:
        UnreachableError: it does not; a later look, or another node, will.
    """
    known = max((page.snapshot.block for page in book.pages.values() if page.snapshot), default=0)
    if stamp.block < known:
        raise UnreachableError(
            f"{stamp.source} shows block {stamp.block}, and block {known} was seen already",
            number=_BEHIND,
            remedy="wait for the node to catch up, or add another RPC",
        )


@kept(8)
def snapshot_of(state: State, stamp: Stamp) -> Snapshot:
    """Return the balances of `state` as the journal keeps them.

    What a step did is written down also while an oracle is silent: nobody marks by its equity.
    """
    market, loan = state.market, state.position.loan
    assets = {state.position.mandate.collateral, state.position.mandate.debt}
    assets |= {leg.asset for leg in state.position.legs() if leg.asset in market.reserves}
    held = [market.reserves[asset] for asset in sorted(assets)]
    return Snapshot(
        block=stamp.block,
        block_hash=stamp.block_hash,
        at=stamp.at,
        idle={asset.symbol: raw for asset, raw in sorted(state.position.idle.items()) if raw},
        supplied={asset.symbol: raw for asset, raw in sorted(loan.supplies.items()) if raw},
        owed={asset.symbol: raw for asset, raw in sorted(loan.debts.items()) if raw},
        prices={reserve.asset.symbol: reserve.price for reserve in held},
        supply_indexes={
            reserve.asset.symbol: reserves.normalized_income(reserve, stamp.at) for reserve in held
        },
        borrow_indexes={
            reserve.asset.symbol: reserves.normalized_debt(reserve, market.rules, stamp.at)
            for reserve in held
        },
        health=loans.summarise(market, loan, stamp.at).health,
        equity=_equity(state),
        decimals={reserve.asset.symbol: reserve.asset.decimals for reserve in held},
        staking={
            reserve.asset.symbol: market.staking[reserve.asset]
            for reserve in held
            if reserve.asset in market.staking
        },
        kept_at=market.kept_at,
    )


def _equity(state: State) -> int:
    """Return the equity, share class raw units; 0 while no oracle prices what is owed."""
    try:
        return equity_in_share_class(state)
    except ImpossibleError:
        return 0


def _is_open(state: State) -> bool:
    return any(state.position.loan.debts.values())
