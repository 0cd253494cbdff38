"""Whatever a private relay does, each step happens once, and in time."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from tests.e2e.market_day import devnet, stage
from tests.e2e.relay import SEND, WRAPPED, relay_before

from leverd.domain.plan_events import PlanCompleted
from leverd.domain.slot_events import AttemptPublished, AttemptSigned, SlotIncluded

__all__ = ["devnet", "stage"]

pytestmark = pytest.mark.chain

NEAR = Decimal("0.02")


def opened(stage, manner, method=SEND):
    """Open the loop through a relay of that manner; return the relay."""

    async def play():
        async with relay_before(stage.devnet.url, manner) as (relay, url):
            chain = {"relay": url, "relay_blocks": 2, "relay_method": method}
            done = stage.devnet.driver.now + 1_200
            await stage.play(
                until=lambda _: (
                    bool(stage.events(PlanCompleted)) or stage.devnet.driver.now >= done
                ),
                chain=chain,
            )
            return relay

    return asyncio.run(play())


def check_once(stage):
    assert abs(stage.truth().leverage - Decimal("2.5")) < NEAR
    included = [each for each in stage.events(SlotIncluded) if each.succeeded]
    assert len(included) == stage.truth().sequence == len(stage.operator_hashes()) == 1


@pytest.mark.parametrize("method", [SEND, WRAPPED])
def test_an_honest_relay_is_enough_and_nobody_else_is_shown_it(stage, method):
    relay = opened(stage, "honest", method)

    check_once(stage)
    assert relay.methods == [method]
    assert stage.events(AttemptPublished) == []


@pytest.mark.parametrize("manner", ["swallows", "lies", "late", "dead"])
def test_a_relay_that_fails_costs_blocks_and_nothing_else(stage, manner):
    opened(stage, manner)

    check_once(stage)
    (shown,) = stage.events(AttemptPublished)
    (signed,) = stage.events(AttemptSigned)
    assert signed.way == "relay"
    assert shown.tx_hash == signed.tx_hash
    assert ("not seen" in shown.reason) == (manner == "swallows")
