"""A start that finds something wrong with one position guards the levered one beside it."""

from __future__ import annotations

import asyncio

import pytest
from tests.e2e.stage import POSITION, ROOMY, merged
from tests.e2e.test_many_positions import SHORT, _both, _debt, _kept, stage

from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import left_out, service
from leverd.bootstrap.daemon import Care
from leverd.cli.given import settings_of
from leverd.domain.events import AlertRaised, TradingStateChanged
from leverd.domain.view import TradingState
from leverd.errors import OwnerError

__all__ = ["stage"]

pytestmark = pytest.mark.chain

NOBODY = "0x" + "12" * 20
NO_POOL = {"kind": "uniswap_v3", "tokens": ["WETH", "USDC"], "fee": 10_000}


def _revoked(stage, _settings):
    deployment = stage.deployment
    account, owner = deployment.accounts[SHORT], deployment.roles.owner
    stage.devnet.chain.send(owner, account, "set_operator(address)", NOBODY, gas=200_000)
    stage.devnet.step()


def _of_nobody(_stage, settings):
    settings["positions"][SHORT]["account"] = NOBODY


def _without_a_pool(_stage, settings):
    settings["venues"] = {"none": NO_POOL}
    settings["positions"][SHORT]["pool"] = "none"


WRONG = {
    "its account is another key's": (_revoked, "LVD-OWN-062", {POSITION, SHORT}),
    "its account is nobody's": (_of_nobody, "LVD-OWN-062", {POSITION}),
    "its pool is none": (_without_a_pool, "LVD-CHN-008", {POSITION}),
}


@pytest.mark.parametrize("why", WRONG)
async def test_one_that_is_wrong_is_said_and_the_levered_one_is_guarded(why, stage):
    happens, code, looked_at = WRONG[why]
    settings = _both(stage)
    await stage.play(until=lambda _: _kept(stage) == {POSITION, SHORT}, **settings)
    happens(stage, settings)
    before, seen, turns = len(stage.events()), set(), 0

    def until(opened) -> bool:
        nonlocal turns
        turns += 1
        seen.update(opened.daemon._views)
        return bool(turns > 3)

    await stage.play(until=until, **settings)
    said = stage.events()[before:]
    alerts = [each for each in said if isinstance(each, AlertRaised)]
    changed = [each for each in said if isinstance(each, TradingStateChanged)]
    (alert,) = (each for each in alerts if each.code == "LVD-GRD-004")
    assert alert.position_id == SHORT
    assert code in alert.message
    assert seen == looked_at
    lowered = {SHORT: TradingState.REDUCING} if SHORT in looked_at else {}
    assert {each.position_id: each.state for each in changed} == lowered


async def test_alone_it_is_refused_with_its_own_error(stage):
    settings = _both(stage)
    _of_nobody(stage, settings)
    with pytest.raises(OwnerError, match="neither a contract") as refused:
        await stage.play(seconds=60, **settings)
    assert refused.value.code == "LVD-OWN-062"
    assert _debt(stage, POSITION) == 0


async def test_one_that_was_left_out_is_had_as_soon_as_it_can_be_read(stage, monkeypatch):
    sections = _both(stage)
    await stage.play(until=lambda _: _kept(stage) == {POSITION, SHORT}, **sections)
    _without_a_pool(stage, sections)
    settings = settings_of(stage.files(**merged(sections, {"memory": ROOMY})))
    ending, had = asyncio.Event(), asyncio.Event()
    opened = await service.begun(settings, stage.clock, service.Start(60), ending, Care())
    assert opened is not None
    monkeypatch.setattr(left_out, "AGAIN_S", 0.05)
    try:
        assert left_out.names(settings, opened) == [SHORT]
        async with left_out.until(had, settings, opened, ending, SystemClock()) as over:
            await asyncio.sleep(2)
            assert not over.is_set()
            _make_the_pool(stage)
            await asyncio.wait_for(over.wait(), 60)
        assert had.is_set()
        assert not ending.is_set()
    finally:
        await opened.close()


def _make_the_pool(stage):
    deployment = stage.deployment
    tokens = (deployment.tokens[symbol].address for symbol in NO_POOL["tokens"])
    signature, owner = "createPool(address,address,uint24)", deployment.roles.owner
    stage.devnet.chain.send(
        owner, deployment.factory, signature, *tokens, NO_POOL["fee"], gas=6_000_000
    )
    stage.devnet.step()
