"""A plan played through before anyone signs, each step at its worst."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from leverd.domain import loans, quotes, valuation
from leverd.domain.apply import apply, worst_fill
from leverd.domain.changed import changed
from leverd.domain.fixed_point import WAD, mul_div_down, mul_div_up
from leverd.domain.money import Asset
from leverd.domain.plan import BuyExact, Plan, Swap
from leverd.domain.pool import Pool, Quote
from leverd.domain.state import State
from leverd.domain.view import View


@dataclass(frozen=True, slots=True)
class Standing:
    """What a position amounts to at one moment."""

    state: State
    debt: int  # USD 1e8
    exposure: int  # USD 1e8
    equity: int  # USD 1e8
    health: int  # wad

    @property
    def leverage(self) -> Fraction | None:
        """Exposure / equity, None where no equity is left."""
        return Fraction(self.exposure, self.equity) if self.equity > 0 else None


def standing(state: State, at: int) -> Standing:
    """Return what `state` amounts to at chain time `at`."""
    summary = loans.summarise(state.market, state.position.loan, at)
    return Standing(
        state,
        summary.debt_value,
        valuation.exposure(state),
        valuation.equity(state),
        summary.health,
    )


@dataclass(frozen=True, slots=True)
class Trade:
    """One swap of a plan, beside what the pool would give by then."""

    action: Swap | BuyExact
    pool: Pool  # as the plan finds it
    quote: Quote

    @property
    def sold(self) -> Asset:
        """What is sold."""
        if isinstance(self.action, Swap):
            return self.action.sell.asset
        return self.action.sell_max.asset

    def within(self, slippage: Decimal) -> bool:
        """Whether the worst fill is at most `slippage` worse than the quote."""
        share = int(slippage * WAD)
        if isinstance(self.action, Swap):
            least = mul_div_down(self.quote.bought, WAD - share, WAD)
            return self.action.buy_min.raw >= least
        return self.action.sell_max.raw <= mul_div_up(self.quote.sold, WAD + share, WAD)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a plan leads to."""

    before: Standing
    ends: tuple[Standing, ...]  # after each step
    trades: tuple[Trade, ...]  # in order

    @property
    def after(self) -> Standing:
        """The end of the last step; of none, where it began."""
        return self.ends[-1] if self.ends else self.before


def rehearse(plan: Plan, view: View) -> Rehearsal:
    """Return where `plan` leads from `view`.

    Every swap gives the worst it accepts, and moves its pool as it would be moved.

    Raises:
        ImpossibleError: the venue would refuse part of it.
    """
    state, ends, trades = view.state, list[Standing](), list[Trade]()
    for step in plan.steps:
        for action in step.actions:
            fill = worst_fill(state, action, view.now)
            if isinstance(action, Swap | BuyExact):
                trade = Trade(action, state.pools[action.pool], _quote(state, action, plan))
                trades.append(trade)
                fill = changed(fill, pool_after=trade.quote.after)
            state = apply(state, action, fill)
        state.position.check_settled()
        ends.append(standing(state, view.now))
    return Rehearsal(standing(view.state, view.now), tuple(ends), tuple(trades))


def impact(trades: tuple[Trade, ...]) -> Decimal:
    """Return the largest price impact that one direction of `trades` has in all, as a fraction.

    Several swaps are judged as one, against the price before the first: slicing hides nothing.
    """
    first: dict[tuple[str, Asset], Pool] = {}
    total: dict[tuple[str, Asset], Quote] = {}
    for trade in trades:
        way = (trade.pool.pool_id, trade.sold)
        first.setdefault(way, trade.pool)
        total[way] = _plus(total.get(way), trade.quote)
    impacts = [quotes.price_impact(first[way], total[way], way[1]) for way in total]
    return max(impacts, default=Decimal(0))


def _quote(state: State, action: Swap | BuyExact, plan: Plan) -> Quote:
    pool = state.pools[action.pool]
    if isinstance(action, Swap):
        return quotes.quote_exact_in(pool, action.sell.asset, action.sell.raw)
    wanted = action.buy.raw
    if action.live_debt:
        # Interest runs until the step is mined: its bound must leave room for that.
        wanted = loans.owed(state.market, state.position.loan, action.buy.asset, plan.deadline)
    return quotes.quote_exact_out(pool, action.buy.asset, wanted)


def _plus(total: Quote | None, quote: Quote) -> Quote:
    if total is None:
        return quote
    return Quote(
        total.sold + quote.sold, total.bought + quote.bought, total.fee + quote.fee, quote.after
    )
