"""Plans that add risk: every limit must hold, at worst-case fills, all reasons collected."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from leverd.domain import quotes
from leverd.domain.fixed_point import WAD
from leverd.domain.gas_use import limit_of, lower_gas, steps_gas
from leverd.domain.money import USD
from leverd.domain.plan import Borrow, Plan
from leverd.domain.reserves import reserve_of
from leverd.domain.view import View
from leverd.risk.limits import Limits
from leverd.risk.pending import Pending
from leverd.risk.reasons import Reason
from leverd.risk.rehearsal import Rehearsal
from leverd.risk.stress import health_after
from leverd.risk.trading_state import forbidden


def reasons(
    plan: Plan, view: View, limits: Limits, played: Rehearsal, age_s: int, pending: Pending
) -> tuple[Reason, ...]:
    """Return every reason not to add the risk of `plan`."""
    rules = {
        **_when(view, limits, age_s),
        **_where(plan, view, limits, played),
        **_cost(plan, view, limits, pending),
    }
    standing = tuple(reason for reason in forbidden(view) if reason is not Reason.HALTED)
    return standing + tuple(reason for reason, holds in rules.items() if holds)


def _when(view: View, limits: Limits, age_s: int) -> dict[Reason, bool]:
    record, skew = view.record, abs(view.state.at - view.stamp.at)
    lost_at = record.last_loss_at
    return {
        Reason.STALE_VIEW: max(age_s, skew) > limits.view_age_s_max,
        Reason.TOO_FEW_SOURCES: view.sources_agree < limits.sources_min,
        Reason.SLOT_OPEN: view.portfolio.open_slots > 0,
        Reason.COOLDOWN: lost_at is not None and view.now < lost_at + limits.cooldown_after_loss_s,
        Reason.ORACLE_GAP: oracle_gap(view) > limits.oracle_gap_max,
    }


def oracle_gap(view: View) -> Decimal:
    """Return how far the pool's price is from the oracle's, as a fraction of the oracle's."""
    mandate, market = view.state.position.mandate, view.state.market
    collateral = reserve_of(market, mandate.collateral).price
    debt = reserve_of(market, mandate.debt).price
    spot = quotes.spot_price(view.state.pool, mandate.collateral, mandate.debt)
    return abs(spot * debt / collateral - 1)


def _where(plan: Plan, view: View, limits: Limits, played: Rehearsal) -> dict[Reason, bool]:
    after, floor = played.after, int(limits.health_min * WAD)
    leverage, had_debt = after.leverage, played.before.debt > 0
    bare = [
        step
        for step in plan.steps
        if any(isinstance(action, Borrow) for action in step.actions) and step.health_min < floor
    ]
    return {
        Reason.HEALTH_TOO_LOW: min((end.health for end in played.ends), default=floor) < floor,
        Reason.NO_CHAIN_FLOOR: bool(bare),
        Reason.FAILS_SHOCK: health_after(after.state, limits.shock, view.now) < WAD,
        Reason.LEVERAGE_TOO_HIGH: leverage is None or leverage > Fraction(limits.leverage_max),
        Reason.POSITION_TOO_LARGE: after.exposure > limits.position_usd_max * USD.unit,
        Reason.TOO_MANY_POSITIONS: not had_debt
        and view.portfolio.active_positions >= limits.active_positions_max,
    }


def _cost(plan: Plan, view: View, limits: Limits, pending: Pending) -> dict[Reason, bool]:
    price = view.gas.base_fee + view.gas.priority_fee
    gas, used = steps_gas(plan.steps) * price, view.portfolio
    all_gas = used.gas_today + pending.gas + gas
    own_gas = all_gas - used.guardian_gas_today - pending.guardian_gas
    own_max = limits.gas_day_wei_max * (1 - limits.guardian_gas_share)
    allowed = limits.cost_share_max * plan.cost.moved
    profit = (allowed - plan.cost.total) / USD.unit
    return {
        Reason.GAS_PRICE: price > limits.gas_price_wei_max,
        Reason.GAS_DAY: own_gas > own_max or all_gas > limits.gas_day_wei_max,
        Reason.GAS_RESERVE: view.gas.operator_balance < gas + reserve_wei(view, limits),
        Reason.TRADES_DAY: used.trades_today + pending.trades >= limits.trades_day_max,
        Reason.COST_SHARE: plan.cost.total > allowed,
        Reason.PROFIT_TOO_SMALL: profit < limits.profit_usd_min,
    }


def reserve_wei(view: View, limits: Limits) -> int:
    """Return what the signing key must keep for deleverages at the year's highest fee, wei."""
    return deleverage_wei(limits, atomic=view.atomic) * limits.gas_reserve_deleverages


def deleverage_wei(limits: Limits, *, atomic: bool) -> int:
    """Return what a node wants to see for one deleverage at the year's highest fee, wei."""
    return limit_of(lower_gas(atomic=atomic)) * limits.gas_price_wei_worst
