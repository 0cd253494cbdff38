"""Several nodes: a dead one, one that lags, one on a fork, and one alone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from aiohttp import web
from tests.evm.proxy import proxied
from tests.evm.worlds import PATIENT, SystemClock

from leverd.adapters.evm import client as evm_client
from leverd.adapters.evm.client import EvmClient
from leverd.interfaces.breaker import Circuit
from leverd.interfaces.chain_client import Head

ME = "0x" + "11" * 20
_ZERO = "0x" + "00" * 32


class Node:
    """A scripted node: its chain is a list of block hashes."""

    def __init__(self, *, height=10, fork_at=None, nonce=7):
        self.height, self.fork_at, self.nonce = height, fork_at, nonce
        self.asked = 0

    def hash_of(self, number):
        side = "f" if self.fork_at is not None and number >= self.fork_at else "a"
        return "0x" + side * 56 + f"{number:08x}"

    def header(self, number):
        return {
            "number": hex(number),
            "hash": self.hash_of(number),
            "parentHash": self.hash_of(number - 1),
            "timestamp": hex(1_700_000_000 + 12 * number),
            "baseFeePerGas": hex(10**9),
            "gasLimit": hex(30_000_000),
            "gasUsed": hex(15_000_000),
            "stateRoot": _ZERO,
        }

    def answer(self, method, params):
        self.asked += 1
        match method:
            case "eth_chainId":
                return hex(1)
            case "eth_getBlockByNumber":
                number = self.height if params[0] == "latest" else int(params[0], 16)
                return self.header(number) if number <= self.height else None
            case "eth_getTransactionCount":
                return hex(self.nonce)
            case _:
                raise AssertionError(method)


class Ahead(SystemClock):
    """The machine's time, and what it is set ahead by."""

    def __init__(self):
        self.ahead = 0.0

    def monotonic(self):
        return super().monotonic() + self.ahead


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """On a busy machine a second opinion takes longer than it may cost an owner."""
    monkeypatch.setattr(evm_client, "_WITNESS_S", 15.0)


async def among(nodes, scene, *, dead=(), clock=None, patience=PATIENT):
    """Run `scene` with a client of `nodes`; those in `dead` answer nothing."""

    async def gone(_request, _questions, _answers):
        return web.Response(status=503)

    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(proxied(node.answer)) for node in nodes]
        for index in dead:
            proxies[index].fault = gone
        client = EvmClient(
            [proxy.url for proxy in proxies],
            clock=clock or SystemClock(),
            chain_id=1,
            patience=patience,
        )
        try:
            return await scene(client, proxies)
        finally:
            await client.close()


async def agreement(client, _proxies) -> tuple[Head, int]:
    head = await client.head()
    return head, await client.witnesses(head, ME, 7)


def test_nodes_that_name_the_same_head_and_nonce_agree():
    _, agree = asyncio.run(among([Node(), Node(), Node()], agreement))

    assert agree == 3


def test_a_node_left_alone_does_not_agree_with_itself():
    """The first is dead and the second answers: it is one source, however often it is asked."""
    _, agree = asyncio.run(among([Node(), Node()], agreement, dead=[0]))

    assert agree == 1


def test_a_node_on_a_fork_and_one_with_another_nonce_do_not_agree():
    _, forked = asyncio.run(among([Node(), Node(fork_at=9)], agreement))
    _, counted = asyncio.run(among([Node(), Node(nonce=8)], agreement))

    assert (forked, counted) == (1, 1)


def test_with_every_node_dead_but_one_it_still_answers():
    head, agree = asyncio.run(among([Node()] * 2 + [Node(height=12)], agreement, dead=[0, 1]))

    assert (head.number, agree) == (12, 1)


def test_a_node_that_lags_is_asked_last_from_then_on():
    async def scene(client, _proxies):
        first, _ = await agreement(client, _proxies)
        return first.number, (await client.head()).number, client.circuits()

    first, second, circuits = asyncio.run(among([Node(height=10), Node(height=14)], scene))

    assert (first, second) == (10, 14)
    assert sorted(circuits.values()) == [Circuit.CLOSED, Circuit.OPEN]


def test_a_node_one_block_later_does_not_lag():
    async def scene(client, _proxies):
        await agreement(client, _proxies)
        return (await client.head()).number, set(client.circuits().values())

    assert asyncio.run(among([Node(height=10), Node(height=11)], scene)) == (10, {Circuit.CLOSED})


def test_a_longer_chain_that_denies_our_head_displaces_nobody():
    """A liar far ahead on a chain of its own: the head we have is not in it."""

    async def scene(client, _proxies):
        await agreement(client, _proxies)
        return (await client.head()).number

    assert asyncio.run(among([Node(height=10), Node(height=90, fork_at=5)], scene)) == 10


def test_a_breaker_opens_tries_again_and_closes():
    clock = Ahead()

    async def scene(client, proxies):
        states = []
        for _ in range(4):
            await client.head()
            states.append(next(iter(client.circuits().values())))
        proxies[0].fault = None
        clock.ahead = 601.0
        states.append(next(iter(client.circuits().values())))
        await client.head()
        states.append(next(iter(client.circuits().values())))
        return states

    slow = replace(PATIENT, wait_s_first=600, wait_s_max=600)
    states = asyncio.run(among([Node(), Node()], scene, dead=[0], clock=clock, patience=slow))

    assert states[0] == Circuit.CLOSED
    assert states[3] == Circuit.OPEN
    assert states[4:] == [Circuit.HALF_OPEN, Circuit.CLOSED]
