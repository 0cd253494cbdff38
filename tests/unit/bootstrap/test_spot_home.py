"""What is held or in flight is traded where it was bought, or nothing is traded at all."""

from __future__ import annotations

from contextlib import closing

import pytest
from tests.spots import ACCOUNT, NOW, SpotStage, holding
from tests.unit.bootstrap.test_spot import close, opened, settings_at, trader_of
from tests.unit.bootstrap.test_spot_key import Signing
from tests.unit.settings.test_spot_settings import LOCAL, MARKET, SENT
from tests.unit.spot.test_spot_desk import heard
from tests.unit.spot.test_spot_fold import settled, signed

from leverd.adapters.simulated.spot_venue import SimulatedSpot
from leverd.adapters.sql_journal import SqlJournal
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import spot, spot_preflight
from leverd.bootstrap.checks import Status
from leverd.bootstrap.spot_home import check_home, home_of
from leverd.domain.fixed_point import WAD
from leverd.domain.spot import OpenOrder, Spot
from leverd.domain.spot_events import SpotMarked, SpotOpened, SpotOrderPlanned, SpotWrittenOff
from leverd.domain.spot_home import PAPER, SpotHome
from leverd.errors import JournalForeignError, LeverdError, SecretError

OTHER = "0x" + "cd" * 32
ELSEWHERE = (f'"{MARKET}"', f'"{OTHER}"')
HOME = SpotHome("inj1me", MARKET, "injective-1", 0)


def trader(settings, begun, clock):
    """Return the trader, the code of why there is none where there is none."""
    try:
        return trader_of(settings, begun, clock)
    except LeverdError as error:
        return error.code


def bought(account, market=MARKET):
    return SpotOrderPlanned("spot", market, account, "buy", "enter", 20 * WAD, WAD, "r")


def begins(home):
    return SpotOpened("spot", home.account, home.market_id, home.chain_id, home.subaccount)


@pytest.mark.parametrize(
    ("home", "place", "was"),
    [
        (SpotHome("inj1me", OTHER, "injective-1", 0), "spot.limits.market_id", MARKET),
        (SpotHome("inj1me", MARKET, "injective-1", 2), "spot.venue.subaccount", "0"),
        (SpotHome("inj1me", OTHER, "injective-888", 2), "spot.venue.chain_id", "injective-1"),
    ],
)
@pytest.mark.parametrize("flying", [False, True])
def test_it_says_what_is_where_and_what_to_set_back(home, place, was, flying):
    held = Spot(home=HOME, order=OpenOrder(bought("inj1me"))) if flying else holding(home=HOME)
    with pytest.raises(JournalForeignError) as caught:
        check_home(held, home)
    error = caught.value
    assert (error.code, error.place) == ("LVD-JRN-022", place)
    assert f"set it back to {was};" in error.remedy
    assert "leverd unwind spot" in error.remedy
    tied = "an order is in flight" if flying else "5 is held"
    assert error.message.startswith(f"{tied} where {place.rpartition('.')[2]} is {was}, and spot")
    check_home(held, HOME)
    check_home(Spot(home=HOME), home)
    check_home(holding(home=SpotHome()), home)


@pytest.mark.parametrize(
    ("was", "now", "place", "words"),
    [
        ("inj1me", "inj1you", "spot.access", "name the old key again"),
        (PAPER, "inj1you", "spot.orders", "set it back"),
        ("inj1me", PAPER, "spot.orders", "set it back"),
    ],
)
def test_another_account_is_told_by_what_named_it(was, now, place, words):
    held = holding(home=SpotHome(was, MARKET, "injective-1", 0))
    with pytest.raises(SecretError, match="5 is held for") as caught:
        check_home(held, SpotHome(now, OTHER, "injective-1", 0))
    assert (caught.value.code, caught.value.place) == ("LVD-KEY-053", place)
    assert words in caught.value.remedy


def test_paper_has_one_purse_whatever_the_subaccount_is_called(tmp_path):
    section = settings_at(tmp_path, ("subaccount: 0 ", "subaccount: 7 ")).spot
    assert home_of(section, "inj1me") == SpotHome("inj1me", MARKET, "injective-1", 7)
    assert home_of(section, PAPER) == SpotHome(PAPER, MARKET, "injective-1", 0)


