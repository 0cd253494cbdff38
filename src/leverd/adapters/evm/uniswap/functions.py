"""The functions and events of Uniswap V3 that leverd uses.

Source: Uniswap/v3-core 1.0.1, v3-periphery 1.4.4, swap-router-contracts 1.3.0.
"""

from __future__ import annotations

from typing import Final

from leverd.adapters.evm.abi import Function, topic

GET_POOL: Final = Function("getPool(address,address,uint24)")

SLOT0: Final = Function("slot0()")
LIQUIDITY: Final = Function("liquidity()")
BITMAP: Final = Function("tickBitmap(int16)")
TICK: Final = Function("ticks(int24)")
TICK_SPACING: Final = Function("tickSpacing()")
FEE: Final = Function("fee()")
TOKEN0: Final = Function("token0()")
TOKEN1: Final = Function("token1()")
FACTORY: Final = Function("factory()")

QUOTE_IN: Final = Function("quoteExactInputSingle((address,address,uint256,uint24,uint160))")
QUOTE_OUT: Final = Function("quoteExactOutputSingle((address,address,uint256,uint24,uint160))")

# Of the first router (v3-periphery): the deadline is part of the call.
EXACT_IN: Final = Function(
    "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
)
EXACT_OUT: Final = Function(
    "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
)

SWAPPED: Final = topic("Swap(address,address,int256,int256,uint160,uint128,int24)")
