"""Turn what an agent wants into transactions.

Where the account can, a change is one transaction by a flash swap: the pool itself lends.
Elsewhere it is a journaled sequence of single steps in rounds (engine.rounds), each round as
large as health allows. Idle remains of a half-done sequence are put to use first.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import assert_never

from leverd.domain import loans, quotes, valuation
from leverd.domain.apply import apply_step, worst_fills
from leverd.domain.decision import Decision, Hold, SetLeverage, Unwind
from leverd.domain.fixed_point import WAD, mul_div_up
from leverd.domain.money import Amount, value_down
from leverd.domain.plan import (
    Plan,
    Purpose,
    Step,
    StepKind,
    Withdraw,
    plan_id,
)
from leverd.domain.state import State
from leverd.domain.view import View
from leverd.engine import flash_steps, rounds, sizing
from leverd.engine.approvals import with_approvals
from leverd.engine.plan_cost import cost
from leverd.engine.terms import Terms, sold_at_most, wad
from leverd.errors import ImpossibleError


def plan(decision: Decision, view: View, terms: Terms) -> Plan | None:
    """Return the plan that brings the position to what `decision` wants, None if it is there.

    The plan goes as far as the pool's liquidity, the venue's caps and `terms` allow; what is
    left over is the next view's to decide. Where the venue takes no such step now, a reserve
    paused or a cap hit, there is no plan either: it is waited on (risk.frost says so).
    """
    try:
        return _planned(decision, view, terms)
    except ImpossibleError:
        return None


def _planned(decision: Decision, view: View, terms: Terms) -> Plan | None:
    match decision:
        case Hold():
            return tidy(view, terms)
        case SetLeverage(target=target):
            if valuation.leverage(view.state) > target:
                return _lowering(decision, target, view, terms)
            made = tidy(view, terms, saves=decision.urgent)
            return made or _raising(decision, target, view, terms)
        case Unwind():
            return _closing(decision, view, terms)
        case _:
            assert_never(decision)


def tidy(view: View, terms: Terms, *, saves: bool = False) -> Plan | None:
    """Return a plan that repays idle debt asset and posts idle collateral beside a debt.

    Strangers may send money, so it has to be worth its gas, and the signing key has to hold more
    than what deleverages may need; one that `saves` the position uses all above dust.
    """
    state, mandate = view.state, view.state.position.mandate
    owed = loans.owed(state.market, state.position.loan, mandate.debt, state.at)
    if owed == 0 or view.closes_only or not (saves or terms.spares_gas):
        return None
    least = terms.dust_usd if saves else max(terms.dust_usd, terms.idle_usd_min)
    steps = []
    for asset in (mandate.debt, mandate.collateral):
        idle = Amount(asset, state.position.idle.get(asset, 0))
        if value_down(idle, state.market.reserves[asset].price) > least:
            steps.append(rounds.put_to_use(mandate, idle))
    if not steps:
        return None
    return _finish(view, terms, Purpose.TIDY, tuple(steps), "idle remains of a half-done plan")


def _raising(decision: SetLeverage, target: Decimal, view: View, terms: Terms) -> Plan | None:
    state = view.state
    size = _debt_to_raise(state, target, terms)
    if size == 0:
        return None
    no_debt = not any(state.position.loan.debts.values())
    purpose = Purpose.OPEN if no_debt else Purpose.BOOST
    raising = (
        (flash_steps.raise_step(state, size, terms),)
        if view.atomic
        else rounds.raise_in_rounds(state, size, terms)
    )
    steps = (*flash_steps.emode_step(state), *raising)
    return _finish(view, terms, purpose, steps, decision.reason)


def _lowering(
    decision: SetLeverage | Unwind, target: Decimal, view: View, terms: Terms
) -> Plan | None:
    instead = _top_up(decision, view, terms)
    if instead is not None:
        return instead
    if view.closes_only:
        return _closing(decision, view, terms) if decision.urgent else None
    state = view.state
    asset = state.position.mandate.collateral
    most = rounds.payable(state, asset) if view.atomic else rounds.withdrawable(state, asset)
    wanted = sizing.collateral_to_sell(state, target)
    if wanted is None:
        wanted = most
    elif view.atomic:
        wanted = min(wanted, most)
    size = sizing.within_impact(state.pool, asset, wanted, terms.impact_max)
    if not rounds.sells(state, Amount(asset, size), terms):
        return tidy(view, terms, saves=decision.urgent)
    purpose = Purpose.DELEVERAGE if decision.urgent else Purpose.REDUCE
    steps: tuple[Step, ...]
    if not view.atomic:
        steps = rounds.lower_in_rounds(state, size, terms)
    elif _covers_debt(state, size):
        return _closing(decision, view, terms)
    else:
        steps = (flash_steps.lower_step(state, size, terms),)
        if decision.urgent and not _is_taken(view, steps, terms):
            return _closing(decision, view, terms)
    return _finish(view, terms, purpose, steps, decision.reason) if steps else None


def _top_up(decision: SetLeverage | Unwind, view: View, terms: Terms) -> Plan | None:
    """Return the plan that puts idle money to use, where health is then good enough; else None.

    It costs one transaction without fee or price impact, so it is always cheaper than a sale.
    """
    made = tidy(view, terms, saves=True)
    if made is None or not isinstance(decision, SetLeverage) or not decision.enough:
        return None
    after, at = _after(view, made.steps, terms), view.now + terms.delay_s
    if after is None:
        return None
    if loans.summarise(after.market, after.position.loan, at).health < decision.enough:
        return None
    reason = f"{decision.reason}; what lies idle is enough"
    return replace(made, purpose=Purpose.DELEVERAGE, reason=reason)


def _closing(decision: SetLeverage | Unwind, view: View, terms: Terms) -> Plan | None:
    state, mandate = view.state, view.state.position.mandate
    owed = loans.owed(state.market, state.position.loan, mandate.debt, state.at)
    posted = rounds.supplied(state, mandate.collateral)
    there = rounds.payable(state, mandate.collateral)
    if owed == 0:
        steps = _take_out(view, terms)
        return _finish(view, terms, Purpose.UNWIND, steps, decision.reason) if steps else None
    sell_max = _sold_to_close(state, owed, terms)
    if sell_max is None or sell_max > posted or (view.atomic and there < posted):
        return None if view.closes_only else _as_far_as_it_goes(decision, view, terms)
    steps = (
        (flash_steps.close_step(state, owed, posted, sell_max),)
        if view.atomic
        else rounds.close_in_rounds(state, terms)
    )
    saves = decision.saves if isinstance(decision, Unwind) else decision.urgent
    purpose = Purpose.DELEVERAGE if saves else Purpose.UNWIND
    if saves and not view.atomic:
        steps = rounds.until_safe(state, steps, max(decision.enough, wad(terms.health_min)))
    return _finish(view, terms, purpose, steps, decision.reason) if steps else None


def _take_out(view: View, terms: Terms) -> tuple[Step, ...]:
    """Return steps that leave nothing posted, of a position without debt."""
    mandate = view.state.position.mandate
    posted = rounds.supplied(view.state, mandate.collateral)
    if not view.closes_only or not posted:
        return rounds.take_out(view.state, terms)
    whole = Amount(mandate.collateral, posted)
    there = rounds.payable(view.state, mandate.collateral)
    if there < posted or not rounds.is_worth_moving(view.state, whole, terms):
        return ()
    everything = Withdraw(mandate.lending, whole, everything=True)
    return (Step(StepKind.CLOSE, (everything,), health_min=0),)


def _as_far_as_it_goes(decision: SetLeverage | Unwind, view: View, terms: Terms) -> Plan | None:
    """Return a plan that lowers what a thin pool or a poor position still lets us lower."""
    state, asset = view.state, view.state.position.mandate.collateral
    if view.atomic:
        steps = _lower_most(view, terms)
    else:
        free = rounds.withdrawable(state, asset)
        size = sizing.within_impact(state.pool, asset, free, terms.impact_max)
        steps = rounds.lower_in_rounds(state, size, terms) if size else ()
    if not steps:
        return tidy(view, terms, saves=decision.urgent)
    return _finish(view, terms, Purpose.DELEVERAGE, steps, decision.reason)


def _lower_most(view: View, terms: Terms) -> tuple[Step, ...]:
    """Return the largest flash sale that the venue takes, up to one that repays all; or none.

    The more of it is sold the better, also below health 1; where a sale brings less than its
    collateral counts for, only what health leaves free may go.
    """
    state, asset = view.state, view.state.position.mandate.collateral
    most = min(rounds.payable(state, asset), _sold_for_debt(state, terms))
    for wanted in (most, min(most, rounds.withdrawable(state, asset))):
        size = sizing.within_impact(state.pool, asset, wanted, terms.impact_max)
        if rounds.sells(state, Amount(asset, size), terms):
            steps = (flash_steps.lower_step(state, size, terms),)
            if _is_taken(view, steps, terms):
                return steps
    return ()


def _is_taken(view: View, steps: tuple[Step, ...], terms: Terms) -> bool:
    """Whether the venue takes `steps` at worst-case fills."""
    return _after(view, steps, terms) is not None


def _after(view: View, steps: tuple[Step, ...], terms: Terms) -> State | None:
    """Return where `steps` lead at worst-case fills, None if the venue refuses one."""
    state, at = view.state, view.now + terms.delay_s
    try:
        for step in steps:
            state = apply_step(state, step, worst_fills(state, step, at))
    except ImpossibleError:
        return None
    return state


def _debt_to_raise(state: State, target: Decimal, terms: Terms) -> int:
    """Return the debt to add: to the target, within impact, caps and worst-case health."""
    mandate = state.position.mandate
    size = sizing.debt_to_sell(state, target)
    size = min(size, rounds.borrow_room(state, mandate.debt))
    size = sizing.within_impact(state.pool, mandate.debt, size, terms.impact_max)

    def healthy(raw: int) -> bool:
        step = flash_steps.raise_step(state, raw, terms)
        at = state.at + terms.delay_s
        try:
            after = apply_step(state, step, worst_fills(state, step, at))
        except ImpossibleError:
            return False
        return loans.summarise(after.market, after.position.loan, at).health >= wad(
            terms.health_min
        )

    return size if size == 0 or healthy(size) else sizing.largest(healthy, size)


def _sold_to_close(state: State, owed: int, terms: Terms) -> int | None:
    """Return the most collateral that buying the whole debt may take, None if illiquid."""
    grown = loans.owed(
        state.market, state.position.loan, state.position.mandate.debt, state.at + terms.deadline_s
    )
    try:
        quote = quotes.quote_exact_out(state.pool, state.position.mandate.debt, max(owed, grown))
    except ImpossibleError:
        return None
    if quotes.price_impact(state.pool, quote, state.position.mandate.collateral) > terms.impact_max:
        return None
    return sold_at_most(quote.sold, terms.slippage)


def _sold_for_debt(state: State, terms: Terms) -> int:
    """Return the collateral (raw) that with what is idle repays the debt at its worst fill.

    All that is posted where the pool does not give so much.
    """
    mandate, loan = state.position.mandate, state.position.loan
    grown = loans.owed(state.market, loan, mandate.debt, state.at + terms.deadline_s)
    missing = grown - max(state.position.idle.get(mandate.debt, 0), 0)
    if missing <= 0:
        return 0
    wanted = mul_div_up(missing, WAD, WAD - wad(terms.slippage))
    try:
        return quotes.quote_exact_out(state.pool, mandate.debt, wanted).sold
    except ImpossibleError:
        return loans.supplied(state.market, loan, mandate.collateral, state.at)


def _covers_debt(state: State, size: int) -> bool:
    mandate = state.position.mandate
    quote = quotes.quote_exact_in(state.pool, mandate.collateral, size)
    idle = max(state.position.idle.get(mandate.debt, 0), 0)
    owed = loans.owed(state.market, state.position.loan, mandate.debt, state.at)
    return quote.bought + idle >= owed


def _finish(
    view: View, terms: Terms, purpose: Purpose, steps: tuple[Step, ...], reason: str
) -> Plan:
    position_id = view.state.position.mandate.position_id
    steps = with_approvals(steps, view.allowances) if view.plain else steps
    return Plan(
        plan_id(position_id, view.stamp.block_hash, steps),
        position_id,
        purpose,
        steps,
        reason,
        cost(view, steps, terms),
        view.now + terms.deadline_s,
    )
