"""Two daemons with one key: one acts, the other takes over, and nothing is done twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from tests.e2e.children import Child, Market, Nursery, moving, nursery
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import POSITION, Stage
from tests.e2e.test_kill import check_nothing_lost_nothing_doubled
from tests.prove.tally import tell
from tests.standby import Line, eventually, lined, only_reading

from leverd.adapters.evm.leased_signer import _data_of, is_fenced
from leverd.adapters.sql_journal import Server, SqlLedger
from leverd.adapters.sql_journal.lease_file import HOLDER, STANDBY, WITHOUT, LeaseFile
from leverd.adapters.system_clock import lasting
from leverd.devnet.path import PricePath
from leverd.domain.events import AlertRaised, Event
from leverd.domain.fixed_point import WAD
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanApproved
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.errors import JournalError, OwnerError

__all__ = ["agents", "devnet", "stage"]  # fixtures

pytestmark = pytest.mark.chain

TTL_S = 5.0
BLIND_S = 8.0


@pytest.fixture(scope="module")
def others() -> Iterator[Nursery]:
    """Yield where the second machine's agents come from."""
    with nursery() as made:
        yield made


@dataclass
class Machine:
    """One of two, with its own journal and its own way to chain and server."""

    stage: Stage
    files: list[Path]
    nursery: Nursery

    def start(self, **order) -> Child:
        return self.nursery.start(self.stage, self.files, **order)

    def state(self) -> str:
        """Return how its daemon last said that it stands to the lease."""
        last = LeaseFile(self.stage.journal).last()
        return "" if last is None else last[0].state


@dataclass
class Pair:
    """Two machines, one market, one database: each has a line that may be cut."""

    one: Machine
    other: Machine
    market: Market
    database: str
    line: Line  # the first machine's, to the server
    chain_line: Line  # the second machine's, to the chain

    def born(self, machine: Machine, **order) -> Child:
        """Start an agent while the market stands still, as in test_crash."""
        with self.market.holding():
            child = machine.start(**order)
            child.wait_born()
        return child


@pytest.fixture
def pair(stage, agents, others, cluster, tmp_path) -> Iterator[Pair]:
    database = cluster.database()
    folder = tmp_path / "other"
    folder.mkdir()
    with (
        _line_to(stage.devnet.url) as (
            chain_line,
            url,
        ),  # by its port the kernel's lock tells chains apart
        lined(cluster.port) as line,
        moving(stage) as market,
    ):
        other = Stage(stage.devnet, folder, speed=stage.speed)
        other.announce(url)
        one = Machine(stage, _files(stage, line.url(database)), agents)
        second = Machine(other, _files(other, database), others)
        yield Pair(one, second, market, database, line, chain_line)


@contextmanager
def _line_to(url: str) -> Iterator[tuple[Line, str]]:
    port = int(url.rsplit(":", 1)[1].strip("/"))
    with lined(port) as line:
        yield line, url.replace(f":{port}", f":{line.port}")


def _files(stage: Stage, database: str) -> list[Path]:
    return stage.files(
        limits={"drag_max": 1, "cost_share_max": 0.05},
        journal={"copy_to": database},
        standby={"enabled": True, "ttl_s": TTL_S, "renew_s": 1, "blind_s": BLIND_S},
        chain={"read_deadline_s": BLIND_S / 2},
    )


def _copied(database: str) -> list[Event]:
    try:
        ledger = SqlLedger(Server(database))
    except (OwnerError, JournalError):  # no tables yet
        return []
    try:
        return [entry.event for entry in ledger.entries(limit=10**6)]
    finally:
        ledger.close()


def _standing_by(pair: Pair) -> Child:
    """Start the second machine's agent; it waits in line, or has the lease if it ran out by now."""
    child = pair.other.start()
    _comes_to(pair.other, STANDBY, HOLDER)
    return child


def _comes_to(machine: Machine, *states: str) -> None:
    """Wait until its daemon stands like that to the lease: longer than a child's patience."""
    try:
        eventually(lambda: machine.state() in states, " or ".join(states))
    except AssertionError as error:
        said = (machine.stage.folder / "output.log").read_text()
        raise AssertionError(f"{error}, but {machine.state()}:\n{said[-4000:]}") from None


def test_who_takes_over_from_a_killed_holder_settles_its_transaction_and_goes_on(pair):
    with pair.market.holding():  # so that what was sent is in no block yet
        first = pair.one.start()
        eventually(lambda: AttemptSigned in map(type, _copied(pair.database)), "it signs")
        second = _standing_by(pair)
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
        died = lasting()
        _comes_to(pair.other, HOLDER)
        second.wait_said("started mode=")
    tell("standby takeover", seconds=f"{lasting() - died:.1f}")
    second.wait_calm()
    assert pair.other.state() == HOLDER
    assert second.stop() == 0
    stage = pair.other.stage
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.0001")
    check_nothing_lost_nothing_doubled(stage)
    events = stage.events()
    signed = [each.tx_hash for each in events if isinstance(each, AttemptSigned)]
    mined = [each.tx_hash for each in events if isinstance(each, SlotIncluded)]
    assert signed[0] in mined, "what the first had sent is what was done"
    assert _copied(pair.database) == events, "one story, in the journal as in the copy"
    assert any(isinstance(each, AlertRaised) and "epoch 2" in each.message for each in events)


