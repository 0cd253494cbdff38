"""P&L marks: what a stretch of time, or a transaction, did to a position. Pure.

A mark closes the stretch since the one before. Around a transaction there are two, at its
parent block and at its own, so that interest and the act never mix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Final

from leverd.domain import loans
from leverd.domain.changed import changed
from leverd.domain.events import Event, ExternalChanged, PnlRecorded
from leverd.domain.fixed_point import BPS, RAY, nearest
from leverd.domain.holdings import holdings_kept, holdings_of
from leverd.domain.money import Asset
from leverd.domain.pnl import Attribution, attribute_with_flows
from leverd.domain.pnl_facts import Fact, GasFact, LiquidationFact, StakingFact, facts_of
from leverd.domain.reserves import normalized_debt, normalized_income
from leverd.domain.snapshot import Snapshot
from leverd.domain.state import State
from leverd.domain.units import UnitBook, advance, flowed, marked
from leverd.domain.view import Record, Stamp
from leverd.engine.book import Book, Page
from leverd.engine.collect import snapshot_of
from leverd.engine.state import fold
from leverd.execution.facts import stamp_of
from leverd.execution.reconcile import LIQUIDATION, reconcile
from leverd.execution.verify import Proof, StepDone
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

    What a staked token stands for grew as both marks saw it. What liquidators took since
    then, as the book knows, is lost, at the prices of `state`.
    What balances show beyond all that is a flow: money somebody brought or took. Gas paid
    since the last mark is added at `native_price` (USD 1e8 per whole native token).

    Raises:
        ImpossibleError: an asset held has no price (30).
    """
    snapshot, after = snapshot_of(state, stamp), holdings_of(state)
    share_class = state.position.mandate.share_class
    if page.marked is None:
        units = marked(flowed(UnitBook(), 0, after.equity, share_class), after.equity)
        return _recorded(state, snapshot, Attribution(), units, after.equity)
    before = holdings_kept(page.marked.snapshot, state)
    grown = _grown(page.marked.snapshot.staking, state)
    told = (*facts, *grown, *_seizures(page, state), *_gas(page, native_price))
    lines, flow = attribute_with_flows(before, after, told)
    units = UnitBook(page.marked.units, page.marked.unit_price, page.record.unit_peak)
    units = advance(units, lines, flow, after.equity, share_class)
    return _recorded(state, snapshot, lines, units, flow)


def marks_around(page: Page, done: StepDone, native: Asset, source: str) -> tuple[PnlRecorded, ...]:
    """Return the marks just before and just after a step of ours.

    `native` is the asset whose price gas is counted at. Interest up to the parent block is
    in the first, the step's fees, impact and gas are in the second. A step whose states no
    node keeps is marked at later prices, and at the present where only that is known. What
    a liquidator took before the step, as `done` says, is in the first.
    """
    page = _told(page, done)
    price = done.after.market.reserves[native].price
    inclusion = done.inclusion
    before = mark(page, done.before, _parent(done, source), price)
    own = done.seen or stamp_of(inclusion, source)
    gas = GasFact(inclusion.paid, price)
    marked_page = changed(page, marked=before, gas_unmarked=0, taken={})
    facts = (*facts_of(done.before, done.step, done.fills), gas)
    return before, mark(marked_page, done.after, own, price, facts)


def others_before(page: Page, done: StepDone, source: str) -> tuple[Event, ...]:
    """Return that liquidators were there just before a step of ours, if they were.

    While a transaction flies nobody compares balances, and a position that is being saved is
    the one that liquidators look at. Only what is sure is said: the step's parent block shows
    other balances than the book knows, and they differ as a liquidation makes them.
    """
    if page.snapshot is None or done.proof is not Proof.STATES:
        return ()
    found = reconcile(
        done.before.position.mandate,
        page.snapshot,
        snapshot_of(done.before, _parent(done, source)),
    )
    is_liquidation = any(
        isinstance(event, ExternalChanged) and event.cause == LIQUIDATION for event in found
    )
    return found if is_liquidation else ()


def fell_too_far(record: Record, limits: Limits) -> bool:
    """Return whether the unit price has dropped from its peak by the portfolio stop."""
    return record.unit_price < record.unit_peak * (1 - limits.portfolio_stop)


def _told(page: Page, done: StepDone) -> Page:
    """Return `page` after what others did before the step, which is journaled with it."""
    name = done.before.position.mandate.position_id
    book = Book({name: page})
    for event in done.others:
        book = fold(book, event, done.before.at)
    return book.page(name)


def _parent(done: StepDone, source: str) -> Stamp:
    inclusion = done.inclusion
    received = datetime.fromtimestamp(inclusion.at, UTC)
    return Stamp(source, inclusion.block - 1, "", done.before.at, received)


def _grown(before: Mapping[str, int], state: State) -> Iterator[StakingFact]:
    """Yield how much more each staked token stands for, where it was known at both ends."""
    for asset, rate in state.market.staking.items():
        was = before.get(asset.symbol, 0)
        if was > 0 and rate > 0 and was != rate:
            yield StakingFact(asset, was, rate)


def _seizures(page: Page, state: State) -> tuple[LiquidationFact, ...]:
    """Return what liquidators cleared and seized since the last mark, as the book knows it.

    The book has scaled balances, so at the indexes after it comes out to the unit, whenever
    between two marks it was. What it cost is the venue's bonus; where several assets are
    concerned, or nothing is left and debt may have been written off, it is what is gone at
    the prices of now.
    """
    cleared, seized = _gone(page.taken, state, "owed"), _gone(page.taken, state, "supplied")
    if not cleared or not seized:
        return ()
    loan, taken = state.position.loan, seized[0][0]
    if len(cleared) == len(seized) == 1 and loan.supplies.get(taken):
        bonus = loans.terms(state.market, loan, taken).bonus - BPS
        return (LiquidationFact(*cleared[0], *seized[0], bonus),)
    pairs = zip_longest(cleared, seized)
    debt, collateral = (cleared[0][0], 0), (seized[0][0], 0)  # nothing more of these
    return tuple(LiquidationFact(*(one or debt), *(other or collateral)) for one, other in pairs)


def _gone(taken: Mapping[str, int], state: State, kind: str) -> list[tuple[Asset, int]]:
    """Return how much of each leg of `kind` was taken, raw units."""
    gone = []
    for asset, reserve in state.market.reserves.items():
        scaled = -taken.get(f"{kind}:{asset.symbol}", 0)
        if scaled > 0:
            index = (
                normalized_debt(reserve, state.market.rules, state.at)
                if kind == "owed"
                else normalized_income(reserve, state.at)
            )
            gone.append((asset, nearest(scaled * index, RAY)))
    return gone


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
