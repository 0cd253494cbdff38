"""The whole process trades spot on a real order book: bought, killed, settled, sold on request."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import httpx
import pytest
from tests.e2e.children import Child, Nursery, moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import Stage
from tests.injective.injectived import CHAIN_ID
from tests.injective.injectived import Trader as Account
from tests.injective.world import World, aio_world, chain, funded, world
from tests.spots import LIMITS, word

from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.system_clock import SystemClock
from leverd.cli import api_server, edge, main
from leverd.cli.given import settings_of
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSigned,
    SpotDecided,
    SpotOrderPlanned,
    SpotOrderSettled,
)
from leverd.interfaces.spot_venue import Manner, Purse, Side, SpotOrder

__all__ = ["agents", "chain", "devnet", "stage", "world"]  # fixtures

pytestmark = pytest.mark.chain

BLOCK_S = 1.0
"""Wall seconds a block of the devnet: two chains and an agent share this machine."""

PATIENCE_S = 300.0
SENT = {"orders": "sent"}
PAPER = {"orders": "paper", "paper": {"quote": 1000}}


class Trader:
    """`run_agent` with the shipped settings and a section `spot`, and the API over its journal."""

    def __init__(
        self, on: World, stage: Stage, agents: Nursery, orders: dict[str, Any], **more: Any
    ) -> None:
        self.on, self.stage, self._agents = on, stage, agents
        self._key = stage.folder / "trader"
        access = {"access": {"file": str(self._key)}} if orders is SENT else {}
        self._sections = {"spot": {**_section(on), **orders, **access, **more}}
        token, own = api_server.own_token("control")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._app = api_server.app_of(settings_of(self.files), own)
        self.child: Child | None = None

    @property
    def files(self) -> list[Any]:
        return self.stage.files(**self._sections)

    async def start(self, **order: Any) -> Child:
        """Start the process, and wait until it trades or has ended."""
        child = await asyncio.to_thread(self._agents.start, self.stage, self.files, **order)
        await asyncio.to_thread(child.wait_born)
        self.child = child
        return child

    def keep(self, key: str) -> None:
        """Put `key` where the settings say that it is."""
        self._key.touch(mode=0o600)
        self._key.write_text(key)

    async def reload(self, key: str, said: str) -> None:
        """Have the process read `key` anew, until it has `said` what came of it."""
        self.keep(key)
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            while said not in self.child.said():  # noqa: ASYNC110 -- of a process
                await asyncio.sleep(0.3)

    async def stop(self) -> int:
        assert self.child is not None
        return await asyncio.to_thread(self.child.stop)

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://leverd", headers=self._headers
        ) as client:
            verb = "GET" if body is None else "POST"
            answer = await client.request(verb, f"/api/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def spot(self, until: Callable[[Any], bool]) -> Any:
        """Return what the API tells of spot, once `until` holds of it."""
        return await self.told("/spot", until)

    async def told(self, path: str, until: Callable[[Any], bool]) -> Any:
        """Return what the API tells at `path`, once `until` holds of it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not until(found := await self.ask(path)):  # noqa: ASYNC110 -- of a process
                    await asyncio.sleep(0.3)
        except TimeoutError as error:
            said = self.child.said()[-3000:] if self.child else ""
            raise AssertionError(said) from error
        return found

    def hears(self, value: float) -> None:
        """Write down a word that has earned its hearing; no daemon runs."""
        now = int(SystemClock().now().timestamp())
        journal = SqlJournal(self.stage.journal, SystemClock())
        try:
            said = word(value, made_at=now - 10, valid_until=now + 10_000)
            journal.append_now(said, chain_at=now)
        finally:
            journal.close()

    def fills(self) -> list[SpotOrderSettled]:
        return [each for each in self.stage.events(SpotOrderSettled) if each.filled]


def _section(on: World) -> dict[str, Any]:
    limits = {name: getattr(LIMITS, name) for name in LIMITS.__slots__ if name != "fair"}
    plain = {name: float(each) if isinstance(each, Decimal) else each
             for name, each in limits.items()}  # fmt: skip
    node = on.node
    return {
        "subject": "INJ",
        "venue": {
            "kind": "injective", "chain_id": CHAIN_ID, "chain": node.grpc, "stream": node.stream,
            "indexer": on.indexer.url, "rpc": f"http://127.0.0.1:{node.ports['rpc']}",
            "tls": False,
        },
        "limits": {**plain, "market_id": on.market.market_id, "update_interval_s": 1},
    }  # fmt: skip


