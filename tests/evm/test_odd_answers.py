"""Whatever stands where something else is due, reads raise no more than silence or nonsense."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from tests.evm.proxy import changed, proxied, status
from tests.evm.test_client_faults import HASH, HEADER, ME, ONCE, RECEIPT, TOKEN, rehearsed
from tests.evm.test_client_faults import node as plain
from tests.evm.worlds import client_for

from leverd.adapters.evm import questions, wire
from leverd.adapters.evm.sources import probing
from leverd.errors import NonsenseError, RefusedError, RevertedError, UnreachableError
from leverd.interfaces.chain_client import Call

pytestmark = pytest.mark.sockets

ODD: tuple[object, ...] = (None, [], {}, "x", -1, [None], {"x": None})

CALL = Call(TOKEN, b"\1\2\3\4")
TOO_MUCH = 413

LOG = {"address": TOKEN, "topics": [HASH], "data": "0x"}
FAILED = {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}

ANSWERS = {
    "eth_getTransactionReceipt": {**RECEIPT, "logs": [LOG]},
    "eth_getTransactionByHash": {"to": TOKEN, "input": "0x", "from": ME, "gas": "0x1"},
    "eth_createAccessList": {
        "accessList": [{"address": TOKEN, "storageKeys": [HASH]}],
        "gasUsed": "0x1",
    },
}
REVERTS = {
    "eth_simulateV1": rehearsed(status="0x0", returnData="0x", error=FAILED),
    "eth_call": {"error": FAILED},
    "eth_estimateGas": {"error": FAILED},
}
"""What a node that says no answers."""

QUESTIONS = {
    "connect": lambda node: node.connect(deadline_s=1),
    "genesis": lambda node: node.genesis(),
    "head": lambda node: node.head(),
    "block by hash": lambda node: node.block_by_hash(HASH),
    "final": lambda node: node.final_number(),
    "read": lambda node: node.read([CALL]),
    "pinned": lambda node: node.read([CALL], head=wire.head(HEADER)),
    "snapshot": lambda node: node.snapshot([CALL], ME),
    "call": lambda node: node.call(CALL, sender=ME),
    "replay": lambda node: node.replay(CALL, sender=ME, block=16, at=100),
    "estimate": lambda node: node.estimate_gas(CALL, sender=ME),
    "rehearse": lambda node: node.rehearse(CALL, sender=ME),
    "try out": lambda node: node.try_out(CALL, sender=ME, listing=True),
    "nonce": lambda node: node.nonce(ME),
    "balance": lambda node: node.balance(ME),
    "code": lambda node: node.code(TOKEN),
    "receipt": lambda node: node.receipt(HASH),
    "transaction": lambda node: node.transaction(HASH),
    "fees": lambda node: node.fee_history(4),
    "look": lambda node: node.look(ME, 8, [HASH]),
    "send": lambda node: node.send(b"\2signed"),
}


def asking(*proxies):
    return client_for(*(proxy.url for proxy in proxies), patience=ONCE, final_tag="finalized")


def node_of(**answers):
    def script(method, params):
        return {**ANSWERS, **answers}.get(method) or plain(method, params)

    return script


def places(part: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to everything in `part`, itself included."""
    yield at
    inner = (
        part.items()
        if isinstance(part, dict)
        else enumerate(part if isinstance(part, list) else ())
    )
    for key, value in inner:
        yield from places(value, (*at, key))


def put(whole: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    copied = copy.deepcopy(whole)
    part = copied
    for key in at[:-1]:
        part = part[key]
    part[at[-1]] = value
    return copied


async def odd_answers(proxy, ask) -> Counter[str]:
    """Have each part of each answer be something else in turn; return what became of it."""
    told: dict[str, tuple[str, Any]] = {}
    wanted: list[Any] = []

    async def fault(_request, questions, answers):
        for at, question in enumerate(questions):
            method = question["method"]
            if not wanted:
                for way in places(answers[at]):
                    told[json.dumps((method, way))] = (method, way)
            elif wanted[0] == method:
                answers[at] = put(answers[at], *wanted[1:])

    proxy.fault = fault
    with probing():  # as a guardian looks: whatever came before, it asks
        outcomes = Counter([await outcome(ask)])
        for method, way in told.values():
            for value in ODD:
                wanted[:] = [method, way, value]
                outcomes[await outcome(ask)] += 1
    return outcomes


async def outcome(ask) -> str:
    try:
        await ask()
    except (UnreachableError, NonsenseError, RevertedError, RefusedError) as error:
        return type(error).__name__
    return "told"


@pytest.mark.parametrize("says_no", [False, True])
@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_part_that_is_something_else_is_silence_or_nonsense(question, says_no):
    async with proxied(node_of(**REVERTS if says_no else {})) as proxy:
        node = asking(proxy)
        outcomes = await odd_answers(proxy, lambda: QUESTIONS[question](node))
        await node.close()
    assert outcomes["NonsenseError"] + outcomes["UnreachableError"] > len(ODD), outcomes


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_short_request_that_is_too_long_for_a_node_is_silence(question):
    async with proxied(node_of()) as sick, proxied(node_of()) as well:
        sick.fault = status(TOO_MUCH)
        alone, both = asking(sick), asking(sick, well)
        with pytest.raises(UnreachableError, match="413"):
            await QUESTIONS[question](alone)
        if question != "send":
            await QUESTIONS[question](both)
        await alone.close()
        await both.close()


@pytest.mark.parametrize("politely", [True, False])
async def test_a_node_that_takes_no_part_of_a_long_request_is_named(politely):
    async def full(_request, questions, _answers):
        if politely:
            return web.Response(status=TOO_MUCH)
        error = {"code": -32600, "message": "Invalid request"}
        return web.json_response({"jsonrpc": "2.0", "id": None, "error": error})

    long = Call(TOKEN, b"\0" * 2**21)
    async with proxied(node_of()) as proxy:
        node = asking(proxy)
        proxy.fault = full
        for calls in ([CALL] * 5_000, [long], [long] * 3):
            for pinned in (None, wire.head(HEADER)):
                with pytest.raises((NonsenseError, UnreachableError)):
                    await node.read(calls, head=pinned)
        with pytest.raises(NonsenseError) as refused:
            await node.call(long, sender=ME)
        assert refused.value.code == "LVD-CHN-006"
        with pytest.raises((NonsenseError, UnreachableError)):
            await node.send(long.data)
        await node.close()


async def test_a_node_with_odd_fees_has_the_next_one_asked():
    async with proxied(node_of()) as odd, proxied(node_of()) as well:
        odd.fault = changed(lambda method, told: [] if method == "eth_feeHistory" else told)
        node = asking(odd, well)
        assert (await node.snapshot([CALL], ME)).base_fee == 8
        await node.close()


async def test_a_shape_that_nobody_thought_of_is_nonsense_and_a_fault_of_the_node():
    """Parsers name what they expect; what they miss is caught where they are called."""
    async with proxied(node_of()) as proxy:
        node = asking(proxy)
        for error in (TypeError, ValueError, IndexError, KeyError):

            def parse(_answers, error=error):
                raise error

            with probing(), pytest.raises(NonsenseError) as refused:
                await node._sources.read((questions.CHAIN,), parse)
            assert refused.value.code == "LVD-CHN-003"
            assert refused.value.place
        await node.close()
