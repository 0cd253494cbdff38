"""The functions and events of Aave V3 that leverd uses.

Source: aave/core-v3 1.19.3 (3.0.x) and aave-dao/aave-v3-origin (3.1 and later).
"""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm.abi import Function, topic

# PoolAddressesProvider
GET_POOL: Final = Function("getPool()")
GET_ORACLE: Final = Function("getPriceOracle()")

# Oracle
PRICE: Final = Function("getAssetPrice(address)")

# What the pool is:
PROVIDER: Final = Function("ADDRESSES_PROVIDER()")
REVISION: Final = Function("POOL_REVISION()")
RESERVES_LIST: Final = Function("getReservesList()", ("address[]",))
POOL_STRATEGY: Final = Function("RESERVE_INTEREST_RATE_STRATEGY()")  # from 3.4
VIRTUAL_BALANCE: Final = Function("getVirtualUnderlyingBalance(address)")  # from 3.1
DEFICIT: Final = Function("getReserveDeficit(address)")  # from 3.3
LTVZERO_BITMAP: Final = Function("getEModeCategoryLtvzeroBitmap(uint8)")  # from 3.6
IS_ISOLATED: Final = Function("getIsEModeCategoryIsolated(uint8)")  # from 3.7

# What the pool holds:
RESERVE_DATA: Final = Function("getReserveData(address)")
USER_CONFIGURATION: Final = Function("getUserConfiguration(address)")
USER_EMODE: Final = Function("getUserEMode(address)")
ACCOUNT_DATA: Final = Function("getUserAccountData(address)")
EMODE_DATA: Final = Function(
    "getEModeCategoryData(uint8)", ("(uint16,uint16,uint16,address,string)",)
)
EMODE_COLLATERAL: Final = Function("getEModeCategoryCollateralConfig(uint8)")  # from 3.2
EMODE_COLLATERALS: Final = Function("getEModeCategoryCollateralBitmap(uint8)")  # from 3.2
EMODE_BORROWABLES: Final = Function("getEModeCategoryBorrowableBitmap(uint8)")  # from 3.2

# What the pool does:
SUPPLY: Final = Function("supply(address,uint256,address,uint16)")
WITHDRAW: Final = Function("withdraw(address,uint256,address)")
BORROW: Final = Function("borrow(address,uint256,uint256,uint16,address)")
REPAY: Final = Function("repay(address,uint256,uint256,address)")
SET_EMODE: Final = Function("setUserEMode(uint8)")

# Receipt and debt tokens
SCALED_BALANCE: Final = Function("scaledBalanceOf(address)")
SCALED_TOTAL: Final = Function("scaledTotalSupply()")

# Rate strategies
V1_OPTIMAL: Final = Function("OPTIMAL_USAGE_RATIO()")
V1_BASE: Final = Function("getBaseVariableBorrowRate()")
V1_SLOPE1: Final = Function("getVariableRateSlope1()")
V1_SLOPE2: Final = Function("getVariableRateSlope2()")
V2_DATA: Final = Function("getInterestRateDataBps(address)")

# Events
SUPPLIED: Final = topic("Supply(address,address,address,uint256,uint16)")
WITHDRAWN: Final = topic("Withdraw(address,address,address,uint256)")
BORROWED: Final = topic("Borrow(address,address,address,uint256,uint8,uint256,uint16)")
REPAID: Final = topic("Repay(address,address,address,uint256,bool)")
RESERVE_UPDATED: Final = topic(
    "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)"
)
EMODE_SET: Final = topic("UserEModeSet(address,uint8)")
LIQUIDATED: Final = topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)")

VARIABLE: Final = 2
"""The only interest-rate mode leverd borrows in."""
