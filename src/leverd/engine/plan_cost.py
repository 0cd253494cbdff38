"""What a plan is expected to cost: swap fees, price impact and gas."""

from __future__ import annotations

from dataclasses import dataclass

from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.gas_use import steps_gas
from leverd.domain.money import Amount, value_down
from leverd.domain.plan import BuyExact, PlanCost, Step, Swap
from leverd.domain.state import State
from leverd.domain.view import View
from leverd.engine.terms import Terms
from leverd.errors import ImpossibleError


@dataclass(slots=True)
class _Bill:
    """Running totals, USD 1e8."""

    fees: int = 0
    impact: int = 0
    moved: int = 0


def cost(view: View, steps: tuple[Step, ...], terms: Terms) -> PlanCost:
    """Return what `steps` are expected to cost at the view's own pools and gas price."""
    state, bill = view.state, _Bill()
    for step in steps:
        at = view.now + terms.delay_s
        fills = modelled_fills(state, step, at)
        for action, fill in zip(step.actions, fills, strict=True):
            if isinstance(action, Swap | BuyExact):
                _add_swap(bill, state, action, fill.sold, fill.bought)
        if step is steps[-1]:
            break  # nothing is swapped after it
        try:
            state = apply_step(state, step, fills)
        except ImpossibleError:
            break  # the gate will say so, with the reason
    wei = steps_gas(steps) * (view.gas.base_fee + view.gas.priority_fee)
    return PlanCost(bill.fees, bill.impact, wei * view.gas.native_price // 10**18, bill.moved)


def _add_swap(bill: _Bill, state: State, action: Swap | BuyExact, sold: int, bought: int) -> None:
    into, out = (
        (action.sell.asset, action.buy_min.asset)
        if isinstance(action, Swap)
        else (action.sell_max.asset, action.buy.asset)
    )
    reserves, pool = state.market.reserves, state.pools[action.pool]
    value_in = value_down(Amount(into, sold), reserves[into].price)
    value_out = value_down(Amount(out, bought), reserves[out].price)
    fee = value_in * pool.fee // 10**6
    bill.fees += fee
    bill.impact += value_in - fee - value_out
    bill.moved += value_in
