"""What an account's owner calls (contracts/Account.vy). No daemon's key may sign any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_canonical_address

from leverd.adapters.evm import abi, erc20
from leverd.adapters.evm.account import Bounds
from leverd.domain.fixed_point import UINT256_MAX
from leverd.interfaces.chain_client import Call, Log

BOUNDS_TYPE: Final = "(address,address,address[],uint256,uint256,uint256,uint256,uint8)"
ETHER: Final = "0x" + "0" * 40
"""Stands for the native token where a token's address is asked for."""

PAY_OWNER: Final = abi.Function("pay_owner(address,uint256)")
WITHDRAW_TO_OWNER: Final = abi.Function("withdraw_to_owner(uint256)")
SET_OPERATOR: Final = abi.Function("set_operator(address)")
SET_BOUNDS: Final = abi.Function(f"set_bounds({BOUNDS_TYPE})")
LOST_TODAY: Final = abi.Function("lost_today()")
PAID: Final = abi.topic("Paid(address,uint256)")


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that left an account for its owner."""

    token: str
    raw: int


def pay_owner(account: str, token: str, raw: int | None) -> Call:
    """Return the call that sends idle `token` (None: all of it) to the owner."""
    return Call(account, PAY_OWNER.encode(token, UINT256_MAX if raw is None else raw))


def withdraw_to_owner(account: str, raw: int | None) -> Call:
    """Return the call that sends posted collateral (None: all of it) to the owner."""
    return Call(account, WITHDRAW_TO_OWNER.encode(UINT256_MAX if raw is None else raw))


def set_operator(account: str, operator: str) -> Call:
    """Return the call that names another operator; the zero address revokes."""
    return Call(account, SET_OPERATOR.encode(operator))


def set_bounds(account: str, bounds: Bounds) -> Call:
    """Return the call that replaces what the operator may do, and pins today's market."""
    return Call(account, SET_BOUNDS.encode(words_of(bounds)))


def transfer(token: str, to: str, raw: int) -> Call:
    """Return the call that sends a token."""
    return Call(token, erc20.TRANSFER.encode(to, raw))


def words_of(bounds: Bounds) -> tuple[object, ...]:
    """Return `bounds` as the contract's own structure."""
    return (
        bounds.collateral,
        bounds.debt,
        list(bounds.swap_pools),
        bounds.health_min,
        bounds.health_step_min,
        bounds.loss_call_max,
        bounds.loss_day_max,
        bounds.emode,
    )


def paid(logs: Sequence[Log], account: str) -> list[Paid]:
    """Return what a mined transaction sent from `account` to its owner."""
    mine = to_canonical_address(account)
    return [
        Paid(abi.address_of(int.from_bytes(log.topics[1])), abi.word(log.data))
        for log in logs
        if to_canonical_address(log.address) == mine and log.topics[0] == PAID
    ]
