"""The market's terms: mainnet's at the end of October 2023, with given LTVs and thresholds.

Basis points, whole tokens for caps, ray for rates. Source of curves, factors, fees and caps:
Aave governance's configuration report `UpgradeAaveV3ETHPooolWETHParameters_20231031_after`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BP: Final = 10**23  # a basis point in ray


@dataclass(frozen=True, slots=True)
class Curve:
    """A kinked rate curve, ray."""

    optimal: int
    base: int
    slope1: int
    slope2: int


@dataclass(frozen=True, slots=True)
class ReserveTerms:
    """One reserve; bps unless said."""

    symbol: str
    ltv: int
    threshold: int
    bonus: int  # 10500 is 5 %
    protocol_fee: int  # of the bonus
    reserve_factor: int
    supply_cap: int  # whole tokens
    borrow_cap: int  # whole tokens
    emode: int
    curve: Curve


RESERVES: Final = (
    ReserveTerms(
        symbol="WETH",
        ltv=8050,
        threshold=8300,
        bonus=10500,
        protocol_fee=1000,
        reserve_factor=1500,
        supply_cap=1_800_000,
        borrow_cap=1_400_000,
        emode=1,
        curve=Curve(8000 * _BP, 0, 280 * _BP, 8000 * _BP),
    ),
    ReserveTerms(
        symbol="USDC",
        ltv=7500,
        threshold=7800,
        bonus=10450,
        protocol_fee=2000,
        reserve_factor=1000,
        supply_cap=1_760_000_000,
        borrow_cap=1_580_000_000,
        emode=0,
        curve=Curve(9000 * _BP, 0, 350 * _BP, 6000 * _BP),
    ),
    ReserveTerms(
        symbol="wstETH",
        ltv=7850,
        threshold=8100,
        bonus=10600,
        protocol_fee=1000,
        reserve_factor=1500,
        supply_cap=850_000,
        borrow_cap=24_000,
        emode=1,
        curve=Curve(4500 * _BP, 25 * _BP, 450 * _BP, 8000 * _BP),
    ),
)
EMODE_LTV: Final = 9300
EMODE_THRESHOLD: Final = 9500
EMODE_BONUS: Final = 10100
FLASH_PREMIUM: Final = 5  # bps
STAKING_RATE: Final = 1_145_000_000_000_000_000  # wei of staked ether per wstETH, late 2023
