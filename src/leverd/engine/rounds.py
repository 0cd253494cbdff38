"""Sequences of single steps, in rounds, for accounts that cannot do it in one transaction.

Each round is as large as health allows at that moment: borrowing before buying and
withdrawing before repaying both pass through a lower health than either end.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

from leverd.domain import loans, quotes
from leverd.domain.apply import apply_step, worst_fills
from leverd.domain.fills import Fill
from leverd.domain.fixed_point import BPS, mul_div_down
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.lending_checks import is_barred
from leverd.domain.money import Amount, Asset, value_down
from leverd.domain.plan import (
    Action,
    Borrow,
    BuyExact,
    Repay,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.position import Mandate
from leverd.domain.state import State
from leverd.engine.terms import Terms, bought_at_least, sold_at_most, wad
from leverd.errors import ImpossibleError
from leverd.risk.urgency import step_floor_at

_MARGIN = 10**6
"""A round uses all but one part in this of what health allows, so that interest fits too."""

_ROOM = 100
"""A withdrawal is planned to end one part in this above the floor that its step is held to, and
to use at least half of what there is: the price falls on between the plan and the block."""


def put_to_use(mandate: Mandate, idle: Amount) -> Step:
    """Return the step that repays with `idle` debt asset or posts `idle` collateral."""
    action: Action = (
        Repay(mandate.lending, idle, all_idle=True)
        if idle.asset == mandate.debt
        else Supply(mandate.lending, idle, all_idle=True)
    )
    return single(action)


def single(action: Action, *, health_min: int = 0) -> Step:
    """Return the step that does just `action`."""
    return Step(StepKind.SINGLE, (action,), health_min)


def raise_in_rounds(state: State, size: int, terms: Terms) -> tuple[Step, ...]:
    """Return steps that post what is idle, then borrow, buy and post `size` debt in rounds."""
    mandate, steps = state.position.mandate, list[Step]()
    floor = wad(terms.health_min)
    for _ in range(terms.rounds_max + 1):
        idle = state.position.idle.get(mandate.collateral, 0)
        if idle > 0:
            amount = Amount(mandate.collateral, idle)
            state = _add(state, steps, single(Supply(mandate.lending, amount, all_idle=True)))
        part = min(size, borrowable(state, mandate.debt, floor))
        if part <= 0 or len(steps) > 3 * terms.rounds_max:
            break
        sell = Amount(mandate.debt, part)
        state = _add(state, steps, single(Borrow(mandate.lending, sell), health_min=floor))
        state = _sell(state, steps, sell, mandate.collateral, terms)
        size -= part
    return tuple(steps)


def lower_in_rounds(state: State, size: int, terms: Terms) -> tuple[Step, ...]:
    """Return steps that withdraw, sell and repay `size` collateral in rounds.

    What lies idle is sold first: a withdrawal lowers health until its proceeds are repaid,
    and a plan cut off in between must not begin with another one.
    """
    mandate, steps = state.position.mandate, list[Step]()
    state = _repay_idle(state, steps, terms)
    size, state = _sell_idle(state, steps, size, terms)
    floor = _floor(state, terms)
    for _ in range(terms.rounds_max):
        part = min(size, _free(state, floor))
        sold = sells(state, Amount(mandate.collateral, part), terms)
        if not sold or _owed(state, mandate.debt) == 0:
            break
        state = _lower_once(state, steps, part, floor, terms)
        size -= part
    return tuple(steps)


def close_in_rounds(state: State, terms: Terms) -> tuple[Step, ...]:
    """Return steps that repay the whole debt and withdraw all collateral, if it is all there.

    The last purchase is a little larger than the debt, because interest runs between the
    transactions; what remains of it stays idle.
    """
    mandate, steps = state.position.mandate, list[Step]()
    state = _repay_idle(state, steps, terms)
    most = _cost_of(state, mandate, _owed(state, mandate.debt), terms)
    _, state = _sell_idle(state, steps, most or 0, terms)
    floor = _floor(state, terms)
    for _ in range(terms.rounds_max):
        owed = loans.owed(
            state.market, state.position.loan, mandate.debt, state.at + terms.deadline_s
        )
        if owed == 0:
            break
        free = _free(state, floor)
        if free <= 0:
            return tuple(steps)
        needed = _cost_of(state, mandate, owed, terms)
        if needed is not None and needed <= free:
            state = _last_round(state, steps, owed, needed, floor)
            break
        if not sells(state, Amount(mandate.collateral, free), terms):
            return tuple(steps)
        state = _lower_once(state, steps, free, floor, terms)
    left = Amount(mandate.collateral, payable(state, mandate.collateral))
    whole = left.raw == supplied(state, mandate.collateral)
    if _owed(state, mandate.debt) == 0 and left.raw and whole:
        _add(state, steps, single(Withdraw(mandate.lending, left, everything=True)))
    return tuple(steps)


def until_safe(state: State, steps: tuple[Step, ...], enough: int) -> tuple[Step, ...]:
    """Return the first of `steps` that bring health to `enough` (wad), all where none do.

    All of a way out in single steps may cost more gas than saving the position is worth, and
    take longer than an urgent plan has; the rest is for a plan that can wait.
    """
    for number, step in enumerate(steps, 1):
        state = apply_step(state, step, worst_fills(state, step, state.at))
        health = loans.summarise(state.market, state.position.loan, state.at).health
        if isinstance(step.actions[0], Repay) and health >= enough:
            return steps[:number]
    return steps


def take_out(state: State, terms: Terms) -> tuple[Step, ...]:
    """Return steps that leave a position without debt with nothing but idle collateral.

    Of collateral that is lent out they take what is there. What a close in rounds bought beyond
    the debt is sold again, if the pool takes it. What is not worth its gas stays.
    """
    mandate, steps = state.position.mandate, list[Step]()
    part = Amount(mandate.collateral, payable(state, mandate.collateral))
    if is_worth_moving(state, part, terms):
        whole = part.raw == supplied(state, mandate.collateral)
        taken = Withdraw(mandate.lending, part, everything=whole)
        state = _add(state, steps, single(taken))
    left = Amount(mandate.debt, state.position.idle.get(mandate.debt, 0))
    if is_worth_moving(state, left, terms):
        with suppress(ImpossibleError):
            _sell(state, steps, left, mandate.collateral, terms)
    return tuple(steps)


def is_worth_moving(state: State, amount: Amount, terms: Terms) -> bool:
    """Return whether `amount` is worth a transaction of its own: anybody may have given it."""
    value = value_down(amount, state.market.reserves[amount.asset].price)
    return value > max(terms.dust_usd, terms.idle_usd_min)


def borrow_room(state: State, asset: Asset) -> int:
    """Return how much of `asset` (raw) the reserve can still lend: liquidity and cap."""
    reserve = state.market.reserves[asset]
    if not reserve.params.borrow_cap:
        return reserve.available
    cap = reserve.params.borrow_cap * asset.unit
    lent = mul_div_down(reserve.scaled_debt, reserve.borrow_index, 10**27)
    return max(min(reserve.available, cap - lent - asset.unit), 0)


def borrowable(state: State, asset: Asset, floor: int) -> int:
    """Return how much of `asset` (raw) can be borrowed with health staying at `floor` (wad)."""
    summary = loans.summarise(state.market, state.position.loan, state.at)
    allowed = summary.collateral_value * summary.threshold * 10**18 // (BPS * floor)
    value = min(summary.available_borrows, allowed - summary.debt_value)
    raw = value * asset.unit // state.market.reserves[asset].price
    return max(min(raw - raw // _MARGIN - 1, borrow_room(state, asset)), 0)


def supplied(state: State, asset: Asset) -> int:
    """Return how much of `asset` (raw) is posted."""
    return loans.supplied(state.market, state.position.loan, asset, state.at)


def payable(state: State, asset: Asset) -> int:
    """Return how much of the posted `asset` (raw) its reserve could pay out now."""
    return min(supplied(state, asset), state.market.reserves[asset].available)


def withdrawable(state: State, asset: Asset, floor: int = 10**18) -> int:
    """Return how much of `asset` (raw) can be withdrawn with health staying at `floor` (wad)."""
    summary = loans.summarise(state.market, state.position.loan, state.at)
    posted = payable(state, asset)
    if summary.health == INFINITE_HEALTH:
        return posted
    barred = is_barred(state.market, state.position.loan, asset, state.at)
    if summary.health <= floor or summary.threshold == 0 or barred:
        return 0
    weighted = summary.collateral_value * summary.threshold
    spare = Fraction(weighted, BPS) - Fraction(summary.debt_value * floor, 10**18)
    threshold = _threshold(state, asset)
    if threshold == 0:
        return posted
    value = spare * BPS / threshold
    raw = int(value * asset.unit / state.market.reserves[asset].price)
    return max(min(posted, raw - raw // _MARGIN - 1), 0)


def sells(state: State, sell: Amount, terms: Terms) -> bool:
    """Return whether the pool gives anything at all for `sell`, at its worst."""
    try:
        quote = quotes.quote_exact_in(state.pool, sell.asset, sell.raw)
    except ImpossibleError:
        return False
    return bought_at_least(quote.bought, terms.slippage) > 0


def _threshold(state: State, asset: Asset) -> int:
    market, loan = state.market, state.position.loan
    emode = market.emodes.get(loan.emode)
    if emode is not None and asset in emode.collaterals:
        return emode.liquidation_threshold
    return market.reserves[asset].params.liquidation_threshold


def _free(state: State, floor: int) -> int:
    """Return how much collateral (raw) a round may withdraw, health staying at `floor` (wad)."""
    health = loans.summarise(state.market, state.position.loan, state.at).health
    room = max(min(floor // _ROOM, (health - floor) // 2), 0)
    return withdrawable(state, state.position.mandate.collateral, floor + room)


def _floor(state: State, terms: Terms) -> int:
    """Return the health (wad) that withdrawals from `state` on may end at.

    What lay idle has been repaid by then: they need not go as low as health was before.
    """
    health = loans.summarise(state.market, state.position.loan, state.at).health
    return wad(max(terms.health_step_min, step_floor_at(health, terms.health_step_limit)))


def _withdrawal(mandate: Mandate, amount: Amount, floor: int) -> Step:
    """Return the step that withdraws while there is debt; it reverts below the floor."""
    return single(Withdraw(mandate.lending, amount), health_min=floor)


def _lower_once(state: State, steps: list[Step], part: int, floor: int, terms: Terms) -> State:
    """Add one round: withdraw `part` collateral, sell it, repay with what it brings."""
    mandate, sell = state.position.mandate, Amount(state.position.mandate.collateral, part)
    state = _add(state, steps, _withdrawal(mandate, sell, floor))
    state = _sell(state, steps, sell, mandate.debt, terms)
    got = Amount(mandate.debt, state.position.idle.get(mandate.debt, 0))
    return _add(state, steps, single(Repay(mandate.lending, got, all_idle=True)))


def _last_round(state: State, steps: list[Step], owed: int, needed: int, floor: int) -> State:
    mandate = state.position.mandate
    sell_max = Amount(mandate.collateral, needed)
    debt = Amount(mandate.debt, owed)
    state = _add(state, steps, _withdrawal(mandate, sell_max, floor))
    buy = BuyExact(mandate.pool, debt, sell_max)
    state = _add(state, steps, single(buy))
    return _add(state, steps, single(Repay(mandate.lending, debt, everything=True)))


def _repay_idle(state: State, steps: list[Step], terms: Terms) -> State:
    mandate = state.position.mandate
    idle = Amount(mandate.debt, state.position.idle.get(mandate.debt, 0))
    price = state.market.reserves[mandate.debt].price
    if idle.raw * price // mandate.debt.unit <= terms.dust_usd or not _owed(state, mandate.debt):
        return state
    return _add(state, steps, put_to_use(mandate, idle))


def _sell_idle(state: State, steps: list[Step], most: int, terms: Terms) -> tuple[int, State]:
    """Add the sale of `most` idle collateral and its repayment; return what is left to sell."""
    mandate = state.position.mandate
    part = Amount(mandate.collateral, min(most, state.position.idle.get(mandate.collateral, 0)))
    if value_down(part, state.market.reserves[part.asset].price) <= terms.dust_usd:
        return most, state
    if not sells(state, part, terms) or not _owed(state, mandate.debt):
        return most, state
    state = _sell(state, steps, part, mandate.debt, terms)
    return most - part.raw, _repay_idle(state, steps, terms)


def _sell(state: State, steps: list[Step], sell: Amount, buy: Asset, terms: Terms) -> State:
    """Add the sale of `sell`, and go on with the worst proceeds but the pool's true price."""
    quote = quotes.quote_exact_in(state.pool, sell.asset, sell.raw)
    buy_min = Amount(buy, bought_at_least(quote.bought, terms.slippage))
    step = single(Swap(state.position.mandate.pool, sell, buy_min))
    steps.append(step)
    fill = Fill(state.at, sold=sell.raw, bought=buy_min.raw, pool_after=quote.after)
    return apply_step(state, step, (fill,))


def _add(state: State, steps: list[Step], step: Step) -> State:
    steps.append(step)
    return apply_step(state, step, worst_fills(state, step, state.at))


def _cost_of(state: State, mandate: Mandate, owed: int, terms: Terms) -> int | None:
    try:
        quote = quotes.quote_exact_out(state.pool, mandate.debt, owed)
    except ImpossibleError:
        return None
    return sold_at_most(quote.sold, terms.slippage)


def _owed(state: State, asset: Asset) -> int:
    return loans.owed(state.market, state.position.loan, asset, state.at)
