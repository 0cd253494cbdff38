"""What the indexer remembers of orders and trades. It may lag, and is believed accordingly."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from pyinjective.proto.exchange import injective_spot_exchange_rpc_pb2 as rpc
from pyinjective.proto.exchange import injective_spot_exchange_rpc_pb2_grpc as rpc_grpc

from leverd.adapters.injective import codes
from leverd.adapters.injective.line import Line
from leverd.adapters.injective.settling import InHistory
from leverd.domain.atto import down
from leverd.errors import NonsenseError
from leverd.interfaces.spot_venue import Side, SpotFill, SpotMarket

_PAGE: Final = 100
_PAGES_MAX: Final = 100
_PLAIN: Final = re.compile(r"-?[0-9]{1,78}(?:\.[0-9]{1,78})?", re.ASCII)
_FINEST: Final = Decimal("1e-18")


class History:
    """Questions to one indexer endpoint, about one subaccount."""

    def __init__(self, line: Line, subaccount: str) -> None:
        self._line, self._subaccount = line, subaccount

    async def order(self, market: SpotMarket, cid: str) -> InHistory | None:
        """Return the newest order of that client id, None if none is told of."""
        stub = rpc_grpc.InjectiveSpotExchangeRPCStub(self._line.channel)
        request = rpc.OrdersHistoryRequest(
            subaccount_id=self._subaccount, market_ids=[market.market_id], cid=cid, limit=_PAGE
        )
        found = await self._line.read(stub.OrdersHistory, request)
        told = [one for one in found.orders if self._is_ours(one, market.market_id, cid)]
        if not told:
            return None
        newest = max(told, key=lambda one: int(one.created_at))
        filled = self._base(market, newest.filled_quantity)
        return InHistory(bool(newest.is_active), str(newest.state).lower(), filled)

    async def fills(self, market: SpotMarket, cid: str) -> tuple[SpotFill, ...]:
        """Return every trade of that client id that is told of, the oldest first."""
        stub = rpc_grpc.InjectiveSpotExchangeRPCStub(self._line.channel)
        found: dict[str, SpotFill] = {}
        for page in range(_PAGES_MAX):
            request = rpc.TradesV2Request(
                market_ids=[market.market_id],
                subaccount_ids=[self._subaccount],
                cid=cid,
                skip=page * _PAGE,
                limit=_PAGE,
            )
            told = await self._line.read(stub.TradesV2, request)
            for one in told.trades:
                if self._is_ours(one, market.market_id, cid):
                    fill = self._fill(market, one)
                    if fill.quantity > 0:
                        found[fill.trade_id] = fill
            if len(told.trades) < _PAGE:
                return tuple(sorted(found.values(), key=lambda fill: (fill.at_ms, fill.trade_id)))
        raise NonsenseError("trades without end", number=codes.MALFORMED, place=self._line.name)

    def _is_ours(self, told: Any, market_id: str, cid: str) -> bool:
        """Return whether a row is what was asked for: filters may be ignored by who answers."""
        return bool(
            told.cid == cid
            and told.market_id == market_id
            and told.subaccount_id == self._subaccount
        )

    def _fill(self, market: SpotMarket, told: Any) -> SpotFill:
        shift = market.base_decimals - market.quote_decimals
        return SpotFill(
            trade_id=str(told.trade_id),
            cid=str(told.cid),
            market_id=market.market_id,
            side=_side(str(told.trade_direction)),
            price=_decimal(told.price.price, shift),
            quantity=self._base(market, told.price.quantity),
            fee=_decimal(told.fee, -market.quote_decimals),
            at_ms=int(told.executed_at),
        )

    def _base(self, market: SpotMarket, text: str) -> Decimal:
        """Return a quantity that is told in the base's smallest units."""
        return down(_decimal(text, -market.base_decimals), _FINEST)


def _side(text: str) -> Side:
    if text not in {side.value for side in Side}:
        raise NonsenseError("a trade in no direction", number=codes.MALFORMED)
    return Side(text)


def _decimal(text: str, shift: int) -> Decimal:
    """Return a plain decimal times ten to the `shift`, without rounding."""
    if not _PLAIN.fullmatch(text):
        raise NonsenseError("a value that is no plain decimal", number=codes.MALFORMED)
    sign, digits, exponent = Decimal(text).as_tuple()
    return Decimal((sign, digits, int(exponent) + shift))
