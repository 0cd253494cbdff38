"""The shared work in fractal-defi, in an environment of its own.

Run by `benchmarks.peers.compare`. Its Aave entity takes a rate for each step, made here from the
exact indexes, and counts in floats. No entity of its hands ether bought on to another, so that
the swap is arithmetic of the strategy: what is supplied is what was borrowed less the fee.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers.task import AMOUNT, Series, load, resident_mb, terms, told, wanted
from fractal.core.base import (
    Action,
    ActionToTake,
    BaseStrategy,
    BaseStrategyParams,
    NamedEntity,
    Observation,
)
from fractal.core.entities.protocols.aave import AaveEntity, AaveGlobalState

NAME = "aave"


@dataclass
class Params(BaseStrategyParams):  # type: ignore[misc]  # untyped outside its own environment
    """None: the shared work's figures are all there is."""


class Loop(BaseStrategy[Params]):  # type: ignore[misc]  # as above
    """The shared work's decision, once a bar."""

    def set_up(self) -> None:
        self.terms = terms(float)
        self.acts = 0
        entity = AaveEntity(
            max_ltv=self.terms.threshold,
            liq_thr=self.terms.threshold,
            collateral_is_volatile=True,
        )
        self.aave = entity
        self.register_entity(NamedEntity(NAME, entity))

    def predict(self) -> list[ActionToTake]:
        aave, price = self.aave, self.aave.global_state.collateral_price
        if not self.acts:
            opened = float(AMOUNT)
            return [act("deposit", opened), *self.moved(wanted(self.terms, opened * price, 0.0))]
        return self.moved(wanted(self.terms, aave.collateral_value, aave.debt_value))

    def moved(self, value: float) -> list[ActionToTake]:
        """Return a purchase for `value` of new debt, or a sale to repay; both act at once."""
        price, keep = self.aave.global_state.collateral_price, 1 - self.terms.fee
        if not value:
            return []
        self.acts += 1
        if value > 0:
            return [act("deposit", value * keep / price), act("borrow", value)]
        return [act("repay", -value * keep), act("withdraw", -value / price)]


def act(kind: str, amount: float) -> ActionToTake:
    field = "amount_in_notional" if kind in {"deposit", "withdraw"} else "amount_in_product"
    return ActionToTake(NAME, Action(kind, {field: amount}))


def observed(series: Series) -> list[Observation]:
    supply, borrow = (each[:, 0] + each[:, 1] / 1e18 for each in (series.supply, series.borrow))
    found, before = [], (supply[0], borrow[0])
    rows = zip(series.ts.tolist(), series.price.tolist(), supply, borrow, strict=True)
    for at, price, own, owe in rows:
        state = AaveGlobalState(
            collateral_price=price / 1e8,
            debt_price=1.0,
            lending_rate=float(own / before[0] - 1),
            borrowing_rate=float(owe / before[1] - 1),
        )
        found.append(Observation(datetime.fromtimestamp(at, UTC), {NAME: state}))
        before = own, owe
    return found


def main() -> None:
    imports = resident_mb()
    seen = observed(load(Path(sys.argv[1])))
    strategy = Loop()

    def run() -> tuple[int, float]:
        found = strategy.run(seen)
        assert len(found.balances) == len(seen)  # the history it keeps is part of its run
        return strategy.acts, strategy.total_balance

    told("fractal-defi", imports, len(seen), run)


if __name__ == "__main__":
    main()
