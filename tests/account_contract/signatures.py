"""The account's functions by signature, as docs/account-contract.md lists them."""

from __future__ import annotations

BOUNDS = "(address,address,address[],uint256,uint256,uint256,uint256,uint8)"

RAISE = "raise_leverage(address,uint256,uint256,uint256,uint256,uint256,uint256)"
LOWER = "lower_leverage(address,uint256,uint256,uint256,uint256,uint256,uint256)"
CLOSE = "close(address,uint256,uint256,uint256,uint256)"
SUPPLY = "supply(uint256,uint256,uint256)"
WITHDRAW = "withdraw_collateral(uint256,uint256,uint256,uint256,uint256)"
BORROW = "borrow(uint256,uint256,uint256,uint256)"
REPAY = "repay(uint256,uint256,uint256)"
SWAP = "swap(address,bool,uint256,uint256,uint256,uint256)"
SWAP_EXACT = "swap_exact(address,bool,uint256,uint256,uint256,uint256)"
SET_EMODE = "set_emode(uint8,uint256,uint256)"

PAY_OWNER = "pay_owner(address,uint256)"
WITHDRAW_TO_OWNER = "withdraw_to_owner(uint256)"
EXECUTE = "execute(address,uint256,bytes)"
SET_BOUNDS = f"set_bounds({BOUNDS})"
SET_OPERATOR = "set_operator(address)"
OFFER = "offer_ownership(address)"
TAKE = "take_ownership()"

INITIALIZE = f"initialize(address,address,{BOUNDS})"
CREATE = f"create(address,address,{BOUNDS},bytes32)"
CALLBACK = "uniswapV3SwapCallback(int256,int256,bytes)"
