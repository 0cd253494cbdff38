"""The shared work in demeter, in an environment of its own.

Run by `benchmarks.peers.compare`. It takes indexes as they are and counts in Decimals. It has no
flash swap: the broker may owe for the length of a bar instead, which comes to the same. Its
swaps are at the oracle's price with the fee, as the work asks.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from benchmarks.peers.task import AMOUNT, YEAR_S, Series, load, resident_mb, terms, told, wanted
from demeter import Actuator, Asset, MarketInfo, MarketTypeEnum, Snapshot, Strategy, TokenInfo
from demeter.aave import AaveV3Market
from numpy.typing import NDArray

WETH, USDC = TokenInfo("weth", 18), TokenInfo("usdc", 6)
MARKET = MarketInfo("aave", MarketTypeEnum.aave_v3)
RISK = {
    "usageAsCollateralEnabled": True,
    "baseLTVasCollateral": 9_000,
    "reserveLiquidationThreshold": 9_300,
    "reserveLiquidationBonus": 10_500,
    "reserveFactor": 1_000,
    "borrowingEnabled": True,
    "optimalUsageRatio": 9 * 10**26,
    "variableRateSlope1": 0,
    "variableRateSlope2": 0,
    "baseVariableBorrowRate": 0,
    "supplyCap": 0,
    "borrowCap": 0,
    "borrowableInIsolation": False,
    "flashLoanEnabled": True,
}


class Loop(Strategy):  # type: ignore[misc]  # untyped outside its own environment
    """The shared work's decision, once a bar."""

    def __init__(self) -> None:
        super().__init__()
        self.terms = terms(Decimal)
        self.acts = 0

    def on_bar(self, snapshot: Snapshot) -> None:
        market = self.markets[MARKET]
        if not self.acts:
            market.supply(WETH, Decimal(AMOUNT))
        value = wanted(self.terms, market.total_supply_value, market.total_borrows_value)
        if not value:
            return
        self.acts += 1
        prices = snapshot.prices
        if value > 0:
            self.broker.swap_by_from(USDC, WETH, value, prices, self.terms.fee)
            market.supply(WETH, self.broker.get_token_balance(WETH))
            market.borrow(USDC, value)
        else:
            market.withdraw(WETH, -value / prices[WETH.name])
            sold = self.broker.get_token_balance(WETH)
            self.broker.swap_by_from(WETH, USDC, sold, prices, self.terms.fee)
            market.repay(USDC, self.broker.get_token_balance(USDC))


def decimals(index: NDArray[np.int64]) -> list[Decimal]:
    return [whole + Decimal(part).scaleb(-18) for whole, part in index.tolist()]


def frame(series: Series, index: NDArray[np.int64], side: str) -> pd.DataFrame:
    """Return a token's data; only the side that is used moves."""
    at, exact = pd.to_datetime(series.ts, unit="s"), decimals(index)
    growth = index[:, 0] + index[:, 1] / 1e18
    yearly = YEAR_S / int(series.ts[1] - series.ts[0])
    rate = np.diff(growth, append=growth[-1]) / growth * yearly
    still, none = [Decimal(1)] * len(exact), [Decimal(0)] * len(exact)
    rates = [Decimal(repr(each)) for each in rate.tolist()]
    supplies = side == "supply"
    return pd.DataFrame(
        {
            "liquidity_rate": rates if supplies else none,
            "stable_borrow_rate": none,
            "variable_borrow_rate": none if supplies else rates,
            "liquidity_index": exact if supplies else still,
            "variable_borrow_index": still if supplies else exact,
        },
        index=at,
    )


def market_of(series: Series) -> AaveV3Market:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "risk.csv"
        rows = [
            {"symbol": "WETH", "name": "Wrapped Ether", **RISK},
            {"symbol": "USDC", "name": "USD Coin", **RISK},
        ]
        pd.DataFrame(rows).to_csv(path, index=False)
        market = AaveV3Market(MARKET, str(path), [WETH, USDC])
    market.set_token_data(WETH, frame(series, series.supply, "supply"))
    market.set_token_data(USDC, frame(series, series.borrow, "borrow"))
    return market


def main() -> None:
    imports = resident_mb()
    series = load(Path(sys.argv[1]))
    actuator = Actuator(allow_negative_balance=True)
    actuator.broker.add_market(market_of(series))
    actuator.set_assets([Asset(WETH, Decimal(AMOUNT)), Asset(USDC, Decimal(0))])
    prices = [Decimal(each).scaleb(-8) for each in series.price.tolist()]
    paid = {WETH.name: prices, USDC.name: [Decimal(1)] * len(prices)}
    actuator.set_price(pd.DataFrame(paid, index=pd.to_datetime(series.ts, unit="s")))
    actuator.strategy = Loop()

    def run() -> tuple[int, float]:
        actuator.run(print_result=False)
        return actuator.strategy.acts, float(actuator.final_status.net_value)

    told("demeter", imports, len(series.ts), run)


if __name__ == "__main__":
    main()
