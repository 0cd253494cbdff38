"""Tokens, with their quirks.

Some return nothing on success, some say their name in bytes32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from leverd.adapters.evm import abi
from leverd.adapters.evm.reads import Read, number
from leverd.interfaces.chain_client import Call, Reply

BALANCE_OF: Final = abi.Function("balanceOf(address)", ("uint256",))
ALLOWANCE: Final = abi.Function("allowance(address,address)", ("uint256",))
DECIMALS: Final = abi.Function("decimals()", ("uint8",))
SYMBOL: Final = abi.Function("symbol()", ("string",))
APPROVE: Final = abi.Function("approve(address,uint256)")
TRANSFER: Final = abi.Function("transfer(address,uint256)")
TRANSFER_EVENT: Final = abi.topic("Transfer(address,address,uint256)")

_BYTES32: Final = 32
_RATE_MAX: Final = 10**36
"""A million million million of what is staked, for one token: no rate, in any unit."""


def balance(token: str, owner: str) -> Read[int]:
    """Return the read of what `owner` holds, raw."""
    call = Call(token, BALANCE_OF.of_address(owner))
    return Read((call,), lambda replies: abi.word(replies[0].data))


def allowance(token: str, owner: str, spender: str) -> Read[int]:
    """Return the read of what `spender` may take from `owner`, raw."""
    return number(token, ALLOWANCE, owner, spender)


def decimals(token: str) -> Read[int]:
    """Return the read of the token's decimals."""
    return number(token, DECIMALS)


def staking_rate(token: str, getter: str) -> Read[int | None]:
    """Return the read of what one staked token stands for, wad; None where it does not say.

    It tells two lines of P&L apart and nothing else, so no answer to it may spoil a look.
    """

    def rate(replies: Sequence[Reply]) -> int | None:
        reply = replies[0]
        if not reply.succeeded or len(reply.data) != abi.WORD:
            return None
        found = abi.word(reply.data)
        return found if 0 < found <= _RATE_MAX else None

    return Read((Call(token, abi.Function(getter).selector, may_fail=True),), rate)


def symbol(token: str) -> Read[str]:
    """Return the read of the token's symbol; some old tokens return it as bytes32."""

    def text(replies: tuple[Reply, ...] | list[Reply]) -> str:
        data = replies[0].data
        if len(data) == _BYTES32:
            return data.rstrip(b"\0").decode("ascii", "replace")
        try:
            return str(decode(("string",), data)[0])
        except (DecodingError, ValueError, OverflowError) as error:
            raise abi.malformed(f"{token} has no symbol") from error

    return Read((Call(token, SYMBOL.selector),), lambda replies: text(list(replies)))


def accepted(reply: Reply) -> bool:
    """Return whether a token took a transfer or approval: some return nothing on success."""
    if not reply.succeeded:
        return False
    return not reply.data or abi.word(reply.data) == 1
