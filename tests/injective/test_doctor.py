"""The doctor asks the real chain what trading would ask it, and says what is wrong with what."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.injective.injectived import STRANGER, TAKER
from tests.injective.world import World, chain, world
from tests.unit.bootstrap.test_spot import settings_at
from tests.unit.settings.test_spot_settings import MARKET, SENT

from leverd.adapters.injective.reads import ChainReads
from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import spot_preflight
from leverd.bootstrap.checks import Status
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotAttemptSigned, SpotOrderPlanned
from leverd.errors import NonsenseError

pytestmark = pytest.mark.chain

__all__ = ["chain", "world"]  # fixtures

GOOD, NOTE, BAD = Status.GOOD, Status.NOTE, Status.BAD
STREAM_S = 60.0


class Doctor:
    """Settings that name the world's endpoints, and what is found of them."""

    def __init__(self, on: World, folder):
        self.on, self.folder, self._count = on, folder, 0
        self.key = folder / "trader"
        self.key.write_text(TAKER.key)
        self.key.chmod(0o600)
        node = on.node
        self.edits = {
            "chain: grpc.example:443": f"chain: {node.grpc}",
            "stream: stream.example:443": f"stream: {node.stream}",
            "indexer: indexer.example:443": f"indexer: {on.indexer.url}",
            "rpc: https://rpc.example ": f"rpc: http://127.0.0.1:{node.ports['rpc']} ",
            "tls: true": "tls: false",
            f'"{MARKET}"': f'"{on.market.market_id}"',
            "credential: leverd-injective": f"file: {self.key}",
        }

    async def finds(self, *edits, sent=True, stream_s=STREAM_S):
        """Return each check by its code, of settings with `edits` to those of the world."""
        changed = {**self.edits, **dict(edits), **(dict([SENT]) if sent else {})}
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir()
        settings = settings_at(folder, *changed.items())
        self.journal = folder / "journal.db"
        self.settings = settings
        return await self.again(stream_s)

    async def again(self, stream_s=STREAM_S):
        self.all = await asyncio.to_thread(spot_preflight.checks, self.settings, stream_s)
        return {each.code: each for each in self.all}

    def bad(self):
        """Return what was bad last, in words."""
        return [each.message for each in self.all if each.status is BAD]


@pytest.fixture
def doctor(world, tmp_path):
    return Doctor(world, tmp_path)


def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def test_all_is_well_where_all_is_well(doctor):
    found = await doctor.finds()
    assert {code: each.status for code, each in found.items()} == dict.fromkeys(
        ("spot-key", "spot-chain", "spot-index", "spot-market", "spot-stream", "spot-indexer",
         "spot-rpc", "spot-purse"), GOOD,
    )  # fmt: skip
    assert TAKER.address in found["spot-key"].message
    assert "INJ/USDT: price tick 0.001" in found["spot-market"].message
    assert "taker's fee 0.001" in found["spot-market"].message
    assert TAKER.key not in str(found)


async def test_on_paper_no_key_is_read_and_no_purse_looked_into(doctor):
    doctor.key.unlink()
    found = await doctor.finds(sent=False)
    assert {each.status for each in found.values()} == {GOOD}
    assert "1000 on paper" in found["spot-purse"].message
    poor = await doctor.finds(("paper: {quote: 1000}", "paper: {quote: 5}"), sent=False)
    assert poor["spot-purse"].status is BAD


async def test_another_chain_and_a_market_nobody_listed_are_named(doctor):
    other = await doctor.finds(("chain_id: injective-1", "chain_id: injective-888"))
    assert (other["LVD-CHN-092"].status, "spot-purse" in other) == (BAD, False)
    await doctor.finds((f'"{MARKET}"', f'"{MARKET}"'))
    (bad,) = doctor.bad()
    assert bad.startswith("spot-market: ")


async def test_limits_that_the_market_does_not_take_are_named(doctor):
    found = await doctor.finds(
        ("trade_min: 20 ", "trade_min: 0.5 "), ("subject: INJ ", "subject: ETH ")
    )
    assert (found["spot-market"].status, found["spot-market"].remedy) == (
        BAD, "trade_min: 1 or more",
    )  # fmt: skip
    found = await doctor.finds(("subject: INJ ", "subject: ETH "))
    assert found["spot-market"].status is NOTE
    assert "predictors speak of ETH" in found["spot-market"].message


async def test_a_node_without_an_index_of_transactions_is_named(doctor, monkeypatch):
    async def unindexed(_self):
        raise NonsenseError("it keeps none", number=95, remedy="tx_index")

    monkeypatch.setattr(ChainReads, "check_index", unindexed)
    found = await doctor.finds()
    assert (found["LVD-CHN-095"].status, "spot-index" in found) == (BAD, False)
    assert found["LVD-CHN-095"].place == doctor.on.node.grpc
    assert found["spot-purse"].status is GOOD  # the others are asked all the same


async def test_each_endpoint_that_is_dead_is_named_and_the_others_are_asked(doctor):
    dead = f"127.0.0.1:{closed_port()}"
    found = await doctor.finds(
        ("stream: stream.example:443", f"stream: {dead}"),
        ("indexer: indexer.example:443", f"indexer: {dead}"),
        ("rpc: https://rpc.example ", f"rpc: http://{dead} "),
        stream_s=1.0,
    )
    assert [text.partition(":")[0] for text in doctor.bad()] == [
        "spot-stream",
        "spot-indexer",
        "spot-rpc",
    ]
    assert found["spot-purse"].status is GOOD
    told = await doctor.finds(("rpc: https://rpc.example ", "# rpc "))
    assert told["spot-rpc"].status is NOTE
    await doctor.finds(("chain: grpc.example:443", f"chain: {dead}"))
    (gone,) = doctor.bad()
    assert gone.startswith("spot-chain: ")


async def test_a_purse_that_is_too_small_to_get_out_or_to_buy_is_named(doctor):
    found = await doctor.finds(("fee_inj_max: 0.01 ", "fee_inj_max: 1000000 "))
    assert found["spot-purse"].status is BAD
    assert "fees of getting out" in found["spot-purse"].remedy
    rich = ("trade_min: 20 ", "trade_max: 100\n", "position_max: 300 ")
    found = await doctor.finds(*((old, f"{old.split()[0]} {10**13}{old[-1]}") for old in rich))
    assert found["spot-purse"].status is NOTE
    assert "nothing can be bought" in found["spot-purse"].message


async def test_a_key_that_is_not_there_or_anothers_is_named(doctor, monkeypatch):
    found = await doctor.finds()
    journal = SqlJournal(doctor.journal, SystemClock())
    journal.append_now(
        SpotOrderPlanned("spot", MARKET, STRANGER.address, "buy", "enter", WAD, WAD, "r"),
        SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130),
        chain_at=100,
    )
    journal.close()
    found = await doctor.again()
    assert found["LVD-KEY-053"].status is BAD
    doctor.key.unlink()
    found = await doctor.again()
    assert (found["LVD-KEY-001"].status, found["spot-purse"].status) == (BAD, NOTE)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    kept = (f"file: {doctor.key}", "credential: leverd-injective")
    doctor.edits["credential: leverd-injective"] = kept[1]
    found = await doctor.finds()
    assert (found["spot-key"].status, found["spot-purse"].status) == (NOTE, NOTE)
