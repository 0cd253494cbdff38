"""An order on Injective from its rehearsal to what became of it, whichever endpoint is dead."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal

import pytest
from pyinjective.proto.cosmos.tx.v1beta1 import tx_pb2
from tests.injective.test_events import event, results, trade
from tests.spots import LIMITS, MARKET, NOW, view

from leverd.adapters.injective.reads import Account, Head
from leverd.adapters.injective.settling import SETTLE_BLOCKS, Included, InHistory
from leverd.adapters.injective.signer import InjectiveSigner
from leverd.adapters.injective.venue import InjectiveSpot, Where
from leverd.adapters.simulated.memory_journal import MemoryJournal
from leverd.adapters.system_clock import SystemClock
from leverd.agents.signal_trader import SignalTrader
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotAttemptSigned, SpotOrderSettled
from leverd.engine.recorder import Recorder
from leverd.errors import UnreachableError
from leverd.execution.spot_orders import SpotOrders
from leverd.interfaces.http_client import HttpAnswer
from leverd.interfaces.secrets import Secret
from leverd.interfaces.spot_venue import Side, SpotFill
from leverd.risk.spot_gate import review

BLOCK = 90


class Chain:
    """A node that took the order into block 90, and is past it."""

    def __init__(self):
        self.sequence, self.height = 5, 88
        self.holds: Included | None = Included(BLOCK, 0, "", "")
        self.rehearsed: list[bytes] = []
        self.sent: list[bytes] = []

    async def head(self):
        return Head("injective-1", self.height)

    async def account(self, _address):
        return Account(7, self.sequence, self.height)

    async def market(self, _market_id):
        return MARKET

    async def in_book(self, *_of, height):
        assert height == self.height

    async def included(self, _tx_hash):
        return self.holds

    async def gas_price(self):
        return 1

    async def gas_used(self, payload):
        self.rehearsed.append(payload)
        return 100_000

    async def broadcast(self, payload):
        self.sent.append(payload)
        self.sequence, self.height = 6, 95
        return 0, "", ""


class Rpc:
    """CometBFT, which tells what block 90 did; None: it is dead."""

    def __init__(self):
        self.trades: list[dict[str, object]] | None = []

    async def read(self, _url, *, params):
        if self.trades is None:
            raise UnreachableError("no rpc", number=70)
        told = results(event(*self.trades, market=MARKET.market_id), height=params["height"])
        return HttpAnswer(200, {}, told)


class Indexer:
    """History, silent at first."""

    def __init__(self):
        self.told: InHistory | None = None
        self.trades: tuple[SpotFill, ...] = ()
        self.dead = False

    async def order(self, _market, _cid):
        if self.dead:
            raise UnreachableError("no indexer", number=90)
        return self.told

    async def fills(self, _market, _cid):
        return self.trades


class Desk:
    """One purchase, sent; what became of it is to be found out."""

    def __init__(self):
        self.chain, self.rpc, self.indexer = Chain(), Rpc(), Indexer()
        self.signer = InjectiveSigner(Secret("1" * 64), fee_max=10**18)
        where = Where("injective-1", "chain", "stream", "indexer", tls=False, rpc="http://rpc")
        clock = SystemClock()
        self.venue = InjectiveSpot(where, self.signer, clock, http=self.rpc)
        self.venue._reads, self.venue._history = self.chain, self.indexer
        self.journal = MemoryJournal(clock)
        self.recorder = Recorder(self.journal)
        self.orders = SpotOrders(self.venue, self.recorder, lambda: self.recorder.book.spot)

    async def buy(self):
        seen = view()
        await self.orders.place(review(SignalTrader(LIMITS).decide(seen), seen, LIMITS))
        (self.signed,) = self.events(SpotAttemptSigned)

    def trade(self, quantity="1.5", **changed):
        owner = b64encode(bytes.fromhex(self.signer.subaccount(0)[2:])).decode()
        whose = {"subaccount_id": owner, "cid": self.signed.cid}
        return trade(quantity, **{**whose, **changed})

    def fill(self, quantity):
        money = Decimal("20.01"), Decimal(quantity), Decimal("0.03")
        return SpotFill("i", self.signed.cid, MARKET.market_id, Side.BUY, *money, at_ms=1)

    async def ended(self, at=NOW):
        """Look once; return how the order ended, None while it is in flight."""
        await self.orders.tend(at)
        return next(iter(self.events(SpotOrderSettled)), None)

    def events(self, kind):
        return [each.event for each in self.journal.replay() if isinstance(each.event, kind)]


@pytest.fixture
async def desk():
    found = Desk()
    await found.buy()
    return found


async def test_what_is_rehearsed_before_the_journal_knows_of_it_has_no_signature(desk):
    (rehearsed,), (sent,) = desk.chain.rehearsed, desk.chain.sent
    assert list(tx_pb2.TxRaw.FromString(rehearsed).signatures) == [b""]
    assert sent.hex() == desk.signed.payload
    assert tx_pb2.TxRaw.FromString(sent).signatures[0]


async def test_without_an_index_of_transactions_history_settles_an_order_that_is_dead(desk):
    desk.chain.holds = None
    desk.indexer.told = InHistory(False, "filled", Decimal(2))
    desk.indexer.trades = (desk.fill("2"),)
    assert await desk.ended() is None  # a block may take it yet
    desk.chain.height = desk.signed.dead_after + SETTLE_BLOCKS + 1
    ended = await desk.ended()
    assert (ended.standing, ended.filled, ended.block) == ("closed", 2 * WAD, 0)
    assert desk.recorder.book.spot.slots == 6


async def test_when_every_index_is_sixty_blocks_late_it_is_unknown_and_then_closed(desk):
    desk.chain.holds = None
    for late in range(60):
        desk.chain.height = desk.signed.dead_after + late
        assert await desk.ended(NOW + late) is None
    desk.chain.holds, desk.rpc.trades = Included(BLOCK, 0, "", ""), [desk.trade("2")]
    ended = await desk.ended(NOW + 60)
    assert (ended.standing, ended.filled, ended.block) == ("closed", 2 * WAD, BLOCK)
    assert desk.recorder.book.spot.stops == ()


async def test_with_a_dead_indexer_the_block_tells_price_and_fee_exactly(desk):
    desk.indexer.dead = True
    desk.rpc.trades = [desk.trade("1"), desk.trade("0.5", price="20.05", fee="0.01")]
    ended = await desk.ended()
    assert (ended.standing, ended.exact, ended.block) == ("closed", True, BLOCK)
    assert ended.filled == 3 * WAD // 2
    assert ended.notional == int(Decimal("30.035") * WAD)
    assert ended.fee == 4 * WAD // 100
    assert desk.recorder.book.spot.cost == ended.notional + ended.fee


async def test_a_block_that_found_nobody_closes_it_with_nothing(desk):
    desk.indexer.dead = True
    desk.rpc.trades = [desk.trade("0", price="0", fee="0")]
    ended = await desk.ended()
    assert (ended.standing, ended.filled, ended.notional, ended.fee) == ("closed", 0, 0, 0)


@pytest.mark.parametrize(
    "beyond",
    [{"quantity": "5.01"}, {"price": "20.9"}, {"quantity": "1e9"}],
)
async def test_a_blocks_word_that_is_beyond_the_order_is_not_believed(desk, beyond):
    desk.rpc.trades = [desk.trade(**beyond)]
    assert await desk.ended() is None
    desk.indexer.told = InHistory(False, "filled", Decimal(2))
    desk.indexer.trades = (desk.fill("2"),)
    ended = await desk.ended()  # the indexer was asked instead
    assert (ended.standing, ended.filled, ended.exact) == ("closed", 2 * WAD, True)


async def test_nothing_is_booked_while_neither_block_nor_indexer_tells_its_trades(desk):
    desk.rpc.trades, desk.indexer.told = None, InHistory(False, "filled", Decimal(2))
    for minute in range(60):
        assert await desk.ended(NOW + 60 * minute) is None
    desk.indexer.trades = (desk.fill("2"),)
    ended = await desk.ended()
    assert (ended.filled, ended.notional, ended.exact) == (
        2 * WAD,
        int(Decimal("40.02") * WAD),
        True,
    )
