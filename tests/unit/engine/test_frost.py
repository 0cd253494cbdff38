"""A frozen market is said and waited on; it never ends a turn, and what can be done is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from tests import short_worlds, worlds
from tests.limits import TIMING, limits
from tests.worlds import USDC, WETH, view

from leverd.agents.guardian import Guardian, Params
from leverd.agents.leverage_loop import LeverageLoop
from leverd.agents.leverage_loop import Params as LoopParams
from leverd.domain.decision import SetLeverage, Unwind
from leverd.domain.events import AlertRaised
from leverd.domain.tick_math import sqrt_ratio_at_tick
from leverd.engine import planner
from leverd.engine.book import Page
from leverd.engine.turn import Seat, terms_of, turn
from leverd.engine.watchman import FROZEN, Watchman
from leverd.risk.frost import frozen
from leverd.risk.gate import Approved

SEATS = (
    Seat(Guardian(Params()), guards=True),
    Seat(LeverageLoop(LoopParams.model_validate(
        {"target": "2.2", "boost_below": "1.9", "repay_above": "2.5", "change_min": "0.1",
         "wait_s_min": 0, "cost_share_max": "0.9"})), guards=False),
)  # fmt: skip
LONG = {
    "calm": worlds.at_leverage("2.2"),
    "idle": worlds.state(idle=10),
    "low": worlds.at_leverage("1.5"),
    "high": worlds.at_leverage("3.4"),
}
SHORT = {
    "calm": short_worlds.at_leverage("2.2"),
    "idle": short_worlds.short(idle=30_000),
    "low": short_worlds.at_leverage("1.5"),
    "high": short_worlds.at_leverage("2.9"),
}
FROSTS = {
    "paused": {"paused": True},
    "inactive": {"active": False},
    "frozen": {"frozen": True},
    "supply cap": {"supply_cap": 1},
    "borrow cap": {"borrow_cap": 1},
    "no borrowing": {"borrowing_enabled": False},
}


def icy(of, asset, **params):
    reserve = of.market.reserves[asset]
    bad = replace(reserve, params=replace(reserve.params, **params))
    return replace(
        of, lending={"aave": replace(of.market, reserves={**of.market.reserves, asset: bad})}
    )


def dry(of):
    return replace(of, pools={"weth-usdc": worlds.pool(depth=0)})


def lent_out(of, asset):
    reserve = replace(of.market.reserves[asset], available=0)
    return replace(
        of, lending={"aave": replace(of.market, reserves={**of.market.reserves, asset: reserve})}
    )


def _icy(asset, params, of):
    return icy(of, asset, **params)


ICED = {
    **{f"{name}, {asset.symbol}": partial(_icy, asset, params)
       for name, params in FROSTS.items() for asset in (WETH, USDC)},
    "dry pool": dry,
    "all ether lent out": lambda of: lent_out(of, WETH),
    "all dollars lent out": lambda of: lent_out(of, USDC),
}  # fmt: skip


@pytest.mark.parametrize("ice", ICED)
@pytest.mark.parametrize("world", [LONG, SHORT], ids=["long", "short"])
@pytest.mark.parametrize("how", [{"atomic": True}, {"atomic": False},
                                 {"atomic": False, "plain": True}])  # fmt: skip
def test_no_frost_ends_a_turn(ice, world, how):
    for of in world.values():
        seen = view(ICED[ice](of), **how)
        found = turn(seen, SEATS, limits(), TIMING, age_s=0)
        terms = terms_of(seen, limits(), TIMING)
        for wish in (SetLeverage("a", Decimal("2.4"), ""), SetLeverage("a", Decimal("1.2"), ""),
                     Unwind("a", "")):  # fmt: skip
            planner.plan(wish, seen, terms)
        assert found.decision is not None


@pytest.mark.parametrize("world", [LONG, SHORT], ids=["long", "short"])
@pytest.mark.parametrize("state", ["idle", "high"])
def test_a_thawed_market_is_acted_in(world, state):
    """The liveness twin."""
    bounds = limits(cost_share_max=Decimal("0.9"))
    found = turn(view(world[state]), SEATS, bounds, TIMING, age_s=0)
    assert isinstance(found.verdict, Approved)
    assert frozen(found.view) == ""


@pytest.mark.parametrize("world", [LONG, SHORT], ids=["long", "short"])
def test_what_stands_in_the_way_is_named(world):
    held = world["calm"]
    mandate = held.position.mandate
    posted, owed = mandate.collateral, mandate.debt
    said = {
        f"{owed.symbol} is paused": icy(held, owed, paused=True),
        f"{posted.symbol} is paused": icy(held, posted, active=False),
        f"{posted.symbol} is frozen": icy(held, posted, frozen=True),
        f"the supply cap of {posted.symbol}": icy(held, posted, supply_cap=1),
        f"no more {owed.symbol} can be borrowed": icy(held, owed, borrow_cap=1),
        f"all {posted.symbol} is lent out": lent_out(held, posted),
        "the pool weth-usdc gives nothing": dry(held),
    }
    for words, of in said.items():
        assert words in frozen(view(of))
    assert "no more" in frozen(view(icy(held, owed, borrowing_enabled=False)))
    assert "no more" in frozen(view(lent_out(held, owed)))


def test_a_supply_cap_is_reached_with_its_last_unit():
    """1,100,000 WETH are supplied."""
    assert "the supply cap of WETH" in frozen(view(icy(LONG["calm"], WETH, supply_cap=1_100_000)))
    assert frozen(view(icy(LONG["calm"], WETH, supply_cap=1_100_001))) == ""


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_pool_that_only_takes_one_of_the_two_trades_no_more(side):
    """All of what the other holds is sold: what is left lies on one side of the price."""
    held = LONG["calm"]
    whole = held.pools["weth-usdc"]
    near = whole.tick // 10 * 10 + (10 if side == "above" else 0)
    edge = 887_220
    low, high = (near, edge) if side == "above" else (-edge, near)
    ticks = ((low, whole.liquidity), (high, -whole.liquidity))
    half = replace(whole, ticks=ticks, liquidity=whole.liquidity if side == "below" else 0)
    if side == "below":
        half = replace(half, sqrt_price=sqrt_ratio_at_tick(near) - 1, tick=near - 1)
    seen = view(replace(held, pools={"weth-usdc": half}))
    assert "the pool weth-usdc gives nothing" in frozen(seen)


def test_a_paused_debt_can_still_not_be_repaid_and_a_capped_one_can():
    paused = turn(view(icy(LONG["high"], USDC, paused=True)), SEATS, limits(), TIMING, age_s=0)
    assert not isinstance(paused.verdict, Approved)
    capped = turn(view(icy(LONG["high"], USDC, borrow_cap=1)), SEATS, limits(), TIMING, age_s=0)
    assert isinstance(capped.verdict, Approved)


class Told:
    def __init__(self):
        self.heard: list[AlertRaised] = []

    def notify(self, alert):
        self.heard.append(alert)


def test_a_frost_is_said_once_and_again_when_it_comes_back():
    told = Told()
    watchman = Watchman(told)
    warm, cold = view(LONG["calm"]), view(icy(LONG["calm"], USDC, paused=True))
    for seen in (warm, cold, cold, cold, warm, cold):
        watchman.watched("loop", seen, limits(), Page(), ())
    frosts = [alert for alert in told.heard if alert.code == FROZEN]
    assert len(frosts) == 2
    assert {alert.position_id for alert in frosts} == {"loop"}
    assert "USDC is paused" in frosts[0].message
