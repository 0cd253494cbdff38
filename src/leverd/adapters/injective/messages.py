"""Orders as the chain's messages."""

from __future__ import annotations

from typing import Any, Final

from pyinjective.proto.cosmos.base.v1beta1.coin_pb2 import Coin
from pyinjective.proto.injective.exchange.v2 import order_pb2, tx_pb2

from leverd.adapters.injective.numbers import to_chain
from leverd.interfaces.spot_venue import Manner, Side, SpotOrder

_TYPES: Final = {
    (Side.BUY, Manner.TAKE): order_pb2.OrderType.BUY,
    (Side.SELL, Manner.TAKE): order_pb2.OrderType.SELL,
    (Side.BUY, Manner.REST): order_pb2.OrderType.BUY,
    (Side.SELL, Manner.REST): order_pb2.OrderType.SELL,
    (Side.BUY, Manner.ADD): order_pb2.OrderType.BUY_PO,
    (Side.SELL, Manner.ADD): order_pb2.OrderType.SELL_PO,
}


def placing(order: SpotOrder, sender: str, subaccount: str, fee_recipient: str) -> Any:
    """Return the message that places `order`."""
    told = order_pb2.SpotOrder(
        market_id=order.market_id,
        order_info=order_pb2.OrderInfo(
            subaccount_id=subaccount,
            fee_recipient=fee_recipient,
            price=to_chain(order.price),
            quantity=to_chain(order.quantity),
            cid=order.cid,
        ),
        order_type=_TYPES[order.side, order.manner],
        trigger_price="0",
        expiration_block=order.expires_at,
    )
    if order.manner is Manner.TAKE:
        return tx_pb2.MsgCreateSpotMarketOrder(sender=sender, order=told)
    return tx_pb2.MsgCreateSpotLimitOrder(sender=sender, order=told)


def cancelling(order: SpotOrder, sender: str, subaccount: str) -> Any:
    """Return the message that cancels `order`, named by its cid."""
    return tx_pb2.MsgCancelSpotOrder(
        sender=sender, market_id=order.market_id, subaccount_id=subaccount, cid=order.cid
    )


def depositing(sender: str, subaccount: str, denom: str, amount: int) -> Any:
    """Return the message that moves `amount` from the bank into a subaccount."""
    coin = Coin(denom=denom, amount=str(amount))
    return tx_pb2.MsgDeposit(sender=sender, subaccount_id=subaccount, amount=coin)


def withdrawing(sender: str, subaccount: str, denom: str, amount: int) -> Any:
    """Return the message that moves `amount` from a subaccount back into the bank."""
    coin = Coin(denom=denom, amount=str(amount))
    return tx_pb2.MsgWithdraw(sender=sender, subaccount_id=subaccount, amount=coin)