def test_a_holder_that_was_only_slow_sends_nothing_that_it_signed_before(pair):
    """Stopped right after signing an opening; it comes back when another has opened."""
    first = pair.born(pair.one, die=("sign", "after", 1, signal.SIGSTOP))
    first.wait_for(lambda: _is_stopped(first), "never signed")  # else the second may sign before it
    second = _standing_by(pair)
    _comes_to(pair.other, HOLDER)
    second.wait_for(lambda: pair.other.stage.truth().sequence == 1, "never opened")
    second.wait_calm()
    opened = pair.other.stage.truth()
    os.kill(first.pid, signal.SIGCONT)
    first.wait_said("another daemon may act for this key by now")
    _comes_to(pair.one, STANDBY)
    second.wait_calm()
    assert second.stop() == 0
    _comes_to(pair.one, HOLDER)
    first.wait_said("it is in")  # where its own story was set aside
    first.wait_calm()
    assert first.stop() == 0
    now = pair.one.stage.truth()
    assert (now.sequence, now.operator_nonce) == (opened.sequence, opened.operator_nonce)
    assert _copied(pair.database) == pair.one.stage.events()
    check_nothing_lost_nothing_doubled(pair.one.stage)


def _is_stopped(child: Child) -> bool:
    """Return whether a signal has stopped the process."""
    status = Path(f"/proc/{child.pid}/stat").read_text()
    return status.rpartition(") ")[2].startswith("T")


def test_without_the_lease_a_guard_deleverages_by_a_call_that_the_chain_lets_happen_once(pair):
    """The server is gone, then the price falls: the guardian acts, and nobody else does."""
    child = pair.born(pair.one)
    child.wait_calm()
    stage = pair.one.stage
    held = stage.truth()
    before, plans = len(stage.events(AttemptSigned)), len(stage.events(PlanApproved))
    pair.line.stall()
    _comes_to(pair.one, WITHOUT)
    child.wait_said("the guards alone")
    with fallen(stage, pair.market, 0.85):  # health 1.18, and the guard is at 1.2
        child.wait_for(lambda: stage.truth().sequence > held.sequence, "never deleveraged")
        child.wait_calm()
        now = stage.truth()
        assert pair.one.state() == WITHOUT
        assert now.health > WAD * 13 // 10
        done, sent = now.sequence - held.sequence, now.operator_nonce - held.operator_nonce
        assert 1 <= done <= sent, "each by the account's own number"
        signed = stage.events(AttemptSigned)[before:]
        assert len(signed) >= sent
        assert {each.position_id for each in signed} == {POSITION}
        for each in signed:
            assert is_fenced(_data_of(bytes.fromhex(each.payload.removeprefix("0x"))))
        wanted = {each.purpose for each in stage.events(PlanApproved)[plans:]}
        assert wanted == {Purpose.DELEVERAGE}
        pair.line.heal()
        child.wait_said("every agent")
        child.wait_calm()
        assert child.stop() == 0
    check_nothing_lost_nothing_doubled(stage, "2.8")  # in its band, after the fall
    assert _copied(pair.database) == stage.events(), "what it did alone is in the copy too"


def test_where_the_holder_dies_and_the_server_only_reads_the_one_that_waits_guards(pair):
    """As after a failover to a node in recovery: it answers, and gives the lease to nobody."""
    first = pair.born(pair.one)
    first.wait_calm()
    second, stage = _standing_by(pair), pair.other.stage
    held = stage.truth()
    with only_reading(pair.database):
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
        _comes_to(pair.other, WITHOUT)
        second.wait_said("started mode=")
        with fallen(stage, pair.market, 0.85):
            second.wait_for(lambda: stage.truth().sequence > held.sequence, "never deleveraged")
            second.wait_calm()
            assert pair.other.state() == WITHOUT
    _comes_to(pair.other, HOLDER)
    second.wait_calm()
    assert second.stop() == 0
    check_nothing_lost_nothing_doubled(stage, "2.8")
    assert _copied(pair.database) == stage.events(), "one story, with what was done alone"


def test_a_holder_that_no_longer_sees_the_chain_lets_who_sees_it_guard(pair):
    """Its line to the server lives: every renewal succeeds, and no turn does."""
    blind = pair.born(pair.other)
    blind.wait_calm()
    seeing, stage = pair.one.start(), pair.one.stage
    _comes_to(pair.one, STANDBY)
    held = stage.truth()
    pair.chain_line.stall()
    fell = lasting()
    _comes_to(pair.one, HOLDER)
    tell("standby blind holder", seconds=f"{lasting() - fell:.1f}")
    assert "LVD-LSE-004" in blind.said()
    _comes_to(pair.other, STANDBY)
    with fallen(stage, pair.market, 0.85):
        seeing.wait_for(lambda: stage.truth().sequence > held.sequence, "never deleveraged")
        seeing.wait_calm()
    pair.chain_line.heal()
    seeing.wait_calm()
    assert (pair.one.state(), pair.other.state()) == (HOLDER, STANDBY)
    assert blind.stop() == 0
    assert seeing.stop() == 0
    check_nothing_lost_nothing_doubled(stage, "2.8")
    assert _copied(pair.database) == stage.events()


@contextmanager
def fallen(stage: Stage, market: Market, to: float) -> Iterator[None]:
    """Have the price at a share of what it was, from the next block on, while inside."""
    driver = stage.devnet.driver
    before = driver.path
    with market.holding():
        price = int(before.price_at(driver.now) * to)
        driver.path = PricePath.of([(driver.now, price), (driver.now + 1, price)])
    try:
        yield
    finally:
        driver.path = before


def test_cut_off_from_the_database_a_holder_guards_alone_and_comes_back(pair):
    child = pair.born(pair.one)
    child.wait_calm()
    held = pair.one.stage.truth()
    pair.line.stall()
    _comes_to(pair.one, WITHOUT)
    child.wait_said("the guards alone")
    pair.line.heal()
    child.wait_said("every agent")
    assert pair.one.state() == HOLDER
    child.wait_calm()
    assert child.stop() == 0
    assert pair.one.stage.truth().operator_nonce == held.operator_nonce
    assert _copied(pair.database) == pair.one.stage.events()