def on_a_pools_word(stage: Stage) -> dict[str, Any]:
    """Return what of the section has it go by the devnet's pool of ether and dollars.

    The two chains do not have one time: what the pool says is ages old, and does not age.
    """
    deployment = stage.deployment
    pool = {
        "kind": "uniswap_v3", "chain_id": deployment.chain_id, "rpc": [stage.devnet.url],
        "factory": deployment.factory, "fees": [500], "quote_error": 0.002,
        "tokens": [deployment.tokens[symbol].address for symbol in ("WETH", "USDC")],
    }  # fmt: skip
    terms = {"margin": 1, "disagreement_max": 3, "book_error": 0.02, "drift_h": 0,
             "age_s_max": 10**10, "references_min": 1, "look_s": 1, "deadline_s": 30}  # fmt: skip
    return {"agent": "mispricing", "mispricing": {**terms, "references": {"uniswap": pool}}}


async def offer(
    on: World, bid: str = "19.99", ask: str = "20.01", quantity: str = "40"
) -> list[SpotOrder]:
    """Have somebody buy and sell, more than is wanted; return the orders."""
    orders = [on.order(Side.SELL, Manner.REST, ask, quantity),
              on.order(Side.BUY, Manner.REST, bid, quantity)]  # fmt: skip
    for order in orders:
        await on.place(on.maker, order)
    return orders


def _typed(words: list[str]) -> int:
    """Return the exit code of a command."""
    try:
        return edge.guard(lambda: main.app(args=words, prog_name="leverd"), words)
    except SystemExit as ended:
        return int(ended.code or 0)


def is_watching(spot: Any) -> bool:
    return bool(spot["source"] == "turn")


def is_levered(status: Any) -> bool:
    return any(Decimal(each["leverage"] or 0) > 2 for each in status["positions"])


def holds(spot: Any) -> bool:
    return Decimal(spot["held"]["amount"]) > 0 and spot["order"] is None


def is_flat(spot: Any) -> bool:
    return Decimal(spot["held"]["amount"]) == 0 and spot["order"] is None


async def purses(on: World, who: Account) -> Mapping[str, Purse]:
    """Return what the chain says that somebody has."""
    async with aio_world(on.node, who) as venue:
        return await venue.purses()


def key(stage: Stage, name: str) -> str:
    """Return a key of this test's own: an account is locked on the whole machine."""
    return sha256(f"{stage.folder} {name}".encode()).hexdigest()


async def looked_at(trader: Trader, who: Account | None = None) -> None:
    """Have it look on without a word, so that the journal is its own; then stop it and say one.

    It trades for `who` before it stops, where somebody is given.
    """
    await offer(trader.on)
    await trader.start()
    seen = await trader.spot(is_watching)
    assert (seen["ticker"], is_flat(seen)) == ("INJ/USDT", True)
    if who is not None:
        await trader.reload(who.key, f"spot is traded for {who.address} from here on")
    assert await trader.stop() == 0
    trader.hears(0.2)


