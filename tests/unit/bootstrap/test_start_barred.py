"""What is wrong with one position at a start never keeps the others from being guarded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests import worlds
from tests.spots import Told
from tests.unit.bootstrap.test_spot import settings_at as spot_settings_at
from tests.unit.bootstrap.test_start_infeasible import IDLE, LEVERED, World

from leverd.adapters.evm import codes
from leverd.adapters.evm.findings import Finding, Severity
from leverd.bootstrap import one_shot, places, service
from leverd.bootstrap.places import PoolPlace
from leverd.domain.events import AlertRaised
from leverd.domain.money import Asset
from leverd.domain.severity import Severity as Gravity
from leverd.domain.severity import severity_of
from leverd.domain.view import TradingState
from leverd.errors import NonsenseError, OwnerError, SettingsError

WRONG = OwnerError("it takes calls from another", number=62, remedy="appoint our key")
BLIND = NonsenseError("no contract", number=2, place="venues.other.factory", remedy="correct it")


def about(*names, watchable=False, error=WRONG):
    return Finding(Severity.ERROR, error, frozenset(names), watchable)


SHARED = Finding(Severity.ERROR, OwnerError("no gas", number=64, remedy="send some"))


class Fading:
    """Findings that are there for the first `times` only."""

    def __init__(self, found, times):
        self._found, self._left = found, times

    def __iter__(self):
        self._left -= 1
        return iter(self._found if self._left >= 0 else [])


class Start(World):
    """A start at which `found` is wrong, until whoever it is about is left out."""

    def __init__(self, folder, monkeypatch, *found, levered=True):
        super().__init__(folder, monkeypatch, levered=levered)
        self.found, self.opened, self.closed, self.told = found, [], 0, Told()
        monkeypatch.setattr(service.start_checks, "findings", self._findings)
        monkeypatch.setattr(one_shot, "open_daemon", self._open)

    async def _findings(self, _chain, mandates):
        there = {each.position_id for each in mandates}
        out = set(self.opened[-1])
        return [
            each
            for each in self.found
            if each.positions is None or each.positions & there or not (each.positions or out)
        ]

    async def _open(self, *_, care, only="", **__):
        self.opened.append(tuple(sorted(care.apart)))

        async def close():
            self.closed += 1

        kept = [
            each
            for each in self.mandates
            if each.position_id not in care.apart and only in {"", each.position_id}
        ]
        return SimpleNamespace(
            chain=SimpleNamespace(venue=self.venue),
            charter=SimpleNamespace(mandates=kept),
            recorder=self.recorder,
            remember=self.recorder.restore,
            beside=SimpleNamespace(notifier=self.told),
            close=close,
        )

    def alerts(self):
        said = [each.event for each in self.journal.replay()]
        return [each for each in said if isinstance(each, AlertRaised)]


async def test_one_that_may_be_looked_at_is_only_lowered_and_the_levered_one_is_guarded(
    tmp_path, monkeypatch
):
    world = Start(tmp_path, monkeypatch, about(IDLE, watchable=True))
    begun = await world.begin()
    assert [each.position_id for each in begun.charter.mandates] == [LEVERED, IDLE]
    assert world.states() == {IDLE: TradingState.REDUCING}
    (alert,) = world.alerts()
    assert world.told.alerts == [alert]
    assert (alert.position_id, alert.code) == (IDLE, "LVD-GRD-004")
    assert WRONG.code in alert.message
    assert WRONG.remedy in alert.message
    assert severity_of(alert.code) is Gravity.CRITICAL


async def test_a_second_start_says_it_again_and_changes_nothing_twice(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch, about(IDLE, watchable=True))
    await world.begin()
    before = len(list(world.journal.replay()))
    await world.begin()
    again = [each.event for each in world.journal.replay()][before:]
    assert [type(each) for each in again] == [AlertRaised]


async def test_one_that_cannot_be_looked_at_is_left_out_and_the_levered_one_is_guarded(
    tmp_path, monkeypatch
):
    world = Start(tmp_path, monkeypatch, about(IDLE, error=BLIND))
    begun = await world.begin()
    assert [each.position_id for each in begun.charter.mandates] == [LEVERED]
    assert (world.opened, world.closed) == ([(), (IDLE,)], 1)
    assert world.states() == {}
    (alert,) = world.alerts()
    assert world.told.alerts == [alert]
    assert (alert.position_id, alert.code) == (IDLE, "LVD-GRD-004")
    assert "nobody guards it" in alert.message
    assert BLIND.code in alert.message


async def test_a_venue_that_nobody_uses_is_left_out(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch, about(error=BLIND))
    begun = await world.begin()
    assert [each.position_id for each in begun.charter.mandates] == [LEVERED, IDLE]
    assert world.opened == [(), ("",)]
    assert world.alerts() == []


@pytest.mark.parametrize("watchable", [True, False])
@pytest.mark.parametrize("whose", [(LEVERED,), (IDLE,), (LEVERED, IDLE)])
async def test_where_nothing_levered_could_be_guarded_the_start_is_refused(
    watchable, whose, tmp_path, monkeypatch
):
    """Either what is wrong is about the levered one, or nobody owes anything."""
    wrong = about(*whose, watchable=watchable)
    world = Start(tmp_path, monkeypatch, wrong, levered=LEVERED in whose)
    with pytest.raises(OwnerError) as refused:
        await world.begin()
    assert refused.value is WRONG
    assert world.closed == len(world.opened)
    assert world.states() == {}
    assert world.alerts() == []


async def test_what_all_share_refuses_the_start(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch, about(IDLE, watchable=True), SHARED)
    with pytest.raises(OwnerError) as refused:
        await world.begin()
    assert refused.value is SHARED.error
    assert (world.closed, world.alerts()) == (1, [])


async def test_what_spot_holds_is_guarded_though_the_only_levered_one_is_barred(
    tmp_path, monkeypatch
):
    world = Start(tmp_path, monkeypatch, about(LEVERED, watchable=True))
    world.settings = world.settings.model_copy(update={"spot": spot_settings_at(tmp_path).spot})
    await world.buy_spot()
    assert await world.begin() is not None
    assert world.states() == {LEVERED: TradingState.REDUCING}


async def test_an_unwind_of_one_asks_nothing_of_the_others(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch, about(IDLE), about(error=BLIND))
    opened, barred = await one_shot._opened(world.settings, world.clock, LEVERED)
    assert [each.position_id for each in opened.charter.mandates] == [LEVERED]
    assert world.opened == [(), ("", IDLE)]
    one_shot._check(opened, barred)


async def test_an_unwind_of_one_that_nothing_can_be_done_about_is_refused(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch, about(IDLE, watchable=True))
    opened, barred = await one_shot._opened(world.settings, world.clock, IDLE)
    with pytest.raises(OwnerError):
        one_shot._check(opened, barred)


def garbled(name):
    return about(name, error=NonsenseError("no number", number=codes.MALFORMED))


@pytest.mark.parametrize(("times", "left"), [(1, ()), (2, ()), (3, (IDLE,))])
async def test_only_who_answers_without_sense_over_and_over_is_left_out(
    times, left, tmp_path, monkeypatch
):
    world = Start(tmp_path, monkeypatch)
    world.found = Fading([garbled(IDLE)], times)
    monkeypatch.setattr(service, "_RETRY_S", 0.01)
    begun = await world.begin(wait_s=60.0)
    kept = {each.position_id for each in begun.charter.mandates}
    assert {LEVERED, IDLE} - kept == set(left)
    assert {each.position_id for each in world.alerts()} == set(left)


def with_account(settings, name, account):
    position = settings.positions[name].model_copy(update={"account": account})
    return settings.model_copy(update={"positions": {**settings.positions, name: position}})


async def test_one_without_an_account_leaves_the_levered_one_guarded(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch)
    world.settings = with_account(world.settings, IDLE, "none")
    begun = await world.begin()
    assert [each.position_id for each in begun.charter.mandates] == [LEVERED]
    assert world.opened == [(IDLE,)]
    (alert,) = world.alerts()
    assert "LVD-CFG-075" in alert.message


async def test_one_without_an_account_is_not_unwound_and_the_other_is(tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch)
    settings = with_account(world.settings, IDLE, "none")
    with pytest.raises(SettingsError) as refused:
        await one_shot._opened(settings, world.clock, IDLE)
    assert (refused.value.code, world.opened) == ("LVD-CFG-075", [])
    opened, barred = await one_shot._opened(settings, world.clock, LEVERED)
    assert [each.position_id for each in opened.charter.mandates] == [LEVERED]
    one_shot._check(opened, barred)


@pytest.mark.parametrize("names", [(IDLE,), (LEVERED, IDLE)])
async def test_where_nothing_is_levered_an_account_is_wanted(names, tmp_path, monkeypatch):
    world = Start(tmp_path, monkeypatch, levered=False)
    for name in names:
        world.settings = with_account(world.settings, name, "none")
    with pytest.raises(SettingsError) as refused:
        await world.begin()
    assert refused.value.code == "LVD-CFG-075"
    assert world.closed == len(world.opened)


def test_places_without_a_position_lack_what_only_it_used():
    both = [worlds.WETH, worlds.USDC]
    other = Asset("OTHER", 18)
    whole = places.Places(
        chain_id=1,
        rpc=("http://127.0.0.1:1",),
        profile="local",
        native=worlds.WETH,
        tokens=dict.fromkeys([*both, other], "0x1"),
        lending={"aave": "0x2", "spare": "0x3"},
        pools={
            "weth-usdc": PoolPlace((worlds.WETH, worlds.USDC), 500, "0x4", "0x5", ""),
            "odd": PoolPlace((worlds.WETH, other), 500, "0x4", "0x5", ""),
        },
        mandates=(
            worlds.mandate(position_id=LEVERED),
            worlds.mandate(position_id=IDLE, pool="odd", debt=other, lending="spare"),
        ),
        owner="",
        account_factory="",
        speed=1.0,
    )
    assert places.without(whole, ()) is whole
    left = places.without(whole, {IDLE})
    assert [each.position_id for each in left.mandates] == [LEVERED]
    assert (set(left.tokens), set(left.lending), set(left.pools)) == (
        set(both),
        {worlds.mandate().lending},
        {worlds.mandate().pool},
    )
