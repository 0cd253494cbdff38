"""The trader on a real Uniswap pool's word: from settings, over a gap, to the sale. On paper."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from tests.chain import LocalMarket, local, market
from tests.contract.reference_worlds import one_pool
from tests.evm.worlds import client_for
from tests.spots import ACCOUNT, SpotStage
from tests.unit.bootstrap.test_spot import opened, settings_at, trader_of
from tests.unit.settings.test_spot_settings import MISPRICING

from leverd.adapters.evm.pool_reference import Route, UniswapReference
from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import spot
from leverd.bootstrap.checks import Status
from leverd.bootstrap.spot_references import reference_checks
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotDecided, SpotOrderPlanned
from leverd.errors import NonsenseError

pytestmark = pytest.mark.chain

__all__ = ["local", "market"]  # fixtures


class Beside(SpotStage):
    """A book in memory whose blocks have the real chain's time; whoever waits gives it a moment."""

    def __init__(self, local: LocalMarket, price: str):
        self.local = None
        super().__init__(price=price)
        self.local = local
        self.exchange.at_ms = local.now() * 1000
        self.exchange.open("nobody", {})
        self.clock = Paced(self)

    def block(self):
        super().block()
        if self.local is not None:
            at = self.exchange.at_ms // 1000
            self.local.mine(at=max(at, self.local.now() + 1))


class Paced:
    """The book's time; a block a wait, and a moment in which others' answers may come."""

    def __init__(self, stage):
        self._stage, self._inner = stage, stage.clock

    def now(self):
        return self._inner.now()

    def monotonic(self):
        return self._inner.monotonic()

    async def sleep(self, seconds):
        await asyncio.sleep(0.02)
        await self._inner.sleep(min(seconds, 1))


def settings_for(folder, local: LocalMarket):
    deployment = local.deployment
    tokens = "\n".join(f'          - "{local.token(symbol)}"' for symbol in ("WETH", "USDC"))
    edits = (
        MISPRICING,
        ("chain_id: 1\n", f"chain_id: {deployment.chain_id}\n"),
        ("rpc: [https://node.example]", f"rpc: [{local.url}]"),
        ('"0x1F98431c8aD98523631AE4a59f267346ea31F984"', f'"{deployment.factory}"'),
        ('          - "0xe28b3B32B6c345A34Ff64674606124Dd5Aceca30"\n', ""),
        ('          - "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"\n', ""),
        ('          - "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"', tokens),
        ("fees: [3000, 500] ", "fees: [500] "),
        ("update_interval_s: 60 ", "update_interval_s: 1 "),
        ("cooldown_s: 600 ", "cooldown_s: 5 "),
    )
    return settings_at(folder, *edits)


async def lived(stage, settings, until):
    """Open the trader as a start does, and run it until what it remembers is as wanted."""
    begun = opened(stage)
    trading = trader_of(settings, begun, stage.clock)
    last = stage.exchange.height + 1_000
    stage.stop = asyncio.Event()
    stage.until = lambda: until(stage.spot) or stage.exchange.height >= last
    circuits = begun.feeds.circuits()
    try:
        await trading.run(stage.stop)
    finally:
        stage.until = None
        await begun.feeds.close()
    assert stage.exchange.height < last, "it never came to it"
    return circuits


async def test_a_gap_to_a_real_pool_is_bought_survives_a_restart_and_is_sold(
    local, tmp_path, monkeypatch
):
    standing = local.pool_price()
    stage = Beside(local, str(round(Decimal(standing.numerator) / standing.denominator, 2)))
    real = SimulatedSpot(stage.exchange, "nobody")
    monkeypatch.setattr(spot, "_injective", lambda *_: real)
    settings = settings_for(tmp_path, local)

    async with one_pool(local) as pool:
        circuits = await lived(stage, settings, lambda book: code(stage) == "unprofitable")
        assert [name for name in circuits if name.startswith("uniswap rpc ")]
        assert stage.events(SpotOrderPlanned) == []

        pool.buy(Fraction(103, 100))  # somebody really buys, and lifts the pool above the book
        await lived(stage, settings, lambda book: book.base > 0 and book.order is None)
        bought = [each for each in stage.events(SpotDecided) if each.decision == "enter"][-1]
        (told,) = bought.heard
        exact = await pool.reference(size=100 * WAD, error=WAD // 500).look()
        assert (told.quote.bid, told.quote.middle, told.quote.ask) == (
            exact.bid,
            exact.middle,
            exact.ask,
        )
        assert (told.quote.source, told.quote.block > 0, told.against) == ("uniswap", True, "")
        assert stage.price != "0"
        assert Decimal(stage.price) * WAD < bought.fair < exact.middle
        held = stage.spot.base

    stage.price = str(round(Decimal(exact.middle) / WAD, 2))  # the book follows
    await lived(stage, settings, lambda book: book.base == 0 and book.order is None)
    assert stage.spot.realised > 0
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]
    assert stage.events(SpotOrderPlanned)[1].quantity == held
    assert stage.exchange.tills["nobody"].held == {}  # on paper: nothing of it was real
    assert stage.exchange.tills[ACCOUNT].held["inj"] == 0