async def test_sent_it_buys_is_killed_settles_and_sells_when_the_api_is_asked_to(
    world, stage, agents
):
    trader = Trader(world, stage, agents, SENT)
    one, other = [await funded(world.node, key(stage, name)) for name in ("one", "other")]
    trader.keep(other.key)
    before = await purses(world, one)
    with moving(stage, block_s=BLOCK_S):
        await looked_at(trader, one)
        child = await trader.start(die=("spot_send", "after", 1))
        assert await asyncio.to_thread(child.ended) == -signal.SIGKILL, child.said()[-3000:]
        dead = await trader.ask("/spot")
        assert (dead["order"]["side"], dead["order"]["standing"]) == ("buy", "signed")

        await trader.start()
        held = await trader.spot(holds)
        (bought,) = trader.fills()
        assert bought.exact
        then = await purses(world, one)
        paid = before["usdt"].total - then["usdt"].total
        assert paid == -(-int(Decimal(held["cost"]["amount"]) * WAD) * 10**6 // WAD)
        (row,) = (await trader.ask("/transactions?position=spot"))["items"]
        assert (row["status"], row["signer"]) == ("final", one.address)

        await trader.reload(other.key, "LVD-KEY-053")  # what is held is not the other's
        trader.keep(one.key)
        await trader.told("/status", is_levered)  # and the loan beside it is kept all the while
        wish = await trader.ask("/control/unwind", {"position": "spot"})
        assert wish["order"] == "unwind"
        gone = await trader.spot(is_flat)
        assert "unwinding" in gone["state"]
        assert await trader.stop() == 0
    after = await purses(world, one)
    lost = (before["usdt"].total - after["usdt"].total) * 10**12
    realised = int(Decimal(gone["realised"]["amount"]) * WAD)
    assert realised < 0  # the spread and both fees
    assert abs(lost + realised) <= 2 * 10**12
    assert before["inj"].total - after["inj"].total < 10**16  # gas alone
    check_in_and_out_once(stage)


def check_in_and_out_once(stage: Stage) -> None:
    signed = stage.events(SpotAttemptSigned)
    assert [each.slot for each in signed] == [signed[0].slot, signed[0].slot + 1]
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]


async def test_on_paper_it_buys_is_killed_and_sells_on_command_and_leaves_no_trace(
    world, stage, agents, capsys
):
    trader = Trader(world, stage, agents, PAPER)
    before = await world.taker.purses()
    with moving(stage, block_s=BLOCK_S):
        await looked_at(trader)
        child = await trader.start()
        held = await trader.spot(holds)
        os.kill(child.pid, signal.SIGKILL)
        assert await asyncio.to_thread(child.ended) == -signal.SIGKILL
        assert (await trader.ask("/spot"))["held"] == held["held"]

        await trader.start()
        files = [part for file in trader.files for part in ("-c", str(file))]
        words = ["unwind", "spot", "--yes", *files]
        assert _typed(words) == 0, capsys.readouterr()
        gone = await trader.spot(is_flat)
        assert await trader.stop() == 0
    assert Decimal(gone["realised"]["amount"]) < 0
    assert Decimal(gone["fees"]["amount"]) > 0
    assert len(trader.fills()) == 2
    after = await world.taker.purses()
    assert after == before
    book = await world.taker.depth(world.market.market_id)
    assert book.asks == ((Decimal("20.01"), Decimal(40)),)


async def test_on_a_real_pools_word_it_buys_is_killed_and_sells_when_the_gap_is_closed(
    world, stage, agents
):
    trader = Trader(world, stage, agents, SENT, **on_a_pools_word(stage))
    one = await funded(world.node, key(stage, "one"))
    trader.keep(one.key)
    before = await purses(world, one)
    with moving(stage, block_s=BLOCK_S):
        cheap = await offer(world, "2909.99", "2910.01", "1")  # 3 % below the pool
        child = await trader.start(die=("spot_send", "after", 1))
        assert await asyncio.to_thread(child.ended) == -signal.SIGKILL, child.said()[-3000:]
        assert (await trader.ask("/spot"))["order"]["side"] == "buy"

        await trader.start()
        await trader.spot(holds)
        assert len(trader.fills()) == 1
        for each in cheap:
            await world.cancel(world.maker, each)
        await offer(world, "3009.99", "3010.01", "1")
        gone = await trader.spot(is_flat)
        assert await trader.stop() == 0
    realised = int(Decimal(gone["realised"]["amount"]) * WAD)
    assert realised > 0
    after = await purses(world, one)
    won = (after["usdt"].total - before["usdt"].total) * 10**12
    assert abs(won - realised) <= 2 * 10**12
    said = stage.events(SpotDecided)
    (entered,) = [each for each in said if each.decision == "enter"]
    (pool,) = entered.heard
    assert (pool.quote.source, pool.against) == ("uniswap", "")
    assert pool.quote.bid < pool.quote.middle < pool.quote.ask
    assert 2_910 * WAD < entered.fair < pool.quote.middle
    assert "closed" in [each.code for each in said]
    assert [each.purpose for each in stage.events(SpotOrderPlanned)] == ["enter", "exit"]
