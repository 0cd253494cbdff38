"""Everything wrong with the settings' addresses is named at once, and nothing is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_account import Account
from tests.chain import LocalMarket, local, market
from tests.evm.accounts import deploy_account
from tests.evm.proxy import proxied
from tests.evm.worlds import KEY, USDC, WETH, client_for, config_for, mandate_of

from leverd.adapters.evm import batch, preflight
from leverd.adapters.evm.aave.functions import RESERVE_DATA
from leverd.adapters.evm.aave.reserves import unmodelled
from leverd.adapters.evm.config import EvmVenueConfig, LendingVenue, Token
from leverd.adapters.evm.findings import Severity
from leverd.domain.money import Asset

pytestmark = pytest.mark.chain
__all__ = ["local", "market"]  # fixtures

ME = Account.from_key(KEY).address
NOWHERE = "0x" + "99" * 20


async def found_on(local: LocalMarket, config: EvmVenueConfig, *mandates) -> list[tuple[str, str]]:
    async with proxied(local.url) as proxy:
        client = client_for(proxy.url, chain_id=config.chain_id)
        try:
            findings = await preflight.check(config, client, ME, mandates)
        finally:
            await client.close()
        assert "eth_sendRawTransaction" not in proxy.methods
    assert all(finding.error.remedy for finding in findings)
    return [(finding.code, finding.error.place) for finding in findings]


@pytest.fixture
def good(local) -> EvmVenueConfig:
    made = deploy_account(local, ME)
    local.node.rpc.ask("anvil_setBalance", ME, hex(10**18))
    return config_for(
        local, accounts=(made.address,), account_code_hashes=frozenset({made.code_hash})
    )


async def test_good_settings_have_no_findings(local, good):
    assert await found_on(local, good, mandate_of(good.accounts[0])) == []


async def test_a_wrong_chain_is_the_first_and_only_finding(local, good):
    found = await found_on(local, replace(good, chain_id=1))
    assert [code for code, _ in found] == ["LVD-CHN-001"]


async def test_a_node_that_tries_no_call_is_noted_and_nothing_else_is_wrong(local, good):
    async def refusing(_request, questions, answers):
        for question, answer in zip(questions, answers, strict=True):
            if question["method"] in {"eth_simulateV1", "eth_estimateGas"}:
                answer.pop("result", None)
                answer["error"] = {"code": -32004, "message": "method not supported"}

    async with proxied(local.url) as proxy:
        proxy.fault = refusing
        client = client_for(proxy.url, chain_id=good.chain_id)
        try:
            (finding,) = await preflight.check(good, client, ME)
        finally:
            await client.close()
    assert (finding.severity, finding.code) == (Severity.NOTE, "LVD-CHN-015")
    assert finding.error.remedy


async def test_a_debt_that_is_borrowed_alone_is_noted(local, good):
    mandate = mandate_of(good.accounts[0])
    siloed = (1 << 62, 1 << 212, 0)
    assert [unmodelled(bits) for bits in siloed] == [(False, True), (True, False), (False, False)]

    async def apart(_request, questions, answers):
        """Say of every reserve that it has a debt ceiling and is siloed."""
        for question, answer in zip(questions, answers, strict=True):
            data = question["params"][0].get("data", "") if question["method"] == "eth_call" else ""
            if RESERVE_DATA.selector.hex() in data:
                answer["result"] = _marked(answer["result"], data)

    async with proxied(local.url) as proxy:
        client = client_for(proxy.url, chain_id=good.chain_id)
        try:
            assert await preflight.check(good, client, ME, [mandate]) == []
            proxy.fault = apart
            findings = await preflight.check(good, client, ME, [mandate])
        finally:
            await client.close()
    assert [(each.severity, each.code, each.error.place) for each in findings] == [
        (Severity.NOTE, "LVD-CHN-016", f"positions.eth-loop.{part}")
        for part in ("collateral", "debt")
    ]


def _marked(result: str, data: str) -> str:
    """Return a batch's answer with both marks in each reserve's configuration."""
    count = int(data[2 + 8 + 64 : 2 + 8 + 128], 16)
    replies = batch.decode(bytes.fromhex(result[2:]), count)
    changed = []
    for reply in replies:
        word = reply.data
        if len(word) == 15 * 32:
            bits = int.from_bytes(word[:32]) | 1 << 62 | 1 << 212
            word = bits.to_bytes(32) + word[32:]
        changed.append((reply.succeeded, word))
    return "0x" + encode(("(bool,bytes)[]",), (changed,)).hex()


async def test_every_address_without_code_is_named_by_its_setting(local, good):
    tokens = tuple(replace(token, address=NOWHERE) for token in good.tokens[:2])
    broken = replace(
        good,
        tokens=(*tokens, good.tokens[2]),
        lending=(LendingVenue("aave", NOWHERE),),
        pools=(replace(good.pools[0], factory=NOWHERE, quoter=NOWHERE), good.pools[1]),
    )
    assert await found_on(local, broken) == [
        ("LVD-CHN-002", f"tokens.{tokens[0].asset.symbol}"),
        ("LVD-CHN-002", f"tokens.{tokens[1].asset.symbol}"),
        ("LVD-CHN-002", "venues.aave.provider"),
        ("LVD-CHN-002", "venues.weth-usdc-500.factory"),
        ("LVD-CHN-002", "venues.weth-usdc-500.quoter"),
    ]


async def test_wrong_decimals_are_named_with_the_right_ones(local, good):
    off = Asset("USDC", 18)
    tokens = tuple(
        Token(off, token.address) if token.asset == USDC else token for token in good.tokens
    )
    pools = (replace(good.pools[0], tokens=(WETH, off)), good.pools[1])
    found = await found_on(local, replace(good, tokens=tokens, pools=pools))
    assert ("LVD-CHN-007", "tokens") in found


async def test_a_pool_the_factory_does_not_know_is_named(local, good):
    pools = (replace(good.pools[0], fee=3_000), good.pools[1])
    assert await found_on(local, replace(good, pools=pools)) == [("LVD-CHN-008", "weth-usdc-500")]


async def test_a_provider_that_is_another_contract_is_named(local, good):
    other = replace(good, lending=(LendingVenue("aave", local.token("WETH")),))
    assert [code for code, _ in await found_on(local, other)] == ["LVD-CHN-005"]


async def test_foreign_code_means_reducing_and_a_foreign_operator_an_error(local, good):
    assert [
        code for code, _ in await found_on(local, replace(good, account_code_hashes=frozenset()))
    ] == ["LVD-CHN-012"]
    theirs = deploy_account(local, local.deployment.roles.operator)
    config = replace(
        good, accounts=(theirs.address,), account_code_hashes=frozenset({theirs.code_hash})
    )
    assert await found_on(local, config) == [("LVD-OWN-062", "positions")]


async def test_an_account_that_is_nobody_is_named_and_our_own_address_is_fine(local, good):
    assert await found_on(local, replace(good, accounts=(NOWHERE,))) == [
        ("LVD-OWN-062", "positions")
    ]
    assert await found_on(local, replace(good, accounts=(ME,)), mandate_of(ME)) == []


async def test_what_the_owner_does_not_allow_is_named_by_its_setting(local, good):
    mandate = mandate_of(good.accounts[0], pool="wsteth-weth-100", emode=3)
    assert await found_on(local, good, mandate) == [
        ("LVD-OWN-065", "positions.eth-loop.pool"),
        ("LVD-OWN-065", "positions.eth-loop.emode"),
    ]


async def of_whom(local: LocalMarket, config: EvmVenueConfig, *mandates):
    """Return each finding's code, whom it is about, and whether they can be looked at."""
    client = client_for(local.url, chain_id=config.chain_id)
    try:
        findings = await preflight.check(config, client, ME, mandates)
    finally:
        await client.close()
    return [(each.code, each.positions, each.watchable) for each in findings]


