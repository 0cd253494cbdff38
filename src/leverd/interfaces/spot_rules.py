"""Orders that keep a market's rules, and client ids that are the same after a restart.

No Protocol: whoever places orders, and every venue of them, needs the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

from leverd.domain.atto import atto, down, up
from leverd.errors import RefusedError
from leverd.interfaces.journal import Entry
from leverd.interfaces.spot_venue import Manner, Side, SpotMarket, SpotOrder

CID_MAX: Final = 36
"""Characters a venue takes."""

OFF_RULES: Final = 91
"""The number of LVD-SND that says that an order does not keep the rules."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to trade, before it is fitted to a market."""

    side: Side
    manner: Manner
    price: Decimal  # quote per base; the worst we take
    quantity: Decimal  # base, at most


def client_id(account: str, plan: Entry, step: int) -> str:
    """Return the client id of one step of a journaled plan: the same each time it is asked for.

    A journal that begins anew or was salvaged gives a number again, but never with the moment it
    was written at: so no later order is taken for the one that had the number before.

    A venue refuses a second open order of one id, but takes the id again once the first is
    closed: only the account's sequence number makes sending twice harmless.
    """
    written_us = (plan.written_at - _EPOCH) // _MICROSECOND
    named = f"{account}/{plan.seq}/{written_us}/{step}".encode()
    return "lv" + sha256(named).hexdigest()[: CID_MAX - 4]


def fitted(market: SpotMarket, wish: Wish, cid: str, *, expires_at: int = 0) -> SpotOrder:
    """Return `wish` on the market's ticks: the price never worse than wished, never more.

    Raises:
        RefusedError: nothing is left of it, or the market would not take it.
    """
    if not market.active:
        raise _off("inactive", f"{market.ticker} is not traded now")
    if not 0 < len(cid) <= CID_MAX or not cid.isascii():
        raise _off("cid", f"{cid!r} is no client id")
    if wish.price <= 0 or wish.quantity <= 0:
        raise _off("nothing", "neither price nor quantity can be nothing")
    fit = down if wish.side is Side.BUY else up
    price = fit(wish.price, market.price_tick)
    quantity = down(wish.quantity, market.quantity_tick)
    if not price or not quantity:
        raise _off("tick", f"less than a tick of {market.ticker}")
    if atto(price) * atto(quantity) < atto(market.notional_min) * 10**18:
        raise _off(
            "notional",
            f"{price * quantity:f} is below the {market.notional_min:f} that {market.ticker} asks",
        )
    return SpotOrder(cid, market.market_id, wish.side, wish.manner, price, quantity, expires_at)


def needed(market: SpotMarket, order: SpotOrder) -> tuple[str, int]:
    """Return the denomination and the most that `order` can take of it, smallest units.

    A buyer pays the fee on top; a seller's is taken from what is received.
    """
    if order.side is Side.SELL:
        return market.base, _up(atto(order.quantity) * 10**market.base_decimals, 10**18)
    notional = atto(order.price) * atto(order.quantity)
    rate = max(market.maker_fee, market.taker_fee, Decimal(0))
    paid = notional * (10**18 + atto(rate)) * 10**market.quote_decimals
    return market.quote, _up(paid, 10**54)


def _up(top: int, bottom: int) -> int:
    return -(-top // bottom)


def _off(reason: str, message: str) -> RefusedError:
    return RefusedError(reason, message, number=OFF_RULES)