def code(stage):
    said = stage.events(SpotDecided)
    return said[-1].code if said else ""


async def test_a_pool_that_dies_buys_nothing_more_and_guards_go_on(local, tmp_path, monkeypatch):
    standing = local.pool_price()
    middle = Decimal(standing.numerator) / standing.denominator
    stage = Beside(local, str(round(middle * Decimal("0.97"), 2)))
    monkeypatch.setattr(spot, "_injective", lambda *_: SimulatedSpot(stage.exchange, "nobody"))
    settings = settings_for(tmp_path, local)
    await lived(stage, settings, lambda book: book.base > 0 and book.order is None)

    blind = settings.model_copy(update={"spot": with_nodes(settings.spot, "http://127.0.0.1:9")})
    stage.price = str(round(middle * Decimal("0.90"), 2))
    await lived(stage, blind, lambda book: book.base == 0 and book.order is None)
    assert "below what it cost" in stage.events(SpotOrderPlanned)[-1].reason
    await lived(stage, blind, lambda book: code(stage) == "few_references")
    assert stage.told.codes == []


async def test_the_doctor_asks_each_venue_once_and_says_what_it_said(local, tmp_path):
    section = settings_for(tmp_path, local).spot

    async def found(section):
        return [each async for each in reference_checks(section, SystemClock())]

    (good,) = await found(section)
    assert (good.code, good.status) == ("spot-reference", Status.GOOD)
    assert good.place == "spot.mispricing.references.uniswap"
    assert f"block {int(local.head()['number'], 16)}" in good.message
    (bad,) = await found(with_nodes(section, "http://127.0.0.1:9"))
    assert (bad.code[:7], bad.status) == ("LVD-NET", Status.BAD)
    assert await found(section.model_copy(update={"agent": "signal_trader"})) == []


def with_nodes(section, *nodes):
    """Return the section with its reference at other nodes."""
    told = section.mispricing
    moved = told.references["uniswap"].model_copy(update={"rpc": nodes})
    return section.model_copy(
        update={"mispricing": told.model_copy(update={"references": {"uniswap": moved}})}
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"fees": (10_000,)}, "LVD-CHN-008"),
        ({"chain_id": 1}, "LVD-CHN-001"),
        ({"factory": "0x" + "11" * 20}, "LVD-CHN-003"),
        ({"tokens": ("0x" + "22" * 20, "0x" + "33" * 20)}, "LVD-CHN-003"),
    ],
)
async def test_a_route_that_is_none_is_named(local, changes, error):
    deployment = local.deployment
    given = {"chain_id": deployment.chain_id, **changes}
    chain_id = given.pop("chain_id")
    tokens = tuple(local.token(symbol) for symbol in ("WETH", "USDC"))
    route = replace(Route("here", deployment.factory, tokens, (500,), WAD, 0), **given)
    reference = UniswapReference(client_for(local.url, chain_id=chain_id), route)
    with pytest.raises(NonsenseError) as caught:
        await reference.look()
    assert caught.value.code == error
    await reference.close()


async def test_a_token_of_impossible_decimals_is_named(local, monkeypatch):
    tokens = tuple(local.token(symbol) for symbol in ("WETH", "USDC"))
    monkeypatch.setattr("leverd.adapters.evm.pool_reference._DECIMALS_MAX", 17)
    route = Route("here", local.deployment.factory, tokens, (500,), WAD, 0)
    reference = UniswapReference(client_for(local.url), route)
    with pytest.raises(NonsenseError) as caught:
        await reference.look()
    assert caught.value.code == "LVD-CHN-007"
    await reference.close()


async def test_pools_that_change_faster_than_they_are_read_are_named(local, monkeypatch):
    tokens = tuple(local.token(symbol) for symbol in ("WETH", "USDC"))
    route = Route("here", local.deployment.factory, tokens, (500,), WAD, 0)
    reference = UniswapReference(client_for(local.url), route)
    await reference.look()
    never = SimpleNamespace(complete=False, next=reference._known[0], pool=None)
    decoded = SimpleNamespace(calls=(), decode=lambda _: (never,))
    monkeypatch.setattr("leverd.adapters.evm.pool_reference.together", lambda _: decoded)
    with pytest.raises(NonsenseError, match="faster than they are read"):
        await reference.look()
    await reference.close()
