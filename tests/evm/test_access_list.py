"""An access list saves gas and does nothing else, whatever a node says about one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from tests.evm.proxy import delayed, dropped, proxied, status
from tests.evm.test_client_faults import node as without_method
from tests.evm.test_signer import GOOD, ME, signer
from tests.evm.worlds import PATIENT, client_for

from leverd.adapters.evm import access_list, simulation
from leverd.adapters.evm.access_list import ADDRESSES_MAX, SLOTS_MAX
from leverd.adapters.evm.allow_list import GAS_MAX
from leverd.adapters.evm.simulation import Tried
from leverd.adapters.evm.sources import Patience
from leverd.errors import RevertedError, SigningRefusedError, UnreachableError
from leverd.interfaces.chain_client import Call
from leverd.interfaces.signer import Access

ACCOUNT, TOKEN, POOL = ("0x" + digit * 40 for digit in "abc")
CALL = Call(ACCOUNT, b"\1\2\3\4")
USED = 100_000
LIST_METHOD = "eth_createAccessList"


def entry(address: str, *slots: int) -> dict[str, object]:
    return {"address": address, "storageKeys": [f"0x{slot:064x}" for slot in slots]}


def answer(*entries: object, used: int = USED - 1) -> dict[str, object]:
    return {"accessList": list(entries), "gasUsed": hex(used)}


def proposed(found: object, used: int = USED) -> access_list.AccessList:
    return access_list.proposed(found, CALL, ME, used)


def test_what_would_be_met_cold_is_listed_once():
    found = answer(entry(TOKEN.upper().replace("X", "x"), 1, 2), entry(POOL), entry(TOKEN, 2, 3))
    assert proposed(found) == (Access(TOKEN, (1, 2, 3)), Access(POOL))
    assert access_list.price(proposed(found)) == 2 * 2_400 + 3 * 1_900


def test_what_is_warm_from_the_start_is_left_out():
    precompile = "0x" + "0" * 39 + "4"
    found = answer(entry(ACCOUNT, 2), entry(ME), entry(precompile), entry(TOKEN, 1))
    assert proposed(found) == (Access(TOKEN, (1,)),)


def test_the_called_contract_is_listed_when_its_slots_are_worth_its_address():
    slots = tuple(range(25))
    assert proposed(answer(entry(ACCOUNT, *slots))) == (Access(ACCOUNT, slots),)
    assert proposed(answer(entry(ACCOUNT, *slots[2:]))) == ()


def test_a_list_that_saves_nothing_by_the_nodes_own_word_is_left_out():
    one = entry(TOKEN, 1)
    assert proposed(answer(one, used=USED)) == ()
    # The node paid 2,300 for the called contract's entry, which we leave out.
    assert proposed(answer(one, entry(ACCOUNT, 2), used=USED + 2_299)) == (Access(TOKEN, (1,)),)
    assert proposed(answer(one, entry(ACCOUNT, 2), used=USED + 2_300)) == ()


def test_a_list_that_costs_more_than_the_call_uses_cannot_be_true():
    found = answer(entry(TOKEN, *range(51)))
    assert access_list.price([Access(TOKEN, tuple(range(51)))]) == 99_300
    assert proposed(found) != ()
    assert proposed(answer(entry(TOKEN, *range(52)))) == ()


def test_a_list_too_long_to_be_signed_is_left_out():
    many = [entry(f"0x{one:040x}") for one in range(10**6, 10**6 + ADDRESSES_MAX + 1)]
    assert len(proposed(answer(*many[1:]), used=10**7)) == ADDRESSES_MAX
    assert proposed(answer(*many), used=10**7) == ()
    assert proposed(answer(entry(TOKEN, *range(SLOTS_MAX))), used=10**7) != ()
    assert proposed(answer(entry(TOKEN, *range(SLOTS_MAX)), entry(POOL, 1)), used=10**7) == ()
    assert proposed(answer(entry(TOKEN, *range(SLOTS_MAX + 1))), used=10**7) == ()


@pytest.mark.parametrize(
    "found",
    [
        None,
        "0x",
        [],
        {},
        {"accessList": None, "gasUsed": "0x1"},
        {"accessList": [None], "gasUsed": "0x1"},
        {"accessList": [entry(TOKEN)]},
        {"accessList": [entry(TOKEN)], "gasUsed": 5},
        {"accessList": [entry(TOKEN)], "gasUsed": "0x1", "error": "execution reverted"},
        {"accessList": [entry("0x12")], "gasUsed": "0x1"},
        {"accessList": [{"address": TOKEN}], "gasUsed": "0x1"},
        {"accessList": [{"address": TOKEN, "storageKeys": ["lots"]}], "gasUsed": "0x1"},
        {"accessList": [{"address": TOKEN, "storageKeys": ["0x" + "f" * 65]}], "gasUsed": "0x1"},
    ],
)
def test_nonsense_is_no_list(found):
    assert proposed(found) == ()


ADDRESS = st.sampled_from([ACCOUNT, TOKEN, POOL, ME.lower(), "0x" + "0" * 39 + "1"])
SLOTS = st.lists(st.integers(0, 2**256 - 1), max_size=40)


@given(
    st.lists(st.tuples(ADDRESS, SLOTS), max_size=8), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_whatever_is_proposed_can_be_signed_and_costs_less_than_the_call(parts, used, with_it):
    found = proposed(answer(*(entry(to, *slots) for to, slots in parts), used=with_it), used)
    assert access_list.price(found) < used or found == ()
    assert signer().sign(replace(GOOD, access_list=found)).payload
    assert {one.address for one in found} <= {to for to, _ in parts}


def test_the_gas_asked_for_has_room_for_a_list_that_is_all_wrong():
    plain = Tried(gas=100_000)
    assert plain.limit == 125_000
    usual = Tried(100_000, (Access(TOKEN, tuple(range(10))),))
    assert usual.limit == plain.limit
    dear = Tried(100_000, (Access(TOKEN, tuple(range(40))),))
    assert dear.limit == 100_000 + 2_400 + 40 * 1_900
    assert Tried(GAS_MAX).limit == GAS_MAX
    with pytest.raises(RevertedError) as refused:
        _ = Tried(GAS_MAX + 1).limit
    assert refused.value.code == "LVD-RVT-002"


def test_a_list_of_unbounded_size_is_not_signed():
    longest = tuple(Access(f"0x{one:040x}", (1, 2, 3, 4)) for one in range(ADDRESSES_MAX))
    assert signer().sign(replace(GOOD, access_list=longest)).payload
    for longer in ((*longest, Access(TOKEN)), (Access(TOKEN, (5,)), *longest[1:], Access(POOL))):
        with pytest.raises(SigningRefusedError) as refused:
            signer().sign(replace(GOOD, access_list=longer))
        assert refused.value.code == "LVD-SGN-011"
    with pytest.raises(SigningRefusedError):
        signer().sign(replace(GOOD, access_list=(Access(TOKEN, tuple(range(SLOTS_MAX + 1))),)))


def test_a_list_lets_nothing_through_that_is_not_allowed_without_one():
    with pytest.raises(SigningRefusedError) as refused:
        signer().sign(replace(GOOD, to=TOKEN, access_list=(Access(TOKEN),)))
    assert refused.value.code == "LVD-SGN-002"


LISTS = st.lists(
    st.builds(
        Access,
        st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
        st.lists(st.integers(0, 2**256 - 1), max_size=5).map(tuple),
    ),
    max_size=10,
).map(tuple)


@given(LISTS)
def test_a_payload_tells_its_list_again_for_the_same_call_alone(listed):
    payload = signer().sign(replace(GOOD, access_list=listed)).payload
    assert Account.recover_transaction(payload) == ME
    assert access_list.repeated(payload, Call(GOOD.to, GOOD.data)) == listed
    for other in (Call(TOKEN, GOOD.data), Call(GOOD.to, GOOD.data + b"\0")):
        assert access_list.repeated(payload, other) == ()


def test_no_payload_and_one_of_another_kind_tell_no_list():
    legacy = {"nonce": 0, "to": GOOD.to, "value": 0, "gas": 21_000, "gasPrice": 1, "chainId": 1}
    signed = Account.from_key("0x" + "ab" * 32).sign_transaction(legacy | {"to": ME})
    for payload in (b"", bytes(signed.raw_transaction)):
        assert access_list.repeated(payload, Call(ME, b"")) == ()


def test_lists_are_kept_for_the_newest_calls_only():
    kept = access_list.Kept()
    calls = [Call(TOKEN, bytes([one])) for one in range(200)]
    for call in (*calls, calls[0]):
        kept.keep(call, (Access(call.data.hex()),))
    assert kept.of(calls[0]) == (Access("00"),)
    assert kept.of(calls[199]) == (Access("c7"),)
    assert kept.of(calls[1]) == ()
    assert len(kept._lists) < 50


# What a node may do to the request that asks for a list.

LISTED = (Access(TOKEN, (1,)),)
USED_GAS = 0x64 * 1_000
ONCE = Patience(deadline_s=30.0, wait_s_first=60, wait_s_max=60, jitter_s=0.0)
"""One try, with time for a busy machine."""


@pytest.fixture(autouse=True)
def _time_for_a_list(monkeypatch):
    monkeypatch.setattr(simulation, "_LISTED_S", 30.0)


def node(method, params):
    """Answer as a healthy node that knows access lists would."""
    if method == LIST_METHOD:
        assert int(params[0]["gas"], 16) < 2_000_000
        return answer(entry(TOKEN, 1), used=USED_GAS - 1)
    if method == "eth_simulateV1":
        return [{"calls": [{"status": "0x1", "gasUsed": hex(USED_GAS), "returnData": "0x"}]}]
    return hex(USED_GAS) if method == "eth_estimateGas" else without_method(method, params)


@pytest.fixture
async def reader_of():
    made = []

    def one(*proxies):
        urls = [proxy.url for proxy in proxies]
        made.append(client_for(*urls, patience=ONCE if len(urls) == 1 else PATIENT))
        return made[-1]

    yield one
    for each in made:
        await each.close()


async def tried(reader, *, listing=True):
    return await reader.try_out(CALL, sender=ME, listing=listing)


def refusing(*methods, code=-32601):
    async def fault(_request, questions, answers):
        for question, found in zip(questions, answers, strict=True):
            if question["method"] in methods:
                del found["result"]
                found["error"] = {"code": code, "message": "no such method"}

    return fault


def spoilt_by_list(fault):
    """Err as `fault` does whenever a list is asked for."""

    async def maybe(request, questions, answers):
        if any(one["method"] == LIST_METHOD for one in questions):
            return await fault(request, questions, answers)
        return None

    return maybe


async def whole_batch_refused(_request, _questions, _answers):
    error = {"code": -32601, "message": "no such method"}
    return web.json_response({"jsonrpc": "2.0", "id": None, "error": error})


@pytest.mark.sockets
async def test_a_list_comes_with_the_rehearsal_in_one_request(reader_of):
    async with proxied(node) as proxy:
        reader = reader_of(proxy)
        assert await tried(reader) == Tried(125_000, LISTED)
        assert proxy.requests == 1
        assert proxy.methods == ["eth_simulateV1", LIST_METHOD]
        proxy.forget()
        assert await tried(reader, listing=False) == Tried(125_000)
        assert await reader.rehearse(CALL, sender=ME) == 125_000
        assert proxy.methods == ["eth_simulateV1"] * 2


@pytest.mark.sockets
@pytest.mark.parametrize("code", [-32601, -32602, -32000])
async def test_a_node_without_the_method_rehearses_as_ever_in_one_request(reader_of, code):
    async with proxied(node) as proxy:
        proxy.fault = refusing(LIST_METHOD, code=code)
        assert await tried(reader_of(proxy)) == Tried(125_000)
        assert proxy.requests == 1


@pytest.mark.sockets
async def test_a_node_that_does_not_simulate_may_still_propose_a_list(reader_of):
    async with proxied(node) as proxy:
        proxy.fault = refusing("eth_simulateV1")
        reader = reader_of(proxy)
        assert await tried(reader) == Tried(USED_GAS, LISTED)
        proxy.forget()
        assert await tried(reader) == Tried(USED_GAS, LISTED)
        assert proxy.methods == ["eth_call", "eth_estimateGas", LIST_METHOD]


@pytest.mark.sockets
async def test_a_node_that_knows_neither_is_asked_for_a_call_and_an_estimate(reader_of):
    async with proxied(node) as proxy:
        proxy.fault = refusing("eth_simulateV1", LIST_METHOD)
        reader = reader_of(proxy)
        assert await tried(reader) == Tried(USED_GAS)
        proxy.forget()
        assert await tried(reader) == Tried(USED_GAS)
        assert proxy.requests == 1
        assert proxy.methods == ["eth_call", "eth_estimateGas", LIST_METHOD]


@pytest.mark.sockets
@pytest.mark.parametrize("code", [-32600, -32603, -32004, -32005, -32075, -38014, -32601])
async def test_by_whatever_code_a_simulation_is_refused_the_rehearsal_goes_on(reader_of, code):
    async with proxied(node) as proxy:
        proxy.fault = refusing("eth_simulateV1", code=code)
        reader = reader_of(proxy)
        for listing in (True, False, False, False, False):
            found = await tried(reader, listing=listing)
            assert found == Tried(USED_GAS, LISTED if listing else ())
        assert set(reader.circuits().values()) == {"closed"}, "refusing is no failure of the node"


@pytest.mark.sockets
async def test_a_host_that_refuses_a_simulation_by_http_status_rehearses_by_estimates(reader_of):
    async def refused(_request, questions, _answers):
        if questions[0]["method"] != "eth_simulateV1":
            return None
        error = {"code": -32600, "message": "Unsupported method: eth_simulateV1"}
        said = {"jsonrpc": "2.0", "id": questions[0]["id"], "error": error}
        return web.json_response(said, status=400)

    async with proxied(node) as proxy:
        proxy.fault = refused
        assert await tried(reader_of(proxy), listing=False) == Tried(USED_GAS)


@pytest.mark.sockets
async def test_one_refused_simulation_does_not_end_them_for_good(reader_of):
    async with proxied(node) as proxy:
        proxy.fault = refusing("eth_simulateV1", code=-32603)
        reader = reader_of(proxy)
        assert await tried(reader, listing=False) == Tried(USED_GAS)
        proxy.fault = None
        for _ in range(simulation._ESTIMATES - 1):
            proxy.forget()
            assert await tried(reader, listing=False) == Tried(USED_GAS)
            assert "eth_simulateV1" not in proxy.methods, "it is not asked each time"
        assert await tried(reader, listing=False) == Tried(125_000)


@pytest.mark.sockets
async def test_a_node_that_tries_nothing_at_all_is_given_up_in_time(monkeypatch):
    """It is asked again and again meanwhile, and no number of times makes it simulate."""
    monkeypatch.setattr(simulation, "_ESTIMATES", 2)
    often = Patience(deadline_s=2.0, wait_s_first=0.01, wait_s_max=0.01, jitter_s=0.0)
    async with proxied(node) as proxy:
        proxy.fault = refusing("eth_simulateV1", "eth_estimateGas", code=-32004)
        reader = client_for(proxy.url, patience=often)
        with pytest.raises(UnreachableError):
            await tried(reader, listing=False)
        assert proxy.methods.count("eth_simulateV1") == 1
        await reader.close()


@pytest.mark.sockets
async def test_what_one_node_does_not_serve_is_asked_of_the_others_all_the_same(reader_of):
    async with proxied(node) as old, proxied(node) as good:
        reader = reader_of(old, good)
        old.fault = refusing("eth_simulateV1")
        assert await tried(reader, listing=False) == Tried(USED_GAS)
        old.fault = status(503)
        assert await tried(reader, listing=False) == Tried(125_000)
        assert good.methods == ["eth_simulateV1"]
        old.fault = refusing("eth_simulateV1")
        assert await tried(reader, listing=False) == Tried(USED_GAS)
        assert old.methods.count("eth_simulateV1") == 1


@pytest.mark.sockets
async def test_a_good_node_simulates_although_another_that_stood_in_for_it_does_not(reader_of):
    async with proxied(node) as good, proxied(node) as old:
        reader = reader_of(good, old)
        old.fault = refusing("eth_simulateV1")
        for fault, found in ((None, 125_000), (status(503), USED_GAS), (None, 125_000)):
            good.fault = fault
            assert await tried(reader, listing=False) == Tried(found)


@pytest.mark.sockets
@pytest.mark.parametrize(
    "fault", [status(400), status(500), dropped, delayed(9), whole_batch_refused]
)
async def test_a_node_that_always_fails_over_the_list_is_asked_without_from_then_on(
    reader_of, fault, monkeypatch
):
    monkeypatch.setattr(simulation, "_LISTED_S", 0.2)
    async with proxied(node) as proxy:
        proxy.fault = spoilt_by_list(fault)
        reader = reader_of(proxy)
        for _ in range(3):
            assert await tried(reader) == Tried(125_000)
        proxy.forget()
        assert await tried(reader) == Tried(125_000)
        assert (proxy.requests, proxy.methods) == (1, ["eth_simulateV1"])


@pytest.mark.sockets
async def test_a_node_that_fails_over_a_list_now_and_then_goes_on_to_propose_some(reader_of):
    async with proxied(node) as proxy:
        reader = reader_of(proxy)
        for _ in range(4):
            proxy.fault = spoilt_by_list(dropped)
            for _ in range(2):
                assert await tried(reader) == Tried(125_000)
            proxy.fault = None
            assert await tried(reader) == Tried(125_000, LISTED)


@pytest.mark.sockets
async def test_a_node_that_is_down_is_asked_for_lists_again_when_it_is_back(reader_of):
    async with proxied(node) as proxy:
        proxy.fault = status(503)
        reader = reader_of(proxy)
        with pytest.raises(UnreachableError):
            await tried(reader)
        proxy.fault = None
        assert await tried(reader) == Tried(125_000, LISTED)


@pytest.mark.sockets
async def test_what_would_revert_is_said_at_once_with_or_without_a_list(reader_of):
    async with proxied(node) as proxy:

        async def reverting(_request, questions, answers):
            for question, found in zip(questions, answers, strict=True):
                if question["method"] == "eth_simulateV1":
                    found["result"][0]["calls"][0]["status"] = "0x0"

        proxy.fault = reverting
        with pytest.raises(RevertedError):
            await tried(reader_of(proxy))
        assert proxy.requests == 1