async def on_paper(folder, stage, monkeypatch, *edits):
    """Return a trader on paper over the stage's book, or why there is none."""
    stage.exchange.open("nobody", {"inj": 100 * WAD})
    real = SimulatedSpot(stage.exchange, "nobody")
    monkeypatch.setattr(spot, "_injective", lambda *_: real)
    begun = opened(stage)
    return begun, trader(settings_at(folder, *edits), begun, stage.clock)


@pytest.mark.parametrize("ends", [(settled(5, 100),), ()])
async def test_with_another_market_named_nothing_of_its_coins_is_sold(tmp_path, monkeypatch, ends):
    stage = SpotStage()
    stage.says(bought(PAPER), signed(0), *ends, heard())
    before = stage.events()
    begun, trading = await on_paper(tmp_path, stage, monkeypatch, ELSEWHERE)
    assert trading == "LVD-JRN-022"
    assert stage.events() == before
    await close(begun, None)
    begun, trading = await on_paper(tmp_path, stage, monkeypatch)
    assert trading.venue.account == PAPER
    await close(begun, trading)


async def test_with_nothing_held_or_in_flight_the_market_may_be_another(tmp_path, monkeypatch):
    stage = SpotStage()
    stage.says(
        bought(PAPER), signed(0), settled(5, 100),
        SpotOrderPlanned("spot", MARKET, PAPER, "sell", "exit", 1, 1, "r"), signed(1),
        settled(5, 90),
    )  # fmt: skip
    begun, trading = await on_paper(tmp_path, stage, monkeypatch, ELSEWHERE)
    assert trading.venue._beginning.quote == 1_000 * WAD  # what was lost elsewhere is not missing
    await close(begun, trading)


async def test_what_is_sent_is_tied_to_its_subaccount_and_chain(tmp_path):
    made = Signing(tmp_path)
    await made.buys(made.account)
    home = SpotHome(made.account, MARKET, "injective-1", 0)
    await made.begun.recorder.append(begins(home), chain_at=101)
    await close(made.begun, made.trading)
    access = ("credential: leverd-injective", f"file: {made.key}")
    for edit in (("subaccount: 0 ", "subaccount: 1 "),
                 ("chain_id: injective-1\n", "chain_id: injective-888\n")):  # fmt: skip
        settings = settings_at(tmp_path, access, SENT, *LOCAL, edit)
        made.begun = opened(made.stage)
        assert trader(settings, made.begun, SystemClock()) == "LVD-JRN-022"
        await close(made.begun, None)
    again = opened(made.stage)
    trading = trader(made.settings, again, SystemClock())
    assert (trading.desk._charter.chain_id, trading.desk._charter.subaccount) == ("injective-1", 0)
    assert trading.desk._home == home
    await close(again, trading)


async def test_a_rest_that_was_written_off_ties_neither_key_nor_market(tmp_path):
    made = Signing(tmp_path)
    await made.buys(made.account)
    made.write(made.other)
    with pytest.raises(SecretError):
        await made.tried()
    off = SpotWrittenOff("spot", WAD, 20 * WAD, "r")
    await made.begun.recorder.append(off, chain_at=101)
    assert (await made.tried()).told.startswith("spot.access: trades for inj1")
    await close(made.begun, made.trading)
    access = ("credential: leverd-injective", f"file: {made.key}")
    settings = settings_at(tmp_path, access, SENT, *LOCAL, ELSEWHERE)
    begun = opened(made.stage)
    trading = trader(settings, begun, SystemClock())
    assert trading.desk._home.market_id == OTHER
    await close(begun, trading)


def journaled(settings, *events):
    with closing(SqlJournal(settings.journal.path, SystemClock())) as journal:
        journal.append_now(*events, chain_at=NOW)


@pytest.mark.parametrize(("account", "code"), [(PAPER, "LVD-JRN-022"), (ACCOUNT, "LVD-KEY-053")])
def test_the_doctor_sees_it_too(tmp_path, account, code):
    settings = settings_at(tmp_path, ELSEWHERE)
    assert spot_preflight._ties(settings, settings.spot, None) == []
    mark = SpotMarked("spot", 1, WAD, 20 * WAD, 0, 0, 0, NOW)
    journaled(settings, bought(account), signed(), settled(1, 20), mark)
    (bad,) = spot_preflight._ties(settings, settings.spot, None)
    assert (bad.code, bad.status) == (code, Status.BAD)
