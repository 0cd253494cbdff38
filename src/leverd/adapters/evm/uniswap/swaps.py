"""Encoding swaps and quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leverd.adapters.evm import abi
from leverd.adapters.evm.reads import Read
from leverd.adapters.evm.uniswap import functions
from leverd.interfaces.chain_client import Call, Reply


@dataclass(frozen=True, slots=True)
class Trade:
    """Which tokens go through which pool."""

    token_in: str
    token_out: str
    fee: int  # hundredths of a basis point


def quote_in(quoter: str, trade: Trade, amount: int) -> Read[tuple[int, int]]:
    """Return the read of what selling `amount` raw gives, and the sqrt price after it."""
    data = functions.QUOTE_IN.encode((trade.token_in, trade.token_out, amount, trade.fee, 0))
    return Read((Call(quoter, data),), _quote)


def quote_out(quoter: str, trade: Trade, amount: int) -> Read[tuple[int, int]]:
    """Return the read of what buying `amount` raw costs, and the sqrt price after it."""
    data = functions.QUOTE_OUT.encode((trade.token_in, trade.token_out, amount, trade.fee, 0))
    return Read((Call(quoter, data),), _quote)


def exact_in(
    router: str, trade: Trade, recipient: str, *, sell: int, buy_min: int, deadline: int
) -> Call:
    """Return the call that sells exactly `sell` raw for at least `buy_min`."""
    arguments = (trade.token_in, trade.token_out, trade.fee, recipient, deadline, sell, buy_min, 0)
    return Call(router, functions.EXACT_IN.encode(arguments))


def exact_out(
    router: str, trade: Trade, recipient: str, *, buy: int, sell_max: int, deadline: int
) -> Call:
    """Return the call that buys exactly `buy` raw for at most `sell_max`."""
    arguments = (trade.token_in, trade.token_out, trade.fee, recipient, deadline, buy, sell_max, 0)
    return Call(router, functions.EXACT_OUT.encode(arguments))


def _quote(replies: Sequence[Reply]) -> tuple[int, int]:
    amount, sqrt_price = abi.words(replies[0].data, 2)
    return amount, sqrt_price
