"""The key of spot read anew: the same account's taken, another's only while nothing ties it."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest
from tests.spots import SpotStage
from tests.unit.bootstrap.test_spot import close, opened, settings_at, trader_of
from tests.unit.settings.test_spot_settings import LOCAL, MARKET, SENT
from tests.unit.spot.test_spot_fold import signed

from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.renewal import Renewal
from leverd.bootstrap.signing_alone import spot_lock
from leverd.bootstrap.spot_opening import opening_of
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotOrderPlanned, SpotOrderSettled
from leverd.errors import JournalLockedError, SecretError

CHAIN = "injective-1"


def key(folder, name):
    """Return a key of this test's own: an account is locked on the whole machine."""
    return sha256(f"{folder} {name}".encode()).hexdigest()


class Signing:
    """A trader that signs, over a journal of its own."""

    def __init__(self, folder):
        self.key = folder / "trader"
        self.one, self.other = key(folder, "one"), key(folder, "other")
        self.write(self.one)
        access = ("credential: leverd-injective", f"file: {self.key}")
        self.settings = settings_at(folder, access, SENT, *LOCAL)
        self.stage = SpotStage()
        self.begun = opened(self.stage)
        self.trading = trader_of(self.settings, self.begun, SystemClock())

    def write(self, text):
        self.key.write_text(text)
        self.key.chmod(0o600)

    @property
    def account(self):
        return self.trading.venue.account

    @property
    def codes(self):
        return self.stage.told.codes

    async def tried(self):
        return await self.trading.holder.tried(self.settings, [])

    async def buys(self, account, *, settled=True):
        """Have the journal know of a purchase by `account`."""
        events = [
            SpotOrderPlanned("spot", MARKET, account, "buy", "enter", 20 * WAD, WAD, "r"),
            signed(),
        ]
        if settled:
            events.append(SpotOrderSettled("spot", "lv1", "closed", WAD, 20 * WAD, 0, 9, ""))
        await self.begun.recorder.append(*events, chain_at=100)


@pytest.fixture
async def signing(tmp_path):
    made = Signing(tmp_path)
    yield made
    await close(made.begun, made.trading)


def is_free(account):
    try:
        spot_lock(CHAIN, account).release()
    except JournalLockedError:
        return False
    return True


async def test_the_same_key_spelled_another_way_is_taken_and_nothing_is_new(signing):
    before, signer = signing.account, signing.trading.venue._signer
    signing.write(f"0x{signing.one.upper()}\n")
    await signing.buys(before)
    fresh = await signing.tried()
    assert fresh.told == ""
    fresh.take()
    assert signing.account == before
    assert signing.trading.venue._signer is not signer


async def test_another_account_is_traded_for_from_the_next_turn_on(signing):
    before = signing.account
    signing.write(signing.other)
    fresh = await signing.tried()
    assert fresh.told.startswith("spot.access: trades for inj1")
    assert signing.other not in fresh.told
    fresh.take()
    assert signing.account == before  # a turn may be under way
    signing.trading.desk._changed()
    after = signing.account
    assert after != before
    assert fresh.told.endswith(after)
    assert signing.trading.venue._subaccount == signing.trading.venue._signer.subaccount(0)
    assert is_free(before)
    assert not is_free(after)
    signing.trading.lock.release()
    assert is_free(after)
    assert signing.codes == []


@pytest.mark.parametrize(("settled", "words"), [(True, "1 is held"), (False, "in flight")])
async def test_another_account_is_refused_while_something_ties_it(signing, settled, words):
    before = signing.account
    await signing.buys(before, settled=settled)
    signing.write(signing.other)
    with pytest.raises(SecretError, match=words) as caught:
        await signing.tried()
    assert caught.value.code == "LVD-KEY-053"
    assert before in str(caught.value)
    signing.write(signing.one)
    assert (await signing.tried()).told == ""


async def test_what_was_bought_since_it_was_tried_is_not_left_behind(signing):
    before = signing.account
    signing.write(signing.other)
    fresh = await signing.tried()
    await signing.buys(before)
    fresh.take()
    signing.trading.desk._changed()
    assert (signing.account, signing.codes) == (before, ["LVD-KEY-053"])
    assert not is_free(before)


async def test_an_account_that_another_process_trades_for_is_left_to_it(signing):
    before = signing.account
    signing.write(signing.other)
    fresh = await signing.tried()
    with spot_lock(CHAIN, fresh.told.rpartition(" ")[2]):
        fresh.take()
        signing.trading.desk._changed()
        assert (signing.account, signing.codes) == (before, ["LVD-JRN-004"])
    assert not is_free(before)


async def test_what_is_no_key_is_refused_and_the_old_one_stays(signing):
    signing.write("word")
    with pytest.raises(SecretError, match="LVD-KEY"):
        await signing.tried()
    signing.key.unlink()
    with pytest.raises(SecretError, match="LVD-KEY-001"):
        await signing.tried()
    signing.settings = signing.settings.model_copy(update={"spot": None})
    assert await signing.tried() is None


async def test_it_is_read_with_the_others_once_it_is_added(signing):
    renewal = Renewal(())
    renewal.add(signing.trading.holder)
    signing.write(signing.other)
    found = await renewal._read(signing.settings, [])
    assert [each.partition(":")[0] for each in found.told] == ["spot.access"]


@pytest.mark.parametrize("settled", [True, False])
async def test_a_start_with_another_accounts_key_trades_nothing_and_says_so(tmp_path, settled):
    made = Signing(tmp_path)
    account = made.account
    await close(made.begun, made.trading)
    made.begun = opened(made.stage)
    await made.buys("inj1before", settled=settled)
    await opening_of(made.settings, made.begun, SystemClock()).run(asyncio.Event())
    assert made.codes == ["LVD-KEY-053"]
    assert is_free(account)
    await close(made.begun, None)
