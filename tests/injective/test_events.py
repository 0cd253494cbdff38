"""A block's own word on what an order took, or a named refusal."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.loopback import Loopback, loopback, says, whole

from leverd.adapters.aiohttp_client.client import AiohttpClient
from leverd.adapters.injective import events
from leverd.adapters.injective.events import BlockEvents
from leverd.adapters.system_clock import SystemClock
from leverd.errors import NonsenseError, UnreachableError
from leverd.interfaces.spot_venue import Side, SpotFill

pytestmark = pytest.mark.sockets

SUBACCOUNT = "0x" + "ab" * 32
TYPE = "injective.exchange.v2.EventBatchSpotExecution"


def trade(quantity: Any = "1.5", **changed: Any) -> dict[str, Any]:
    owner = base64.b64encode(bytes.fromhex("ab" * 32)).decode()
    money = {"quantity": quantity, "price": "20.010000000000000000", "fee": "0.03"}
    return money | {"subaccount_id": owner, "cid": "c"} | changed


def made(*quantities: str) -> tuple[SpotFill, ...]:
    """Return what block 7 made of so many trades of ours."""
    money = Decimal("20.01"), Decimal("0.03")
    return tuple(
        SpotFill(f"7/{number}", "c", "0xm", Side.BUY, money[0], Decimal(each), money[1], 0)
        for number, each in enumerate(quantities)
    )


def event(*trades: Any, kind: str = TYPE, market: str = "0xm", buys: Any = True) -> dict[str, Any]:
    attributes = {"is_buy": buys, "market_id": market, "trades": list(trades)}
    return {
        "type": kind,
        "attributes": [{"key": key, "value": json.dumps(one)} for key, one in attributes.items()],
    }


def results(*told: Any, height: str = "7") -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "result": {"height": height, "finalize_block_events": list(told)}}
    ).encode()


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with loopback(says(whole(b"{}"))) as found:
        yield found


@pytest.fixture
async def block(server) -> AsyncIterator[BlockEvents]:
    http = AiohttpClient(SystemClock(), Random(0))
    yield BlockEvents(http, server.url + "/", SUBACCOUNT)
    await http.close()


@pytest.mark.parametrize(
    ("told", "executed"),
    [
        ((), None),
        ((event(trade()),), made("1.5")),
        ((event(trade("0.000000000000000000", price="0", fee="0")),), ()),
        ((event(trade("1")), event(trade("2"))), made("1", "2")),
        ((event(trade("1"), trade("1")),), made("1", "1")),
        ((event(trade(cid="d")),), None),
        ((event(trade(subaccount_id=base64.b64encode(b"x").decode())),), None),
        ((event(trade(subaccount_id="***")),), None),
        ((event(trade(), market="0xn"),), None),
        ((event(trade(), kind="injective.exchange.v1beta1.EventBatchSpotExecution"),), None),
    ],
)
async def test_it_tells_what_was_traded_of_our_order_alone(server, block, told, executed):
    server.script = says(whole(results(*told)))
    assert await block.executed("0xm", "c", 7) == executed
    assert server.asked[0].target == "/block_results?height=7"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"no json",
        results(height="8"),
        results({"type": TYPE, "attributes": None}),
        results({"type": TYPE, "attributes": [{"key": "market_id", "value": "{"}]}),
        results(
            {
                "type": TYPE,
                "attributes": [
                    {"key": "market_id", "value": '"0xm"'},
                    {"key": "trades", "value": "7"},
                ],
            }
        ),
        results(event(trade("-1"))),
        results(event(trade("NaN"))),
        results(event(trade(1.5))),
        results(event(trade(price="-1"))),
        results(event(trade(price=None))),
        results(event(trade(fee="1e5"))),
        results(event(trade(), buys=None)),
    ],
)
async def test_another_form_or_block_is_refused(server, block, body):
    server.script = says(whole(body))
    with pytest.raises(NonsenseError):
        await block.executed("0xm", "c", 7)


async def test_a_sale_and_a_fee_that_is_paid_to_us_are_told_as_they_are(server, block):
    server.script = says(whole(results(event(trade(fee="-0.002"), buys=False))))
    (fill,) = await block.executed("0xm", "c", 7)
    assert (fill.side, fill.fee) == (Side.SELL, Decimal("-0.002"))


async def test_a_node_that_forgot_the_block_is_no_answer(server, block):
    server.script = says(whole(b"{}", "500 Internal Server Error"))
    with pytest.raises(UnreachableError):
        await block.executed("0xm", "c", 7)


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_no_bytes_break_it(raw):
    with pytest.raises(NonsenseError):
        list(events._events(raw, 7))
