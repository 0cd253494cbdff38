"""What a block did to an order that only takes: the chain's own word, before any indexer's."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from leverd.adapters.injective import codes
from leverd.errors import NonsenseError
from leverd.interfaces.http_client import HttpClient
from leverd.interfaces.spot_venue import Side, SpotFill

_EXECUTION: Final = "injective.exchange.v2.EventBatchSpotExecution"
_PLAIN: Final = re.compile(r"[0-9]{1,60}(?:\.[0-9]{1,18})?", re.ASCII)
_SIGNED: Final = re.compile(rf"-?{_PLAIN.pattern}", re.ASCII)
_OK: Final = 200


class BlockEvents:
    """Questions to one CometBFT endpoint, about one subaccount."""

    def __init__(self, http: HttpClient, url: str, subaccount: str) -> None:
        self._http, self._url, self._subaccount = http, url.rstrip("/"), subaccount

    async def executed(self, market_id: str, cid: str, block: int) -> tuple[SpotFill, ...] | None:
        """Return the trades that `block` made of an order, None if it tells nothing of it.

        An order that found the book empty is told of with nothing traded: it has no trades.

        Raises:
            UnreachableError: no answer, or the endpoint has forgotten the block.
            NonsenseError: an answer of another form or block.
        """
        answer = await self._http.read(f"{self._url}/block_results", params={"height": str(block)})
        if answer.status != _OK:
            raise _malformed(f"HTTP status {answer.status}")
        told = [
            (event, trade)
            for event in _events(answer.body, block)
            if event.get("market_id") == market_id
            for trade in _trades(event)
            if trade.get("cid") == cid and _hex(trade.get("subaccount_id")) == self._subaccount
        ]
        found = [_fill(*one, f"{block}/{number}") for number, one in enumerate(told)]
        return tuple(each for each in found if each.quantity) if told else None


def _events(body: bytes, block: int) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of every batch of trades in a block."""
    told = _json(body)
    result = told.get("result") if isinstance(told, dict) else None
    if not isinstance(result, dict) or result.get("height") != str(block):
        raise _malformed("no results of that block")
    events = result.get("finalize_block_events") or []
    if not isinstance(events, list):
        raise _malformed("events that are no list")
    for event in events:
        if not isinstance(event, dict) or event.get("type") != _EXECUTION:
            continue
        attributes = event.get("attributes")
        if not isinstance(attributes, list):
            raise _malformed("an event without attributes")
        yield {
            str(one.get("key")): _json(one.get("value"))
            for one in attributes
            if isinstance(one, dict) and one.get("key") in {"market_id", "is_buy", "trades"}
        }


def _trades(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    trades = event.get("trades")
    if not isinstance(trades, list) or not all(isinstance(one, dict) for one in trades):
        raise _malformed("trades that are no list")
    return trades


def _fill(event: Mapping[str, Any], trade: Mapping[str, Any], trade_id: str) -> SpotFill:
    buys = event.get("is_buy")
    if not isinstance(buys, bool):
        raise _malformed("a trade in no direction")
    return SpotFill(
        trade_id=trade_id,
        cid=str(trade["cid"]),
        market_id=str(event["market_id"]),
        side=Side.BUY if buys else Side.SELL,
        price=_decimal(trade, "price"),
        quantity=_decimal(trade, "quantity"),
        fee=_decimal(trade, "fee", _SIGNED),
        at_ms=0,
    )


def _decimal(trade: Mapping[str, Any], name: str, form: re.Pattern[str] = _PLAIN) -> Decimal:
    text = trade.get(name)
    if not isinstance(text, str) or not form.fullmatch(text):
        raise _malformed(f"a {name} that is no plain decimal")
    return Decimal(text)


def _hex(text: object) -> str:
    """Return a subaccount as people write it; events tell its bytes."""
    try:
        return "0x" + base64.b64decode(str(text), validate=True).hex()
    except (binascii.Error, ValueError):
        return ""


def _json(text: object) -> Any:
    if not isinstance(text, str | bytes):
        raise _malformed("no text")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed("no JSON") from error


def _malformed(what: str) -> NonsenseError:
    return NonsenseError(
        f"block results: {what}",
        number=codes.MALFORMED,
        place="injective rpc",
        remedy="check that rpc is a CometBFT endpoint of this chain",
    )
