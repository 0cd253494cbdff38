"""Nodes say in many words that they keep a state no more; some in words that mean other things."""

from __future__ import annotations

import pytest
from aiohttp import web
from tests.chain import local, market
from tests.evm.proxy import proxied
from tests.evm.test_venue_on_chain import account_on, single
from tests.evm.worlds import BOUNDED, WETH, mandate_of, venue_for

from leverd.adapters.evm.revert_reasons import UNNAMED
from leverd.domain.plan import Supply
from leverd.errors import ForgottenError, NonsenseError, UnreachableError
from leverd.interfaces.venue import Inclusion, Order

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

OLD, YOUNG = 66, 5
"""Blocks behind the head."""


async def no_header(_request, questions, answers):
    for question, answer in zip(questions, answers, strict=True):
        if _is_pinned(question):
            answer.pop("result", None)
            answer["error"] = {"code": -32000, "message": "header not found"}


async def empty_state(_request, questions, answers):
    """An empty state holds no contracts: calls of them return nothing."""
    for question, answer in zip(questions, answers, strict=True):
        if _is_pinned(question):
            answer.pop("error", None)
            answer["result"] = "0x"


async def reverting(_request, questions, answers):
    for question, answer in zip(questions, answers, strict=True):
        if _is_pinned(question):
            answer.pop("result", None)
            answer["error"] = {"code": 3, "message": "execution reverted", "data": "0x"}


async def silent(_request, questions, _answers):
    return web.Response(status=503) if any(map(_is_pinned, questions)) else None


def _is_pinned(question):
    return question["method"] == "eth_call" and question["params"][1] not in ("latest", "pending")


def inclusion_at(local, depth) -> Inclusion:
    head = int(local.head()["number"], 16)
    block = local.node.rpc.ask("eth_getBlockByNumber", hex(head - depth), False)
    return Inclusion(
        "0x00",
        head - depth,
        block["hash"],
        int(block["timestamp"], 16),
        succeeded=True,
        reason="",
        gas_used=0,
        gas_price=0,
    )


@pytest.mark.parametrize("fault", [no_header, empty_state, reverting])
async def test_whatever_a_node_answers_about_an_old_block_it_has_forgotten_it(local, fault):
    for _ in range(OLD + 5):
        local.node.rpc.ask("evm_mine")
    looper = local.deployment.roles.looper
    async with proxied(local.url) as proxy:
        venue = venue_for(local, url=proxy.url, accounts=(looper,), patience=BOUNDED)
        mandate = mandate_of(looper)
        await venue.observe([mandate])
        proxy.fault = fault
        for past in (venue.state_before, venue.state_after):
            with pytest.raises(ForgottenError) as forgotten:
                await past(mandate, inclusion_at(local, OLD))
            assert forgotten.value.code == "LVD-CHN-013"
            with pytest.raises((UnreachableError, NonsenseError)) as young:
                await past(mandate, inclusion_at(local, YOUNG))
            assert not isinstance(young.value, ForgottenError), "it may only lag"
        proxy.fault = None
        assert (await venue.state_after(mandate, inclusion_at(local, YOUNG))).position.loan.debts
        await venue.close()


async def test_why_it_reverted_is_not_asked_for_ever_of_who_has_forgotten(local):
    async with account_on(local) as (venue, mandate):
        seen = await venue.observe([mandate])
        step = single(Supply("aave", WETH.amount(1)))
        bid = await venue.fees(urgency=0.0)
        order = Order(mandate, step, seen.nonce, 0, seen.stamp.at + 5, 400_000, bid)
        attempt = await venue.sign(order)
        await venue.send(attempt.payload)
        local.pass_time(12)
    async with proxied(local.url) as proxy:
        late = venue_for(local, url=proxy.url, patience=BOUNDED)
        proxy.fault = no_header
        with pytest.raises(UnreachableError):
            await late.look(seen.nonce, [attempt.tx_hash])
        for _ in range(OLD):
            local.node.rpc.ask("evm_mine")
        found = (await late.look(seen.nonce, [attempt.tx_hash])).inclusion
        assert found is not None
        assert (found.succeeded, found.reason) == (False, UNNAMED)
        await late.close()


async def test_a_node_that_does_not_answer_has_forgotten_nothing(local):
    for _ in range(OLD + 5):
        local.node.rpc.ask("evm_mine")
    looper = local.deployment.roles.looper
    async with proxied(local.url) as proxy:
        venue = venue_for(local, url=proxy.url, accounts=(looper,), patience=BOUNDED)
        await venue.observe([mandate_of(looper)])
        proxy.fault = silent
        with pytest.raises(UnreachableError):
            await venue.state_after(mandate_of(looper), inclusion_at(local, OLD))
        await venue.close()
