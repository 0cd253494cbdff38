"""A paper position is in the journal alone: a restart finds it there, to the wei."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests import worlds
from tests.papers import ETHER, RealChain
from tests.simulated import chain_at
from tests.unit.engine.daemons import Stage
from tests.unit.settings.owner_file import load, write

from leverd.adapters.simulated import markets
from leverd.adapters.simulated.clock import SimulatedClock
from leverd.adapters.simulated.memory_journal import MemoryJournal, MemoryRequests
from leverd.adapters.simulated.paper import PaperVenue
from leverd.adapters.sql_journal import SqlJournal
from leverd.bootstrap.paper_memory import beginning, begun
from leverd.bootstrap.places import Places
from leverd.domain.events import (
    ExternalChanged,
    JournalPruned,
    PositionAdopted,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.plan_events import PlanCompleted, StepMismatched, StepVerified
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.domain.valuation import leverage
from leverd.errors import SettingsError

WETH, USDC = worlds.WETH, worlds.USDC
PAPER = "mode: paper\npaper: {deposit: 10, gas: 2, inclusion_blocks: 2}\n"


class Killed(BaseException):
    """The process is gone: nothing in it hears of that."""


class MortalJournal(MemoryJournal):
    """A journal whose owner dies at one of its commits, before it is durable or after."""

    def __init__(self, clock):
        super().__init__(clock)
        self.die, self.commits = None, 0

    async def append(self, *events, chain_at=0):
        self.commits += 1
        if self.die == ("before", self.commits):
            raise Killed
        done = await super().append(*events, chain_at=chain_at)
        if self.die == ("after", self.commits):
            raise Killed
        return done


class PaperStage(Stage):
    """A daemon whose position is on paper; each start begins with what the journal holds."""

    def __init__(self, folder, market=None):
        super().__init__()
        (folder / "paper.yaml").write_text(PAPER)
        self.settings = load(write(folder), folder / "paper.yaml")
        self.real = RealChain(chain_at())
        self.clock = SimulatedClock(self.real.chain, market)
        self.journal, self.requests = MortalJournal(self.clock), MemoryRequests()

    def begun(self):
        return begun(self.settings, places(), self.journal.replay())

    def daemon(self):
        blocks = self.settings.paper.inclusion_blocks
        self.venue = PaperVenue(
            self.real.window(), self.begun, (worlds.mandate(),), inclusion_blocks=blocks
        )
        return super().daemon()

    async def seen(self):
        found = await self.venue.observe([worlds.mandate()])
        return found, found.positions["loop"].state

    async def lives_and_dies(self, *die):
        self.journal.die, self.journal.commits = die, 0
        with pytest.raises(Killed):
            await self.live(30)
        self.journal.die = None


def places(*mandates, tokens=(WETH, USDC)):
    return Places(
        1, (), "ethereum", WETH, dict.fromkeys(tokens, "0x"), {}, {},
        mandates or (worlds.mandate(),), "", "", 1.0,
    )  # fmt: skip


def check_nothing_lost_nothing_doubled(stage, found, state):
    included = stage.events(SlotIncluded)
    spent = sum(each.gas_used * each.gas_price for each in included)
    assert found.gas.operator_balance == 2 * ETHER - spent
    acts = [each for each in included if each.succeeded]
    assert len(stage.events(StepVerified)) == len(acts)
    assert len({each.tx_hash for each in stage.events(AttemptSigned)}) == len(
        stage.events(AttemptSigned)
    )
    assert stage.events(StepMismatched, TradingStateChanged, ExternalChanged) == []
    assert len(stage.events(PositionAdopted)) == 1
    assert stage.real.chain.head.ledger.nonce == 0
    assert found.nonce == found.positions["loop"].sequence == len(included)


async def test_it_begins_with_the_deposit_and_opens(tmp_path):
    stage = PaperStage(tmp_path)
    await stage.live(8)
    found, state = await stage.seen()
    assert abs(leverage(state) - Decimal("2.5")) < Decimal("0.0001")
    adopted = stage.events(PositionAdopted)[0].snapshot
    assert (adopted.idle, adopted.supplied) == ({"WETH": 10 * WETH.unit}, {})
    assert [each.slot for each in stage.events(SlotIncluded)] == [0]
    check_nothing_lost_nothing_doubled(stage, found, state)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", range(1, 8))
async def test_killed_at_any_commit_it_goes_on_as_if_it_had_not_been(tmp_path, when, commit):
    stage = PaperStage(tmp_path)
    await stage.lives_and_dies(when, commit)
    await stage.live(12)
    found, state = await stage.seen()
    assert abs(leverage(state) - Decimal("2.5")) < Decimal("0.0001")
    assert not any(state.position.idle.values())
    check_nothing_lost_nothing_doubled(stage, found, state)


async def test_killed_again_and_again_it_still_comes_to_its_end(tmp_path):
    stage = PaperStage(tmp_path)
    for commit in (3, 4, 2, 3, 2, 4, 3):
        await stage.lives_and_dies("after", commit)
    await stage.live(12)
    found, state = await stage.seen()
    assert abs(leverage(state) - Decimal("2.5")) < Decimal("0.0001")
    check_nothing_lost_nothing_doubled(stage, found, state)


async def test_a_restart_knows_every_balance_to_the_wei(tmp_path):
    stage = PaperStage(tmp_path)
    await stage.live(8)
    _, before = await stage.seen()
    held = stage.venue.follow(stage.real.sight()).chain.head.ledger
    again = stage.begun()
    assert again.holders[worlds.mandate().account].loans == before.position.loans
    assert again.holders[worlds.mandate().account].sequence == 1
    assert (again.nonce, again.native) == (held.nonce, held.native) == (1, held.native)
    await stage.live(3)
    _, after = await stage.seen()
    assert after.position.loan == before.position.loan
    assert len(stage.events(PlanCompleted)) == 1


async def test_an_unwind_said_before_a_restart_is_done_after_it(tmp_path):
    stage = PaperStage(tmp_path)
    await stage.live(8)
    stage.journal.append_now(UnwindRequested("loop", "owner"))
    await stage.live(10)
    found, state = await stage.seen()
    assert not any(state.position.loan.debts.values())
    assert leverage(state) == 1
    lost = 10 * WETH.unit - state.position.idle[WETH]
    assert 0 < lost < WETH.unit // 10, "swap fees and impact, both ways"
    check_nothing_lost_nothing_doubled(stage, found, state)


async def test_a_crash_while_down_is_found_and_said_to_be_a_liquidation(tmp_path):
    stage = PaperStage(tmp_path)
    await stage.live(8)
    crash = (markets.priced(WETH, 2_100), markets.traded("weth-usdc", WETH, 2_100))
    stage.real.chain.change(*crash)
    stage.real.chain.mine(seconds=30 * 86_400)
    await stage.live(1)
    changed = stage.events(ExternalChanged)[0]
    assert (changed.cause, changed.explained) == ("liquidation", True)
    assert "LVD-REC-002" in stage.told.codes
    assert stage.begun().holders[worlds.mandate().account].loans["aave"].debts[USDC] < (
        45_000 * USDC.unit
    )


async def test_what_pruning_drops_is_not_paid_back_into_the_purse(tmp_path):
    stage = PaperStage(tmp_path)
    stage.journal.append_now(JournalPruned(5, 3, 2, 10**17), JournalPruned(9, 3, 2, 10**17))
    assert stage.begun().native == 2 * ETHER - 2 * 10**17
    stage.journal.append_now(JournalPruned(12, 3, 2, 10**19))
    assert stage.begun().native == 0


def test_each_position_begins_with_its_own_deposit(tmp_path):
    text = "paper: {deposit: 10, deposits: {short: 2500.5}, gas: 1}\nmode: paper\n"
    (tmp_path / "paper.yaml").write_text(text)
    shipped = write(tmp_path).read_text()
    both = tmp_path / "both.yaml"
    both.write_text(shipped.replace("\nlimits:  ", f"\n{_SHORT}\nlimits:  "))
    settings = load(both, tmp_path / "paper.yaml")
    long, short = worlds.mandate(), worlds.mandate(
        position_id="short", account="paper:short", collateral=USDC, debt=WETH
    )  # fmt: skip
    found = beginning(
        settings.model_copy(
            update={"journal": settings.journal.model_copy(update={"path": f"{tmp_path}/none.db"})}
        ),
        places(long, short),
    )
    assert found.holders[long.account].idle == {WETH: 10 * WETH.unit}
    assert found.holders[short.account].idle == {USDC: 2500_500_000}
    assert (found.nonce, found.block, found.native) == (0, 0, ETHER)


_SHORT = """  short:
    {account: none, lending: aave, pool: weth-usdc-500, collateral: USDC, debt: WETH,
     share_class: USD, agents: {guardian: {}}}
"""


async def test_a_journal_in_a_file_is_read_to_its_end(tmp_path):
    stage = PaperStage(tmp_path)
    await stage.live(8)
    path = tmp_path / "journal.db"
    journal = SqlJournal(path, stage.clock)
    for entry in stage.journal.replay():
        journal.append_now(entry.event, chain_at=entry.chain_at)
    journal.close()
    section = stage.settings.journal.model_copy(update={"path": str(path)})
    settings = stage.settings.model_copy(update={"journal": section})
    assert beginning(settings, places()) == stage.begun()


async def test_a_token_that_the_settings_forgot_is_missed_by_name(tmp_path):
    stage = PaperStage(tmp_path)
    await stage.live(8)
    with pytest.raises(SettingsError) as missed:
        begun(stage.settings, places(tokens=(WETH,)), stage.journal.replay())
    assert (missed.value.code, missed.value.place) == ("LVD-CFG-074", "tokens.USDC")
