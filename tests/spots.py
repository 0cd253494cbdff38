"""A market of an order book in memory, somebody who trades on it, and what happens to both."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tests.predictions import HOUR, START, made, predicted

from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.simulated.price_reference import PoolWorld, SimulatedReference
from leverd.adapters.simulated.spot_exchange import SpotExchange
from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.agents.mispricing import Mispricing
from leverd.agents.signal_trader import SignalTrader
from leverd.domain.fair_value import FairTerms
from leverd.domain.fixed_point import WAD
from leverd.domain.money import Asset
from leverd.domain.pool import ConstantProductPool
from leverd.domain.prediction import Quantity
from leverd.domain.reference import ReferenceQuote
from leverd.domain.spot import Spot
from leverd.domain.spot_events import SpotEvent
from leverd.domain.spot_limits import SpotLimits
from leverd.engine.recorder import Recorder
from leverd.engine.spot_desk import SpotCharter, SpotDesk, SpotWorld
from leverd.engine.spot_references import SpotReferences
from leverd.interfaces.spot_agent import SpotView
from leverd.interfaces.spot_venue import Depth, Purse, SpotMarket

ACCOUNT, CHAIN = "inj1me", "injective-1"
NOW = START + HOUR
MARKET = SpotMarket(
    market_id="0x" + "ab" * 32,
    ticker="INJ/USDT",
    base="inj",
    quote="usdt",
    base_decimals=18,
    quote_decimals=6,
    price_tick=Decimal("0.001"),
    quantity_tick=Decimal("0.01"),
    notional_min=Decimal(1),
    maker_fee=Decimal("-0.0001"),
    taker_fee=Decimal("0.001"),
    active=True,
)
LIMITS = SpotLimits(
    market_id=MARKET.market_id,
    trade_min=Decimal(10),
    trade_max=Decimal(100),
    position_max=Decimal(250),
    slippage_max=Decimal("0.01"),
    stop_loss=Decimal("0.05"),
    confidence_min=Decimal("0.6"),
    horizon_h=24,
    update_interval_s=60,
    profit_min=Decimal("0.005"),
    active_positions_max=2,
    portfolio_stop=Decimal("0.2"),
    trades_day_max=6,
    cooldown_s=600,
)
TERMS = FairTerms(
    margin=WAD,
    disagreement_max=3 * WAD,
    drift_h=WAD // 100,
    book_error=WAD // 50,
    age_s_max=60,
    references_min=1,
)
FAIR = replace(LIMITS, fair=TERMS)
INJ, USDC = Asset("INJ", 18), Asset("USDC", 6)
PURSES = {"inj": Purse(0, 0), "usdt": Purse(1_000 * 10**6, 1_000 * 10**6)}


def depth(price="20", *, spread="0.02", size="100", levels=5, market=MARKET):
    """Return a book around `price`, `size` of base on each level, a tick apart."""
    middle, half = Decimal(price), Decimal(spread) / 2
    step = market.price_tick
    bids = [(middle - half - step * each, Decimal(size)) for each in range(levels)]
    asks = [(middle + half + step * each, Decimal(size)) for each in range(levels)]
    return Depth(market.market_id, 1, tuple(bids), tuple(asks))


def word(value=0.1, *, skill=0.8, admitted=True, **changes):
    """Return a forecast of INJ's next day that has earned its hearing."""
    base = {"subject": "INJ", "made_at": NOW - 60, "valid_until": NOW + 2 * HOUR}
    told = predicted(value, Quantity.DIRECTION, **{**base, **changes})
    return made(told, skill=round(skill * 10**6), admitted=admitted)


def holding(base="5", cost="100", **changes):
    """Return what is remembered of somebody who holds `base` that cost `cost`."""
    bought = Spot(
        base=int(Decimal(base) * WAD),
        cost=int(Decimal(cost) * WAD),
        entries=1,
        entered_at=NOW - HOUR,
    )
    return replace(bought, **changes)


def view(**changes):
    """Return a view of a calm market by somebody who holds nothing and hears a good word."""
    seen = SpotView(
        now=NOW,
        age_s=1,
        market=MARKET,
        depth=depth(),
        before=depth(),
        purses=PURSES,
        spot=Spot(),
        words=(word(),),
    )
    return replace(seen, **changes)


def held_view(**changes):
    """Return a view by somebody who holds 5 at 20."""
    purses = {**PURSES, "inj": Purse(5 * WAD, 5 * WAD)}
    return view(**{"spot": holding(), "purses": purses, **changes})


def quote(price="20.8", *, source="pool", half="0.003", error="0.001", **changes):
    """Return what a venue said a moment ago: `half` of a share to each side is fee and impact."""
    middle = Decimal(price)
    bid, ask = middle * (1 - Decimal(half)), middle * (1 + Decimal(half))
    said = ReferenceQuote(
        source,
        int(bid * WAD),
        int(middle * WAD),
        int(ask * WAD),
        size=100 * WAD,
        error=int(Decimal(error) * WAD),
        at=NOW,
        block=7,
    )
    return replace(said, **changes)


