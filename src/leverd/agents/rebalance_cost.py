"""What a rebalance is expected to cost, before there is a plan."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from leverd.domain import quotes, valuation
from leverd.domain.gas_use import lower_gas, raise_gas
from leverd.domain.money import USD
from leverd.domain.view import View
from leverd.errors import ImpossibleError


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate, USD."""

    moved: Decimal  # value swapped
    swap: Decimal  # fee and price impact
    gas: Decimal

    @property
    def total(self) -> Decimal:
        """Everything together."""
        return self.swap + self.gas

    def share(self) -> Decimal:
        """Return the cost as a fraction of what is moved; 1 if nothing is."""
        return self.total / self.moved if self.moved else Decimal(1)


def cost_of(view: View, target: Decimal) -> Cost | None:
    """Return what moving to leverage `target` would cost; None if the pool cannot fill it.

    The swap is quoted in the view's own pool; gas is priced at the view's own fees.
    """
    state, mandate = view.state, view.state.position.mandate
    goal, one = target.as_integer_ratio()
    drift = goal * valuation.equity(state) - one * valuation.exposure(state)
    raises, size = drift > 0, abs(drift)
    sell = mandate.debt if raises else mandate.collateral
    value, of = valuation.terms(state, sell, USD)
    raw = size * of // (one * value)
    if raw == 0:
        return None
    try:
        quote = quotes.quote_exact_in(state.pool, sell, raw)
    except ImpossibleError:
        return None
    moved = Decimal(size // one) / USD.unit
    share = Decimal(quote.fee) / quote.sold + quotes.price_impact(state.pool, quote, sell)
    units = raise_gas(atomic=view.atomic) if raises else lower_gas(atomic=view.atomic)
    wei = units * (view.gas.base_fee + view.gas.priority_fee)
    gas = Decimal(wei * view.gas.native_price // 10**18) / USD.unit
    return Cost(moved, moved * share, gas)