async def test_what_is_wrong_with_one_account_is_about_its_position_alone(local, good):
    theirs = deploy_account(local, local.deployment.roles.operator)
    config = replace(good, accounts=(good.accounts[0], theirs.address, NOWHERE))
    mine = mandate_of(good.accounts[0], pool="wsteth-weth-100")
    other = replace(mandate_of(theirs.address), position_id="other")
    nobody = replace(mandate_of(NOWHERE), position_id="nobody")
    assert await of_whom(local, config, mine, other, nobody) == [
        ("LVD-OWN-062", frozenset({"other"}), True),
        ("LVD-OWN-062", frozenset({"nobody"}), False),
        ("LVD-OWN-065", frozenset({"eth-loop"}), True),
    ]
    assert await of_whom(local, config, mandate_of(good.accounts[0])) == [
        ("LVD-OWN-062", frozenset(), True),
        ("LVD-OWN-062", frozenset(), False),
    ]


async def test_what_is_wrong_with_a_venue_or_a_token_is_about_who_uses_it(local, good):
    mine = mandate_of(good.accounts[0])
    other = replace(mine, position_id="other", pool="wsteth-weth-100")
    pools = (good.pools[0], replace(good.pools[1], fee=3_000))
    assert await of_whom(local, replace(good, pools=pools), mine, other) == [
        ("LVD-CHN-008", frozenset({"other"}), False)
    ]
    broken = tuple(replace(token, address=NOWHERE) for token in good.tokens)
    found = await of_whom(local, replace(good, tokens=broken), mine, other)
    symbols = [token.asset.symbol for token in broken]
    whose = dict(zip(symbols, [one for _, one, _ in found], strict=True))
    assert whose["WETH"] is None  # gas is priced in it
    assert whose["USDC"] == {"eth-loop", "other"}  # the debt of both
    assert whose["wstETH"] == {"other"}
    off = Asset("wstETH", 6)
    tokens = tuple(
        Token(off, token.address) if token.asset.symbol == "wstETH" else token
        for token in good.tokens
    )
    pools = (good.pools[0], replace(good.pools[1], tokens=(off, WETH)))
    odd = replace(other, collateral=off)
    assert await of_whom(local, replace(good, tokens=tokens, pools=pools), mine, odd) == [
        ("LVD-CHN-007", frozenset({"other"}), False)
    ]


async def test_a_key_without_gas_is_named(local, good):
    local.node.rpc.ask("anvil_setBalance", ME, "0x0")
    assert await found_on(local, good) == [("LVD-OWN-064", "key")]


async def test_an_unknown_revision_means_reducing(local, good, monkeypatch):
    from leverd.adapters.evm.aave import market as aave_market  # noqa: PLC0415 - patched here

    monkeypatch.setattr(aave_market, "_REVISIONS", {"aave-3.0": (99,)})
    client = client_for(local.url, chain_id=good.chain_id)
    findings = await preflight.check(good, client, ME)
    await client.close()
    assert [(one.code, one.severity) for one in findings] == [("LVD-CHN-011", Severity.REDUCING)]
