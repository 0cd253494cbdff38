"""Whatever a node does, the client returns the truth or a named error, and sends nothing twice."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger
from tests.evm.proxy import (
    Proxy,
    body,
    changed,
    delayed,
    dropped,
    proxied,
    status,
    times,
)
from tests.evm.worlds import client_for

from leverd.adapters.evm import abi, batch, sources, wire
from leverd.adapters.evm import client as evm_client
from leverd.adapters.evm.client import EvmClient
from leverd.adapters.evm.profiles import PROFILES
from leverd.adapters.evm.sources import Patience, probing
from leverd.adapters.evm.venue import EvmVenue
from leverd.errors import (
    BreakerOpenError,
    ForgottenError,
    LeverdError,
    NonsenseError,
    RefusedError,
    RevertedError,
    UnreachableError,
)
from leverd.interfaces.chain_client import Call

pytestmark = pytest.mark.sockets

HASH = "0x" + "11" * 32
PARENT = "0x" + "22" * 32
HEADER = {
    "number": "0x10",
    "hash": HASH,
    "parentHash": PARENT,
    "timestamp": "0x64",
    "baseFeePerGas": "0x7",
    "gasUsed": "0x0",
    "gasLimit": "0x1c9c380",
}
TOKEN = "0x" + "33" * 20
ME = "0x" + "44" * 20
ONCE = Patience(deadline_s=30.0, wait_s_first=60, wait_s_max=60, jitter_s=0.0)
"""One try, with time for a busy machine."""

HASTY = replace(ONCE, deadline_s=1.0)
"""For a silence that is waited out."""

SILENT = delayed(60)


def results(*values: bytes, number: int = 16) -> str:
    """Return what aggregate3 answers: the facts of HEADER, then `values`."""
    facts = (abi.uint_word(number), abi.uint_word(100), bytes.fromhex(PARENT[2:]))
    replies = [(True, data) for data in (*facts, *values)]
    return "0x" + encode(("(bool,bytes)[]",), (replies,)).hex()


def node(method: str, params: list[Any]) -> object:
    """Answer as a healthy node of chain 5 would."""
    if method == "eth_sendRawTransaction":
        return "0x" + keccak(bytes.fromhex(params[0][2:])).hex()
    count = 1 if method != "eth_call" else _calls_in(params[0]["data"]) - batch.FACTS
    answers = {
        "eth_chainId": "0x5",
        "eth_getBlockByNumber": HEADER,
        "eth_getBlockByHash": HEADER,
        "eth_call": results(*[abi.uint_word(7)] * max(count, 0)),
        "eth_getTransactionCount": "0x9",
        "eth_getBalance": "0x3",
        "eth_getCode": "0x6000",
        "eth_estimateGas": "0x5208",
        "eth_simulateV1": rehearsed(),
        "eth_feeHistory": {"baseFeePerGas": ["0x7", "0x8"], "reward": [["0x1", "0x2", "0x3"]]},
        "eth_getTransactionReceipt": None,
        "eth_getTransactionByHash": None,
    }
    return answers[method]


def _calls_in(data: str) -> int:
    return int(data[2 + 8 + 64 : 2 + 8 + 128] or "0", 16)


_open: list[EvmClient] = []


def client(*proxies: Proxy, patience: Patience = ONCE, **changes) -> EvmClient:
    made = client_for(*(proxy.url for proxy in proxies), patience=patience, **changes)
    _open.append(made)
    return made


@pytest.fixture(autouse=True)
async def _closed():
    yield
    for one in _open:
        await one.close()
    _open.clear()


async def test_a_healthy_node_is_read_in_one_request_whatever_the_number_of_calls():
    async with proxied(node) as proxy:
        reader = client(proxy)
        for count in (0, 1, 300):
            proxy.forget()
            calls = [Call(TOKEN, b"\0\0\0\0")] * count
            seen = await reader.snapshot(calls, ME)
            assert proxy.requests == 1
            assert [abi.word(reply.data) for reply in seen.batch.replies] == [7] * count
            assert (seen.batch.head.number, seen.nonce, seen.base_fee) == (16, 9, 8)


@pytest.mark.parametrize(
    "fault", [dropped, SILENT, status(500), status(429), status(404), status(301)]
)
async def test_silence_is_unreachable_and_the_next_node_is_asked_at_once(fault):
    async with proxied(node) as sick, proxied(node) as well:
        sick.fault = fault
        alone = client(sick, patience=HASTY)
        with pytest.raises(UnreachableError) as refused:
            await alone.head()
        assert refused.value.code == "LVD-NET-001"
        assert "127.0.0.1" in refused.value.place
        both = client(sick, well, patience=replace(ONCE, deadline_s=8.0))
        assert (await both.head()).number == 16
        assert well.requests == 1


@pytest.mark.parametrize(
    "fault",
    [
        body("hello"),
        body(""),
        body("[]"),
        body("{}"),
        body("null"),
        body("5"),
        body(b"\xff\xfe\x00"),
        body('{"jsonrpc": "2.0", "id": 0}'),
        body('{"jsonrpc": "2.0", "id": 999, "result": "0x5"}'),
        body("[" * 100_000),
        changed(lambda _method, _result: None),
        changed(lambda _method, _result: "0x"),
        changed(lambda _method, _result: "lots"),
        changed(lambda _method, _result: 5),
        changed(lambda _method, _result: {"number": 5}),
        changed(lambda _method, result: {**result, "hash": "0x12"}),
        changed(lambda _method, result: {**result, "timestamp": None}),
        changed(lambda _method, result: {k: v for k, v in result.items() if k != "parentHash"}),
        changed(lambda _method, result: {**result, "gasLimit": "0x" + "f" * 65}),
    ],
)
async def test_nonsense_is_named_and_the_next_node_is_asked(fault):
    async with proxied(node) as sick, proxied(node) as well:
        sick.fault = fault
        alone = client(sick)
        with pytest.raises(NonsenseError) as refused:
            await alone.head()
        assert refused.value.code.startswith("LVD-CHN-")
        assert refused.value.remedy
        both = client(sick, well)
        assert (await both.head()).block_hash == HASH


async def test_a_header_whose_hash_is_none_is_nonsense_too():
    async with proxied(node) as proxy:
        proxy.fault = changed(lambda _method, result: {**result, "hash": None})
        reader = client(proxy)
        with pytest.raises(NonsenseError):
            await reader.head()


async def test_an_endless_answer_is_cut_off():
    async with proxied(node) as proxy:
        proxy.fault = body("[" + "0," * 2**20 + "0]")
        reader = client(proxy)
        reader._sources.endpoints[0]._bytes_max = 2**16
        with pytest.raises(NonsenseError) as refused:
            await reader.head()
        assert refused.value.code == "LVD-CHN-006"


async def test_shuffled_answers_are_sorted_and_doubled_ones_refused():
    async with proxied(node) as proxy:
        reader = client(proxy)

        async def shuffled(_request, _questions, answers):
            answers.reverse()

        async def doubled(_request, _questions, answers):
            answers.append(answers[0])

        proxy.fault = shuffled
        assert (await reader.snapshot([], ME)).nonce == 9
        proxy.fault = doubled
        with pytest.raises(NonsenseError) as refused:
            await reader.snapshot([], ME)
        assert refused.value.code == "LVD-CHN-004"


async def test_a_node_of_another_chain_is_refused_by_name():
    async with proxied(node) as proxy:
        reader = client(proxy, chain_id=1)
        with pytest.raises(NonsenseError) as refused:
            await reader.connect(deadline_s=30)
        assert refused.value.code == "LVD-CHN-001"
        assert "chain 5, not 1" in str(refused.value)


async def test_a_chain_that_changes_under_us_is_noticed_by_the_next_look():
    async with proxied(node) as proxy:
        reader = client(proxy)
        await reader.snapshot([], ME)
        proxy.fault = changed(lambda method, result: "0x6" if method == "eth_chainId" else result)
        with pytest.raises(NonsenseError) as refused:
            await reader.snapshot([], ME)
        assert refused.value.code == "LVD-CHN-001"


async def test_reads_are_tried_again_after_a_pause_and_give_up_at_their_deadline():
    async with proxied(node) as proxy:
        proxy.fault = times(2, status(503))
        patient = client(proxy, patience=Patience(30.0, 0.02, 0.05, 0.01))
        assert (await patient.head()).number == 16
        assert proxy.requests == 3
        proxy.fault = status(503)
        with pytest.raises(UnreachableError):
            await client(proxy, patience=Patience(0.3, 0.02, 0.05, 0.01)).head()


async def test_a_node_that_comes_up_late_is_waited_for_and_that_is_said():
    said = []
    sink = logger.add(lambda message: said.append(str(message)), level="WARNING")
    try:
        async with proxied(node) as proxy:
            proxy.fault = times(5, status(503))
            late = client(proxy, patience=Patience(0.2, 0.05, 0.1, 0.01))
            assert await late.connect(deadline_s=10) == 5
    finally:
        logger.remove(sink)
    assert len(said) >= 2
    assert all("asking again in" in line and "LVD-NET" in line for line in said)


async def test_a_node_that_hangs_is_asked_again_within_a_long_wait():
    async with proxied(node) as proxy:
        proxy.fault = times(1, delayed(30))
        late = client(proxy, patience=Patience(0.2, 0.05, 0.1, 0.01))
        assert await late.connect(deadline_s=10) == 5


async def test_an_open_breaker_is_not_asked_but_probes_pass_and_close_it():
    async with proxied(node) as proxy:
        proxy.fault = status(500)
        reader = client(proxy)
        for _ in range(3):
            with pytest.raises(UnreachableError):
                await reader.head()
        proxy.forget()
        proxy.fault = None
        with pytest.raises(BreakerOpenError) as refused:
            await reader.head()
        assert (refused.value.code, proxy.requests) == ("LVD-NET-002", 0)
        with probing():
            assert (await reader.head()).number == 16
        assert (await reader.head()).number == 16


async def test_a_block_between_header_and_reads_has_the_reads_made_again_at_the_header():
    async with proxied(node) as proxy:
        reader = client(proxy)
        other = results(abi.uint_word(8), number=17)

        async def raced(_request, questions, answers):
            for question, answer in zip(questions, answers, strict=True):
                if question["method"] == "eth_call" and question["params"][1] == "latest":
                    answer["result"] = other

        proxy.fault = raced
        seen = await reader.read([Call(TOKEN, b"")])
        assert (seen.head.number, abi.word(seen.replies[0].data)) == (16, 7)
        assert proxy.requests == 2


async def test_a_node_that_answers_from_another_block_than_asked_is_refused():
    async with proxied(node) as proxy:
        reader = client(proxy)
        head = wire.head({**HEADER, "number": "0x11"})
        with pytest.raises(NonsenseError) as refused:
            await reader.read([Call(TOKEN, b"")], head=head)
        assert refused.value.code == "LVD-CHN-004"


async def test_a_node_without_block_hashes_is_asked_by_number():
    async with proxied(node) as proxy:
        reader = client(proxy)
        asked = []

        async def old(_request, questions, answers):
            for question, answer in zip(questions, answers, strict=True):
                asked.append(question["params"][1])
                if isinstance(question["params"][1], dict):
                    del answer["result"]
                    answer["error"] = {"code": -32602, "message": "invalid params"}

        proxy.fault = old
        head = wire.head(HEADER)
        for _ in range(2):
            seen = await reader.read([Call(TOKEN, b"")], head=head)
            assert abi.word(seen.replies[0].data) == 7
        assert asked == [{"blockHash": HASH, "requireCanonical": True}, "0x10", "0x10"]


FORGOTTEN = {
    "geth": (-32000, "missing trie node 5c41 (path ) state 0x12 is not available"),
    "geth, path scheme": (-32000, "historical state 0x12 is not available"),
    "reth": (4444, "state at block #16 is pruned"),
    "erigon": (-32000, "requested block is older than pruned history"),
    "nethermind": (-32002, "No state available for block 16"),
    "anvil": (-32602, "BlockOutOfRangeError: block height is 105 but requested was 16"),
}


@pytest.mark.parametrize("node_of", FORGOTTEN)
async def test_a_state_that_is_kept_no_more_is_no_fault_of_the_node(node_of):
    code, message = FORGOTTEN[node_of]

    async def forgets(_request, questions, answers):
        for question, answer in zip(questions, answers, strict=True):
            if question["method"] == "eth_call" and question["params"][1] != "latest":
                answer.pop("result")
                answer["error"] = {"code": code, "message": message}

    async with proxied(node) as full, proxied(node) as archive, proxied(node) as dead:
        full.fault, dead.fault = forgets, dropped
        head = wire.head(HEADER)
        alone = client(full)
        for _ in range(8):
            with pytest.raises(ForgottenError) as forgotten:
                await alone.read([Call(TOKEN, b"")], head=head)
        assert forgotten.value.code == "LVD-CHN-013"
        assert "archive" in forgotten.value.remedy
        assert (await alone.head()).block_hash == HASH, "its breaker is closed"
        with pytest.raises(ForgottenError):
            await client(full, dead).read([Call(TOKEN, b"")], head=head)
        with pytest.raises(ForgottenError):
            await client(dead, full).read([Call(TOKEN, b"")], head=head)
        found = await client(full, archive).read([Call(TOKEN, b"")], head=head)
        assert abi.word(found.replies[0].data) == 7


async def test_reads_are_chunked_at_the_nodes_gas_cap_and_still_one_request():
    async with proxied(node) as proxy:
        reader = client(proxy)

        async def capped(_request, questions, answers):
            for question, answer in zip(questions, answers, strict=True):
                is_call = question["method"] == "eth_call"
                if is_call and _calls_in(question["params"][0]["data"]) > 100:
                    del answer["result"]
                    answer["error"] = {"code": -32000, "message": "out of gas"}

        proxy.fault = capped
        calls = [Call(TOKEN, b"")] * 250
        assert len((await reader.read(calls)).replies) == 250
        proxy.forget()
        assert len((await reader.read(calls)).replies) == 250
        assert proxy.requests == 1
        assert proxy.methods.count("eth_call") == 5


@pytest.mark.parametrize("politely", [True, False])
async def test_a_request_too_long_for_the_node_is_made_in_parts_of_one_block(politely):
    async with proxied(node) as proxy:
        reader = client(proxy, patience=Patience(20.0, 0.02, 0.05, 0.01))

        async def narrow(request, questions, _answers):
            asked = sum(
                _calls_in(one["params"][0]["data"])
                for one in questions
                if one["method"] == "eth_call"
            )
            if asked < 3_000:
                return None
            if politely:
                return web.Response(status=413)
            error = {"code": -32600, "message": "Invalid request"}
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": error})

        proxy.fault = narrow
        calls = [Call(TOKEN, b"\0" * 36)] * 5_000
        assert len((await reader.read(calls)).replies) == 5_000
        proxy.forget()
        assert len((await reader.snapshot(calls, ME)).batch.replies) == 5_000
        assert proxy.requests == 3  # the header, and two halves of the reads
        assert proxy.methods.count("eth_getBlockByNumber") == 2


async def test_a_read_that_fails_is_named_and_one_that_may_fail_is_reported():
    async with proxied(node) as proxy:
        reader = client(proxy)

        def failing(method, result):
            if method != "eth_call":
                return result
            facts = (abi.uint_word(16), abi.uint_word(100), bytes.fromhex(PARENT[2:]))
            reason = abi.selector("Error(string)") + encode(("string",), ("35",))
            replies = [(True, data) for data in facts] + [(False, reason)]
            return "0x" + encode(("(bool,bytes)[]",), (replies,)).hex()

        proxy.fault = changed(failing)
        seen = await reader.read([Call(TOKEN, b"", may_fail=True)])
        assert not seen.replies[0].succeeded
        with pytest.raises(NonsenseError) as refused:
            await reader.read([Call(TOKEN, b"\1\2\3\4")])
        assert refused.value.code == "LVD-CHN-005"
        assert "HealthFactorLowerThanLiquidationThreshold" in str(refused.value)


async def test_a_lagging_node_that_misses_the_block_is_unreachable_not_wrong():
    async with proxied(node) as proxy:
        reader = client(proxy)

        async def lagging(_request, _questions, answers):
            for answer in answers:
                del answer["result"]
                answer["error"] = {"code": -32000, "message": "header not found"}

        proxy.fault = lagging
        with pytest.raises(UnreachableError):
            await reader.read([Call(TOKEN, b"")], head=wire.head(HEADER))


async def test_a_kept_connection_found_closed_is_replaced_for_reads_only():
    async with proxied(node) as proxy:
        reader = client(proxy)
        await reader.head()
        proxy.forget()
        proxy.fault = times(1, dropped)
        assert (await reader.head()).number == 16
        assert proxy.requests == 2
        proxy.forget()
        proxy.fault = times(1, dropped)
        with pytest.raises(UnreachableError):
            await reader.send(b"\2signed")
        assert proxy.requests == 1


async def test_a_send_is_made_once_whatever_happens():
    payload = b"\2signed"
    for fault in (dropped, status(500), SILENT, body("hello")):
        async with proxied(node) as one, proxied(node) as other:
            one.fault = fault
            sender = client(one, other, patience=HASTY)
            with pytest.raises((UnreachableError, NonsenseError)):
                await sender.send(payload)
            assert (one.requests, other.requests) == (1, 0)


async def test_what_a_node_says_to_a_send_is_understood():
    async with proxied(node) as proxy:
        sender = client(proxy)
        await sender.send(b"\2signed")

        def saying(message: str, code: int = -32000):
            async def fault(_request, _questions, answers):
                del answers[0]["result"]
                answers[0]["error"] = {"code": code, "message": message}

            return fault

        proxy.fault = saying("already known")
        await sender.send(b"\2signed")
        proxy.fault = saying("nonce too low")
        with pytest.raises(RefusedError) as refused:
            await sender.send(b"\2signed")
        assert refused.value.reason == "nonce_too_low"
        proxy.fault = saying("internal error", -32603)
        with pytest.raises(UnreachableError):
            await sender.send(b"\2signed")
        proxy.fault = changed(lambda _method, _result: HASH)
        with pytest.raises(UnreachableError):
            await sender.send(b"\2signed")


async def test_a_send_goes_to_the_first_node_that_is_not_left_alone():
    async with proxied(node) as sick, proxied(node) as well:
        sick.fault = status(500)
        sender = client(sick, well)
        for _ in range(3):
            await sender.head()
        sick.forget()
        well.forget()
        await sender.send(b"\2signed")
        assert (sick.requests, well.requests) == (0, 1)


def saying(message: str, code: int = -32000):
    async def fault(_request, _questions, answers):
        del answers[0]["result"]
        answers[0]["error"] = {"code": code, "message": message}

    return fault


NO = saying("insufficient funds for gas")


async def sent_to_all(*faults, patience=ONCE) -> int:
    """Send to as many nodes as there are faults; return how many were asked."""
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(proxied(node)) for _ in faults]
        for one, fault in zip(nodes, faults, strict=True):
            one.fault = fault
        await client(*nodes, patience=patience).send(b"\2signed", to_all=True)
        return sum(one.requests for one in nodes)


async def test_what_goes_to_all_nodes_is_taken_if_one_takes_it():
    for faults in (
        (None, None, None),
        (None, NO, dropped),
        (NO, dropped, None),
        (dropped, NO, None),
    ):
        assert await sent_to_all(*faults) == 3, "each was asked, and once"


async def test_what_goes_to_all_nodes_is_refused_only_if_all_refuse():
    with pytest.raises(RefusedError) as refused:
        await sent_to_all(NO, saying("already spent: nonce too low"))
    assert refused.value.reason == "insufficient_funds"
    for unsure in (dropped, status(500), body("hello"), saying("internal error", -32603)):
        for faults in ((NO, unsure), (unsure, NO)):
            with pytest.raises((UnreachableError, NonsenseError)):
                await sent_to_all(*faults)


async def test_a_second_node_that_hangs_does_not_hold_up_what_goes_to_all(monkeypatch):
    monkeypatch.setattr(sources, "_ALSO_S", 0.3)
    async with asyncio.timeout(15):
        assert await sent_to_all(None, SILENT) == 2


async def test_a_node_that_is_left_alone_is_not_sent_to_beside_others():
    async with proxied(node) as sick, proxied(node) as well:
        sick.fault = status(500)
        sender = client(sick, well)
        for _ in range(3):
            await sender.head()
        sick.forget()
        await sender.send(b"\2signed", to_all=True)
        assert sick.requests == 0


def test_a_bug_while_sending_is_not_hidden_by_a_node_that_took_it():
    with pytest.raises(AttributeError):
        sources._joined([None, AttributeError("a bug")])


def rehearsed(**result: Any) -> Any:
    return [{"calls": [{"status": "0x1", "gasUsed": "0x64", "returnData": "0x", **result}]}]


async def test_a_rehearsal_is_one_simulation_with_room_for_refunds():
    async with proxied(node) as proxy:
        reader = client(proxy)
        assert await reader.rehearse(Call(TOKEN, b""), sender=ME) == 125
        assert (proxy.requests, proxy.methods) == (1, ["eth_simulateV1"])
        reason = "0x" + (abi.selector("Error(string)") + encode(("string",), ("36",))).hex()
        for result in (
            rehearsed(status="0x0", returnData=reason),
            rehearsed(status="0x0", error={"code": 3, "message": "reverted", "data": reason}),
        ):
            proxy.fault = changed(lambda _method, _result, result=result: result)
            with pytest.raises(RevertedError) as refused:
                await reader.rehearse(Call(TOKEN, b""), sender=ME)
            assert refused.value.reason == "CollateralCannotCoverNewBorrow"
        for nonsense in (None, [], [{"calls": []}], [{"calls": [{}]}], "0x"):
            proxy.fault = changed(lambda _method, _result, result=nonsense: result)
            with pytest.raises(NonsenseError):
                await client(proxy).rehearse(Call(TOKEN, b""), sender=ME)


async def test_a_node_that_does_not_simulate_is_asked_for_a_call_and_an_estimate():
    async with proxied(node) as proxy:
        reader = client(proxy)

        async def old(_request, questions, answers):
            for question, answer in zip(questions, answers, strict=True):
                if question["method"] == "eth_simulateV1":
                    del answer["result"]
                    answer["error"] = {"code": -32601, "message": "no such method"}

        proxy.fault = old
        assert await reader.rehearse(Call(TOKEN, b""), sender=ME) == 21_000
        proxy.forget()
        assert await reader.rehearse(Call(TOKEN, b""), sender=ME) == 21_000
        assert (proxy.requests, proxy.methods) == (1, ["eth_call", "eth_estimateGas"])

        async def reverting(_request, _questions, answers):
            reason = abi.selector("Error(string)") + encode(("string",), ("36",))
            for answer in answers:
                answer.pop("result", None)
                data = "0x" + reason.hex()
                answer["error"] = {"code": 3, "message": "execution reverted", "data": data}

        proxy.fault = reverting
        with pytest.raises(RevertedError) as refused:
            await reader.rehearse(Call(TOKEN, b""), sender=ME)
        assert refused.value.reason == "CollateralCannotCoverNewBorrow"


DENIED = changed(
    lambda method, told: rehearsed(status="0x0") if method == "eth_simulateV1" else told
)


async def test_a_node_that_goes_on_saying_no_is_asked_after_one_that_may_know_better():
    """By its looks a rescue is called for, and by its rehearsals none would ever be sent."""
    async with proxied(node) as sick, proxied(node) as well:
        sick.fault = DENIED
        reader = client(sick, well)
        for _ in range(2):
            assert (await reader.head(), reader.source)[1] in sick.url
            with pytest.raises(RevertedError):
                await reader.rehearse(Call(TOKEN, b""), sender=ME)
        assert await reader.rehearse(Call(TOKEN, b""), sender=ME) == 125
        await reader.head()
        assert reader.source in well.url, "what it decides from is the same node's"
        assert set(reader.circuits().values()) == {"closed"}, "it may be right: nothing failed"


async def test_what_every_node_says_would_revert_stays_refused_and_one_no_displaces_nobody():
    async with proxied(node) as one, proxied(node) as other:
        one.fault = other.fault = DENIED
        reader, alone = client(one, other), client(one)
        for _ in range(7):
            for each in (reader, alone):
                with pytest.raises(RevertedError):
                    await each.rehearse(Call(TOKEN, b""), sender=ME)
        assert other.methods.count("eth_simulateV1") >= 2, "it was asked too"
    async with proxied(node) as one, proxied(node) as other:
        reader = client(one, other)
        for _ in range(3):  # a market that moves: now and then a plan comes too late
            one.fault = DENIED
            with pytest.raises(RevertedError):
                await reader.rehearse(Call(TOKEN, b""), sender=ME)
            one.fault = None
            await reader.rehearse(Call(TOKEN, b""), sender=ME)
        assert other.requests == 0


def telling(history: object):
    """Return a node that says `history` of fees, and all else as a healthy one."""

    def told(method: str, params: list[Any]) -> object:
        return history if method == "eth_feeHistory" else node(method, params)

    return told


@pytest.mark.parametrize(
    "history",
    [
        {"error": {"code": -32601, "message": "the method is not available"}},
        {"error": {"code": -32005, "message": "limit exceeded"}},
        {"baseFeePerGas": []},
        None,
    ],
    ids=["unknown", "limited", "empty", "none"],
)
async def test_without_any_history_of_fees_the_newest_block_says_what_to_bid(history):
    """Looks do without it too: a rescue would be decided turn after turn, and never sent."""
    async with proxied(telling(history)) as proxy, proxied(node) as well:
        reader = client(proxy)
        for _ in range(8):  # as often as a breaker needs to open, and more
            assert await reader.recent_fees(20) == (7, [])
        assert await client(proxy, well).recent_fees(20) == (8, [[1, 2, 3]]), "another may tell"


async def test_a_venue_bids_without_a_history():
    config = SimpleNamespace(name="aave", profile=PROFILES["ethereum"], gas_price_wei_max=10**12)
    async with proxied(telling(None)) as proxy:
        venue = EvmVenue(config, client(proxy), SimpleNamespace(address=ME), None)
        bid = await venue.fees(urgency=1.0)
    assert bid.priority_fee == config.profile.priority_fee_min
    assert bid.max_fee > 7 + bid.priority_fee, "room for full blocks"


async def test_without_a_block_either_there_is_no_bid():
    async with proxied(node) as proxy:
        proxy.fault = status(500)
        with pytest.raises(UnreachableError):
            await client(proxy).recent_fees(20)


async def test_nodes_that_name_another_head_or_nonce_are_not_counted_as_agreeing(monkeypatch):
    monkeypatch.setattr(evm_client, "_WITNESS_S", 15.0)
    async with proxied(node) as one, proxied(node) as two, proxied(node) as three:
        reader = client(one, two, three)
        head = wire.head(HEADER)
        assert await reader.witnesses(head, ME, 9) == 3
        two.fault = changed(
            lambda method, result: "0xa" if method == "eth_getTransactionCount" else result
        )
        three.fault = dropped
        assert await reader.witnesses(head, ME, 9) == 1


RECEIPT = {
    "transactionHash": HASH,
    "blockNumber": "0x10",
    "blockHash": HASH,
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x8",
    "logs": [],
}


async def test_receipts_and_nonce_that_do_not_agree_are_looked_at_again_then_unreachable():
    async with proxied(node) as proxy:
        reader = client(proxy)

        def mined(method, result):
            return RECEIPT if method == "eth_getTransactionReceipt" else result

        proxy.fault = changed(mined)
        with pytest.raises(UnreachableError) as refused:
            await reader.look(ME, 9, [HASH])  # mined, yet the nonce is not past it
        assert refused.value.code == "LVD-NET-004"
        seen = await reader.look(ME, 8, [HASH])
        assert seen.receipts[0].tx_hash == HASH
        with pytest.raises(NonsenseError):
            await reader.look(ME, 8, [PARENT])  # a receipt of another transaction


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.floats(0, 1), mask=st.integers(1, 255))
def test_a_flipped_byte_anywhere_gives_the_truth_or_a_named_error(place, mask):
    async def run() -> None:
        async with proxied(node) as proxy:
            reader = client(proxy)
            calls = [Call(TOKEN, b"")] * 3
            clean = await reader.snapshot(calls, ME)

            async def garbled(_request, _questions, answers):
                raw = bytearray(json.dumps(answers).encode())
                raw[int(place * (len(raw) - 1))] ^= mask
                return web.Response(body=bytes(raw), content_type="application/json")

            proxy.fault = garbled
            try:
                seen = await reader.snapshot(calls, ME)
                assert len(seen.batch.replies) == len(clean.batch.replies)
            except LeverdError:
                pass
            finally:
                await reader.close()

    asyncio.run(run())
