"""Another borrower, whose appetite moves utilisation, and with it the rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment
from leverd.devnet.market_view import read_many
from leverd.devnet.path import PricePath

EVERY_S: Final = 600
_WAD: Final = 10**18
_DAY_S: Final = 86_400
_RESERVE: Final = "getReserveData(address)->(" + ",".join(["uint256"] * 12) + ")"
_ACCOUNT: Final = "getUserAccountData(address)->(" + ",".join(["uint256"] * 6) + ")"
_VARIABLE: Final = 2
_GAS: Final = 800_000
_SUPPLIED: Final = 2  # places in the data provider's answer
_BORROWED: Final = 4
_WORTH_IT: Final = 0.005  # of utilisation
_HEALTH_MIN: Final = 15 * _WAD // 10  # below it the borrower only repays


@dataclass(frozen=True, slots=True)
class Appetite:
    """How utilisation of one reserve wants to go, as fractions."""

    symbol: str
    usual: float
    swing: float
    in_a_fall: float  # added for each whole price lost within a day


APPETITES: Final = (
    Appetite("WETH", usual=0.76, swing=0.05, in_a_fall=0.25),  # shorts borrow ether
    Appetite("USDC", usual=0.80, swing=0.08, in_a_fall=0.35),  # lenders leave, loans stay
)


def wanted(seed: int, path: PricePath, at: int, appetite: Appetite) -> float:
    """Return the utilisation that others want at `at`, a function of nothing else."""
    random = Random(f"demand:{seed}:{appetite.symbol}")  # noqa: S311 -- a market, not a secret
    phase = random.uniform(0, 2 * math.pi)
    period = _DAY_S * random.uniform(0.6, 1.4)
    wave = math.sin(2 * math.pi * at / period + phase)
    wish = appetite.usual + appetite.swing * wave + appetite.in_a_fall * path.fall(at, _DAY_S)
    return min(0.97, max(0.3, wish))


def adjust(
    chain: Chain, deployment: Deployment, seed: int, path: PricePath, at: int, *, tip: int
) -> None:
    """Queue the loans and repayments that bring utilisation to what is wanted at `at`."""
    who = deployment.roles.borrower
    asks = [(deployment.pool, _ACCOUNT, (who,))]
    asks += [
        (deployment.data_provider, _RESERVE, (deployment.tokens[each.symbol].address,))
        for each in APPETITES
    ]
    account, *reserves = read_many(chain, deployment, asks)
    for appetite, reserve in zip(APPETITES, reserves, strict=True):
        asset = deployment.tokens[appetite.symbol].address
        goal = wanted(seed, path, at, appetite)
        gap = int(goal * _WAD) * reserve[_SUPPLIED] // _WAD - reserve[_BORROWED]
        if account[5] < _HEALTH_MIN:
            gap = -reserve[_BORROWED] // 20
        if abs(gap) < int(_WORTH_IT * reserve[_SUPPLIED]):
            continue
        if gap > 0:
            signature = "borrow(address,uint256,uint256,uint16,address)"
            words: tuple[Any, ...] = (asset, gap, _VARIABLE, 0, who)
        else:
            signature = "repay(address,uint256,uint256,address)"
            words = (asset, -gap, _VARIABLE, who)
        chain.send(who, deployment.pool, signature, *words, tip=tip, gas=_GAS)
