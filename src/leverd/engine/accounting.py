"""P&L marks: what a stretch of time, or a transaction, did to a position. Pure.

A mark closes the stretch since the one before. Around a transaction there are two, at its
parent block and at its own, so that interest and the act never mix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from leverd.domain.events import PnlRecorded, Snapshot
from leverd.domain.holdings import holdings_kept, holdings_of
from leverd.domain.money import Asset
from leverd.domain.pnl import Attribution, attribute_holdings, flow_value, unexplained
from leverd.domain.pnl_facts import Fact, GasFact, facts_of
from leverd.domain.state import State
from leverd.domain.units import UnitBook, advance, flowed, marked
from leverd.domain.view import Record, Stamp
from leverd.engine.collect import snapshot_of
from leverd.engine.state import Page
from leverd.execution.verify import StepDone
from leverd.risk.limits import Limits

_QUIET_S: Final = 86_400
"""Chain seconds after which a mark is due although nothing happened."""


def is_due(page: Page, now: int) -> bool:
    """Return whether P&L should be marked although nothing happened."""
    return page.marked is None or now - page.marked.snapshot.at >= _QUIET_S or page.changed


def mark(
    page: Page, state: State, stamp: Stamp, native_price: int, facts: Iterable[Fact] = ()
) -> PnlRecorded:
    """Return the mark at `state`, given `facts` of our own acts since the last one.

    What balances show beyond those facts is a flow: money somebody brought or took. Gas
    paid since the last mark is added at `native_price` (USD 1e8 per whole native token).

    Raises:
        ImpossibleError: an asset held has no price (30).
    """
    snapshot, after = snapshot_of(state, stamp), holdings_of(state)
    share_class = state.position.mandate.share_class
    if page.marked is None:
        units = marked(flowed(UnitBook(), 0, after.equity, share_class), after.equity)
        return _recorded(state, snapshot, Attribution(), units, after.equity)
    before = holdings_kept(page.marked.snapshot, state)
    told = (*facts, *_gas(page, native_price))
    told = (*told, *unexplained(before, after, told))
    lines, flow = attribute_holdings(before, after, told), flow_value(after, told)
    units = UnitBook(page.marked.units, page.marked.unit_price, page.record.unit_peak)
    units = advance(units, lines, flow, after.equity, share_class)
    return _recorded(state, snapshot, lines, units, flow)


def marks_around(page: Page, done: StepDone, native: Asset, source: str) -> tuple[PnlRecorded, ...]:
    """Return the marks just before and just after a step of ours.

    `native` is the asset whose price gas is counted at. Interest up to the parent block is
    in the first, the step's fees, impact and gas are in the second. A step whose states no
    node keeps is marked at later prices, and at the present where only that is known.
    """
    price = done.after.market.reserves[native].price
    inclusion = done.inclusion
    received = datetime.fromtimestamp(inclusion.at, UTC)
    parent = Stamp(source, inclusion.block - 1, "", done.before.at, received)
    before = mark(page, done.before, parent, price)
    own = done.seen or Stamp(source, inclusion.block, inclusion.block_hash, inclusion.at, received)
    gas = GasFact(inclusion.gas_used * inclusion.gas_price, price)
    marked_page = replace(page, marked=before, gas_unmarked=0)
    facts = (*facts_of(done.before, done.step, done.fills), gas)
    return before, mark(marked_page, done.after, own, price, facts)


def fell_too_far(record: Record, limits: Limits) -> bool:
    """Return whether the unit price has dropped from its peak by the portfolio stop."""
    return record.unit_price < record.unit_peak * (1 - limits.portfolio_stop)


def _gas(page: Page, native_price: int) -> tuple[GasFact, ...]:
    return (GasFact(page.gas_unmarked, native_price),) if page.gas_unmarked else ()


def _recorded(
    state: State, snapshot: Snapshot, lines: Attribution, units: UnitBook, flow: int
) -> PnlRecorded:
    mandate = state.position.mandate
    return PnlRecorded(
        mandate.position_id,
        snapshot,
        lines.lines,
        units.units,
        units.price,
        flow,
        mandate.share_class.symbol,
        mandate.share_class.decimals,
    )