def gap_view(*quotes, **changes):
    """Return a view of a calm book at 20 by somebody whom nobody predicts anything."""
    quotes = quotes or (quote(),)
    return view(**{"words": (), "quotes": quotes, "quotes_before": quotes, **changes})


def pool(price="20.8", depth="200000", fee=500):
    """Return a pool that holds `depth` of INJ at `price`; a swap of a hundred moves it little."""
    inj = int(Decimal(depth) * 10**18)
    return ConstantProductPool("p", INJ, USDC, fee, inj, inj * int(Decimal(price) * 100) // 10**14)


class SpotClock:
    """Wall time that is the exchange's; whoever waits makes blocks, a second each."""

    def __init__(self, stage):
        self._stage, self.slept = stage, 0.0

    def now(self):
        return datetime.fromtimestamp(self._stage.exchange.at_ms / 1000, UTC)

    def monotonic(self):
        return self.slept

    async def sleep(self, seconds):
        self.slept += seconds
        for _ in range(max(int(seconds), 1)):
            self._stage.block()
            for _ in range(20):  # whoever waits for the block hears of it
                await asyncio.sleep(0)


class Told:
    """A notifier that remembers."""

    def __init__(self):
        self.alerts = []

    def notify(self, alert):
        self.alerts.append(alert)

    @property
    def codes(self):
        return [each.code for each in self.alerts]


class SpotStage:
    """A desk on an exchange in memory: it may be killed and begun again, the exchange goes on."""

    def __init__(self, *, limits=LIMITS, price="20", venue=SimulatedSpot, foresight=None):
        self.exchange = SpotExchange(MARKET, height=100, at_ms=NOW * 1000)
        self.exchange.open(ACCOUNT, {"usdt": 1_000 * 10**6, "inj": 0})
        self.price, self.limits, self.told = price, limits, Told()
        self.clock = SpotClock(self)
        self.journal = MemoryJournal(self.clock)
        self.beats, self.kind, self.foresight = [], venue, foresight
        self.pools = {}  # the venues that are references, by name; each has the market's time
        self.venue = venue(self.exchange, ACCOUNT)
        self.stop, self.until = asyncio.Event(), None
        self.block()

    def block(self):
        """Make a block of a second, in which others offer what they offer at our price."""
        others = self.price if isinstance(self.price, Depth) else depth(self.price)
        self.exchange.mine(at_ms=self.exchange.at_ms + 1000, others=others)
        for world in self.pools.values():
            world.at, world.block = self.exchange.at_ms // 1000, world.block + 1
        if self.until is not None and self.until():
            self.stop.set()

    def offers(self, name, price, **changes):
        """Let the venue `name` be a reference at `price` from now on."""
        pools = (pool(price, **changes),)
        at = self.exchange.at_ms // 1000
        self.pools.setdefault(name, PoolWorld(pools, at)).pools = pools
        return self.pools[name]

    def references(self):
        asked = [SimulatedReference(name, world, INJ, size=100 * WAD, error=WAD // 1000)
                 for name, world in self.pools.items()]  # fmt: skip
        return SpotReferences(asked, self.clock, look_s=1.0, deadline_s=5.0)

    def desk(self, journal=None):
        recorder = Recorder(journal or self.journal)
        recorder.restore()
        charter = SpotCharter(
            "INJ", self.limits, {}, stop_grace_s=60.0, chain_id=CHAIN, subaccount=0
        )
        world = SpotWorld(
            self.clock,
            self.venue,
            recorder,
            SignalTrader(self.limits) if self.limits.fair is None else Mispricing(self.limits),
            self.told,
            self.beats.append,
            self.foresight,
            references=self.references() if self.pools else None,
        )
        return SpotDesk(charter, world)

    async def live(self, until, *, blocks=400, desk=None):
        """Run a desk until `until(self)` holds, or for so many blocks."""
        last = self.exchange.height + blocks
        self.stop = asyncio.Event()
        self.until = lambda: until(self) or self.exchange.height >= last
        try:
            await (desk or self.desk()).run(self.stop)
        finally:
            self.until = None

    def says(self, *facts):
        """Write down what predictors said."""
        self.journal.append_now(*facts, chain_at=self.exchange.at_ms // 1000)

    def events(self, *kinds):
        return [each.event for each in self.journal.replay()
                if isinstance(each.event, kinds or SpotEvent)]  # fmt: skip

    @property
    def spot(self):
        recorder = Recorder(self.journal)
        recorder.restore()
        return recorder.book.spot

    @property
    def base(self):
        """What the exchange says we hold, 1e-18s."""
        return self.exchange.tills[ACCOUNT].held.get("inj", 0)
