"""Names for why a contract said no.

Old Solidity and Vyper revert with a string, new Solidity with a selector, arithmetic with a
panic code, Aave up to 3.3 with a number in a string. All become one readable name.
"""

from __future__ import annotations

from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from leverd.adapters.evm.abi import selector

_ERROR: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")

_PANICS: Final = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "bad enum value",
    0x31: "pop of an empty array",
    0x32: "index out of bounds",
    0x41: "out of memory",
}

# Aave 3.0 to 3.3 (core-v3, libraries/helpers/Errors.sol), what a position's own calls can meet
_AAVE_NUMBERS: Final = {
    "13": "InvalidFlashloanExecutorReturn",
    "16": "EModeCategoryReserved",
    "24": "InvalidMintAmount",
    "25": "InvalidBurnAmount",
    "26": "InvalidAmount",
    "27": "ReserveInactive",
    "28": "ReserveFrozen",
    "29": "ReservePaused",
    "30": "BorrowingNotEnabled",
    "32": "NotEnoughAvailableUserBalance",
    "33": "InvalidInterestRateModeSelected",
    "34": "CollateralBalanceIsZero",
    "35": "HealthFactorLowerThanLiquidationThreshold",
    "36": "CollateralCannotCoverNewBorrow",
    "37": "CollateralSameAsBorrowingCurrency",
    "39": "NoDebtOfSelectedType",
    "40": "NoExplicitAmountToRepayOnBehalf",
    "42": "NoOutstandingVariableDebt",
    "43": "UnderlyingBalanceZero",
    "45": "HealthFactorNotBelowThreshold",
    "46": "CollateralCannotBeLiquidated",
    "47": "SpecifiedCurrencyNotBorrowedByUser",
    "49": "InconsistentFlashloanParams",
    "50": "BorrowCapExceeded",
    "51": "SupplyCapExceeded",
    "53": "DebtCeilingExceeded",
    "57": "LtvValidationFailed",
    "58": "InconsistentEModeCategory",
    "59": "PriceOracleSentinelCheckFailed",
    "60": "AssetNotBorrowableInIsolation",
    "62": "UserInIsolationModeOrLtvZero",
    "77": "ZeroAddressNotValid",
    "80": "OperationNotSupported",
    "82": "AssetNotListed",
    "89": "SiloedBorrowingViolation",
    "91": "FlashloanDisabled",
}

# Aave from 3.4 (aave-v3-origin, libraries/helpers/Errors.sol), ERC-20s and routers since 2022
_CUSTOM: Final = (
    "HealthFactorLowerThanLiquidationThreshold()",
    "CollateralCannotCoverNewBorrow()",
    "SupplyCapExceeded()",
    "BorrowCapExceeded()",
    "ReserveFrozen()",
    "ReservePaused()",
    "ReserveInactive()",
    "InvalidAmount()",
    "NotEnoughAvailableUserBalance()",
    "LtvValidationFailed()",
    "UserHasAssetWithZeroLtv()",
    "NotBorrowableInEMode()",
    "BorrowingNotEnabled()",
    "UnderlyingBalanceZero()",
    "NoDebtOfSelectedType()",
    "NoExplicitAmountToRepayOnBehalf()",
    "InconsistentEModeCategory()",
    "InvalidDebtInEmode(address,uint256)",
    "InvalidCollateralInEmode(address,uint256)",
    "InvalidFlashloanExecutorReturn()",
    "FlashloanDisabled()",
    "MustNotLeaveDust()",
    "SelfLiquidation()",
    "HealthFactorNotBelowThreshold()",
    "CallerNotPositionManager()",
    "SupplyToAToken()",
    "WithdrawToAToken()",
    "CollateralBalanceIsZero()",
    "CollateralCannotBeLiquidated()",
    "SpecifiedCurrencyNotBorrowedByUser()",
    "LiquidationGraceSentinelCheckFailed()",
    "AssetNotListed()",
    "ZeroAddressNotValid()",
    "InvalidMintAmount()",
    "InvalidBurnAmount()",
    "InvalidInterestRateModeSelected()",
    "DebtCeilingExceeded()",
    "SiloedBorrowingViolation()",
    "UserInIsolationModeOrLtvZero()",
    "AssetNotBorrowableInIsolation()",
    "ERC20InsufficientBalance(address,uint256,uint256)",
    "ERC20InsufficientAllowance(address,uint256,uint256)",
    "ERC20InvalidReceiver(address)",
    "ERC20InvalidSender(address)",
    "ERC20InvalidApprover(address)",
    "ERC20InvalidSpender(address)",
    "SafeERC20FailedOperation(address)",
    "EnforcedPause()",
)
_BY_SELECTOR: Final = {selector(text): text.partition("(")[0] for text in _CUSTOM}

# Uniswap V3 (v3-core, v3-periphery) and the helpers it uses
_STRINGS: Final = {
    "LOK": "PoolLocked",
    "SPL": "PriceLimitReached",
    "AS": "ZeroSwap",
    "IIA": "PoolNotPaid",
    "OLD": "ObservationTooOld",
    "STF": "TransferFromFailed",
    "ST": "TransferFailed",
    "SA": "ApproveFailed",
    "TF": "TransferFailed",
    "Too little received": "TooLittleReceived",
    "Too much requested": "TooMuchRequested",
    "Transaction too old": "TransactionTooOld",
    "ERC20: transfer amount exceeds balance": "ERC20InsufficientBalance",
    "ERC20: transfer amount exceeds allowance": "ERC20InsufficientAllowance",
    "ERC20: insufficient allowance": "ERC20InsufficientAllowance",
}

OUT_OF_GAS: Final = "OutOfGas"
MOVED: Final = "StateMoved"
"""It reverted when mined but not when played again: what came before it in its block did it."""

UNNAMED: Final = "Unnamed"
"""Reverted without saying why: an old token, a bare assert, or no code that knows the call."""


def name(data: bytes) -> str:
    """Return the readable name of revert `data`."""
    if not data:
        return UNNAMED
    head, body = data[:4], data[4:]
    try:
        if head == _ERROR:
            return _from_string(str(decode(("string",), body)[0]))
        if head == _PANIC:
            code = int(decode(("uint256",), body)[0])
            return f"Panic: {_PANICS.get(code, hex(code))}"
    except (DecodingError, ValueError, OverflowError):
        return f"Malformed({data[:36].hex()})"
    return _BY_SELECTOR.get(head) or f"Unknown({head.hex()})"


def _from_string(text: str) -> str:
    known = _AAVE_NUMBERS.get(text) or _STRINGS.get(text)
    return known or text or UNNAMED
