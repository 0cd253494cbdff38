"""What a lending pool says no to, with numbers that never change."""

from __future__ import annotations

from enum import Enum, unique
from typing import NoReturn

from leverd.errors import ImpossibleError


@unique
class Refusal(Enum):
    """A protocol error by its present name.

    The value is 300 plus the number Aave 3.0 reverts with, so `LVD-IMP-335` is its "35".
    From 394 on are refusals that have no number there.
    """

    InvalidMintAmount = 324
    InvalidBurnAmount = 325
    InvalidAmount = 326
    ReserveInactive = 327
    ReserveFrozen = 328
    ReservePaused = 329
    BorrowingNotEnabled = 330
    NotEnoughAvailableUserBalance = 332
    CollateralBalanceIsZero = 334
    HealthFactorLowerThanLiquidationThreshold = 335
    CollateralCannotCoverNewBorrow = 336
    NoDebtOfSelectedType = 339
    UnderlyingBalanceZero = 343
    HealthFactorNotBelowThreshold = 345
    CollateralCannotBeLiquidated = 346
    SpecifiedCurrencyNotBorrowedByUser = 347
    BorrowCapExceeded = 350
    SupplyCapExceeded = 351
    LtvValidationFailed = 357
    InconsistentEModeCategory = 358
    UserInIsolationModeOrLtvZero = 362
    AssetNotListed = 382
    BeforeLastUpdate = 394
    MustNotLeaveDust = 395
    InvalidDebtInEmode = 396
    InvalidCollateralInEmode = 397
    NotBorrowableInEMode = 398
    InsufficientLiquidity = 399


def refuse(refusal: Refusal, detail: str) -> NoReturn:
    """Raise what the pool would revert with.

    Raises:
        ImpossibleError: always; its message starts with the protocol's name for it.
    """
    raise ImpossibleError(f"{refusal.name}: {detail}", number=refusal.value)
