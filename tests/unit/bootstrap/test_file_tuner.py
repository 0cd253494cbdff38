"""Files that change under a running daemon: read whole, judged whole, offered once."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import worlds
from tests.unit.settings.owner_file import KINDS, SHIPPED

from leverd.bootstrap.renewal import Fault, Fresh, Renewed
from leverd.bootstrap.seating import seats_of
from leverd.bootstrap.sources import Source
from leverd.bootstrap.tuning import STILL_S, FileTuner, Hands, tuned
from leverd.engine.charter import Charter
from leverd.engine.pace import Pace
from leverd.engine.tuning import Refused, Tuned
from leverd.engine.turn import Timing
from leverd.errors import SecretError

VIEWS = {"eth-loop": worlds.view(worlds.at_leverage(Decimal("2.5")))}


class Clock:
    """Time that a test moves."""

    def __init__(self):
        self.at = 1000.0

    def monotonic(self):
        return self.at


class Told:
    """A supervisor that remembers the names of what it hears."""

    def __init__(self):
        self.said = []

    def __getattr__(self, name):
        return lambda *given: self.said.append(name)


class Read:
    """Secrets that are read at once, with what a test says came of it."""

    def __init__(self):
        self.outcome, self.is_busy, self.begun, self.forgotten = Renewed(), False, [], 0

    def is_reading(self):
        return self.is_busy

    def result(self, digest):
        return self.outcome

    def begin(self, settings, digest, open_, done):
        self.begun.append((digest, open_, done))
        self.is_busy = True

    def forget(self):
        self.forgotten += 1
        self.is_busy = False


class Stage:
    """A file, a tuner that looks at it, and a charter that runs."""

    def __init__(self, folder, *, fits=lambda settings: True):
        self.file = folder / "settings.yaml"
        self.file.write_text(SHIPPED.read_text())
        self.stamp = 0
        self.clock, self.told, self.applied, self.naps = Clock(), Told(), [], []
        self.secrets = Read()
        source = Source([self.file])
        self.begun_with = settings = source.load(KINDS)
        self.charter = self.made(settings, None)
        hands = Hands(
            clock=self.clock,
            supervisor=self.told,
            kinds=KINDS,
            charter_of=self.made,
            fits=fits,
            apply=self.applied.append,
            renewal=self.secrets,
        )
        self.tuner = FileTuner(source, settings, hands)
        self.tuner._again = self.naps.append

    def made(self, settings, before):
        made = Charter(
            version="0",
            mode=settings.mode,
            settings_hash=settings.fingerprint(),
            mandates=[],
            seats={name: seats_of(settings, name) for name in settings.positions},
            limits=settings.limits.limits(),
            timing=Timing(settings.engine.inclusion_delay_s, 600),
            pace=Pace(settings.engine.look_s_max, settings.engine.look_s_min),
            speed=1.0,
            stop_grace_s=30.0,
        )
        return made if before is None else tuned(before, made)

    def write(self, *edits):
        text = SHIPPED.read_text()
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.raw(text)

    def raw(self, text):
        self.file.write_text(text)
        self.stamp += 1  # whatever the file system's clock can tell apart
        os.utime(self.file, ns=(self.stamp, self.stamp))

    def look(self, views=VIEWS):
        return self.tuner.offer(self.charter, views)

    def settle(self, views=VIEWS):
        """Look, wait until the file counts as still, look again, and take what is offered."""
        first = self.look(views)
        self.clock.at += STILL_S
        offer = first or self.look(views)
        if offer is not None:
            self.tuner.settled(offer)
        if isinstance(offer, Tuned):
            self.charter = offer.charter
        return offer


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def test_what_changed_before_anybody_looked_is_taken_at_the_first_look(stage):
    """As between reading the settings and acting by them, or while another machine acts."""
    assert stage.tuner.in_force is stage.begun_with
    stage.write(("look_s_max: 60 ", "look_s_max: 48 "))
    late = FileTuner(stage.tuner._source, stage.begun_with, stage.tuner._hands)
    late._again = stage.naps.append
    offer = late.offer(stage.charter, VIEWS)
    assert isinstance(offer, Tuned)
    late.settled(offer)
    assert late.in_force.engine.look_s_max == 48
    assert late.offer(stage.charter, VIEWS) is None


def test_nothing_is_offered_where_the_file_says_what_runs(stage):
    assert stage.look() is None
    assert stage.told.said == []


TIGHTER = ("leverage_max: 3  ", "leverage_max: 2.9")
LOOSER = ("leverage_max: 3  ", "leverage_max: 3.1")


def test_nothing_changed_is_nothing_offered(stage):
    assert stage.settle() is None
    assert stage.naps == []


def test_a_file_that_tightens_is_taken_by_itself_once(stage):
    stage.write(TIGHTER)
    offer = stage.settle()
    assert isinstance(offer, Tuned)
    assert offer.event.changes == ("limits.leverage_max: 3 -> 2.9 (tightens)",)
    assert offer.event.by == "file"
    assert offer.event.before != offer.event.after == stage.charter.settings_hash
    assert offer.charter.limits.leverage_max == Decimal("2.9")
    assert [settings.fingerprint() for settings in stage.applied] == [offer.event.after]
    assert stage.settle() is None
    assert "reloading" not in stage.told.said


def test_agents_and_limits_change_in_one_charter(stage):
    stage.write(TIGHTER, ("target: 2.5  ", "target: 2.4  "), ("look_s_max: 60", "look_s_max: 30"))
    offer = stage.settle()
    assert isinstance(offer, Tuned)
    assert len(offer.event.changes) == 3
    assert offer.charter.pace.look_s_max == 30
    targets = [
        getattr(seat.agent.params, "target", None) for seat in offer.charter.seats["eth-loop"]
    ]
    assert targets == [Decimal("2.4")] * 2, "the guardian is told what the loop asks for now"


def test_a_file_that_loosens_anything_is_refused_whole_and_said_once(stage):
    stage.write(LOOSER, ("trades_day_max: 24", "trades_day_max: 20"))
    offer = stage.settle()
    assert isinstance(offer, Refused)
    assert offer.alert.code == "LVD-CFG-091"
    assert "limits.leverage_max: 3 -> 3.1 (loosens)" in offer.alert.message
    assert "kill -HUP" in offer.alert.message
    assert stage.applied == []
    assert stage.settle() is None


def test_a_signal_takes_what_the_file_alone_may_not(stage):
    stage.write(LOOSER)
    assert isinstance(stage.settle(), Refused)
    stage.tuner.ask()
    offer = stage.settle()
    assert isinstance(offer, Tuned)
    assert offer.event.by == "signal"
    assert stage.told.said == ["reloading", "pace", "reloaded"]


def test_a_signal_without_a_difference_is_answered(stage):
    stage.tuner.ask()
    assert stage.settle() is None
    assert stage.told.said == ["reloading", "reloaded"]


def test_a_typo_is_refused_with_its_line_and_answered(stage):
    stage.write(("leverage_max: 3  ", "leverage_mxa: 3  "))
    stage.tuner.ask()
    offer = stage.settle()
    assert isinstance(offer, Refused)
    line = 1 + stage.file.read_text().splitlines().index(
        next(each for each in stage.file.read_text().splitlines() if "leverage_mxa" in each)
    )
    assert f"settings.yaml:{line}: limits.leverage_mxa" in offer.alert.message
    assert "Did you mean 'leverage_max'?" in offer.alert.message
    assert stage.told.said == ["reloading", "reloaded"]
    stage.write(TIGHTER)  # and mended
    assert isinstance(stage.settle(), Tuned)


def test_a_contradiction_is_refused(stage):
    stage.write(("health_min: 1.15 ", "health_min: 1.01 "))
    stage.tuner.ask()
    assert "LVD-CFG-008" in stage.settle().alert.message


def test_what_takes_a_restart_is_refused_with_what_could_have_changed_too(stage):
    stage.write(TIGHTER, ("stop_mb: 2000", "stop_mb: 1900"))
    stage.tuner.ask()
    offer = stage.settle()
    assert offer.alert.code == "LVD-CFG-092"
    assert "memory.stop_mb: 2000 -> 1900 (needs a restart)" in offer.alert.message
    assert "leverage_max" not in offer.alert.message
    assert stage.applied == []


def test_a_higher_fee_than_the_signer_was_started_with_takes_a_restart(tmp_path):
    stage = Stage(tmp_path, fits=lambda settings: settings.limits.gas_price_gwei_worst <= 300)
    stage.write(("gas_price_gwei_worst: 300", "gas_price_gwei_worst: 900"), TIGHTER)
    stage.tuner.ask()
    offer = stage.settle()
    assert offer.alert.code == "LVD-CFG-092"
    assert "gas_price_gwei_worst: 300 -> 900" in offer.alert.message
    assert "leverage_max" not in offer.alert.message


def test_what_the_market_does_not_allow_is_refused(stage):
    stage.write(("health_min: 1.15 ", "health_min: 1.90 "))
    offer = stage.settle()
    assert offer.alert.code == "LVD-FEA-001"
    assert "1.9" in offer.alert.message


def test_a_tightening_that_does_not_yet_suffice_is_taken_all_the_same(stage):
    """The market has left the old settings behind too: less risk is never refused."""
    stage.write(("gap: 0.12", "gap: 0.60"))
    stage.tuner.ask()
    assert isinstance(stage.settle(), Refused)
    stage.tuner._settings = stage.tuner._source.load(KINDS)  # as if they had been kept once
    stage.write(("gap: 0.12", "gap: 0.60"), TIGHTER)
    offer = stage.settle()
    assert isinstance(offer, Tuned), offer


def test_a_file_is_left_alone_until_it_is_still(stage):
    stage.write(TIGHTER)
    assert stage.look() is None
    stage.clock.at += STILL_S / 2
    stage.write(("leverage_max: 3  ", "leverage_max: 2.8"))
    assert stage.look() is None
    stage.clock.at += STILL_S / 2
    assert stage.look() is None, "still since the second write only"
    assert stage.naps, "and it looks again soon"
    stage.clock.at += STILL_S / 2
    offer = stage.look()
    assert isinstance(offer, Tuned)
    assert "2.8" in offer.event.changes[0]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_half_a_file_is_never_taken(stage, share):
    whole = SHIPPED.read_text().replace(*TIGHTER)
    stage.raw(whole[: int(len(whole) * share)])
    assert stage.look() is None
    stage.clock.at += STILL_S
    offer = stage.look()  # a writer that hung for that long: refused, not taken
    assert isinstance(offer, Refused)
    stage.tuner.settled(offer)
    stage.raw(whole)
    assert isinstance(stage.settle(), Tuned)


def test_a_file_that_changes_while_it_is_read_is_read_again(stage):
    stage.write(TIGHTER)
    stage.look()
    stage.clock.at += STILL_S
    source = stage.tuner._source

    class Racing(Source):
        def load(self, kinds):
            loaded = Source.load(self, kinds)
            stage.write(LOOSER)
            return loaded

    stage.tuner._source = Racing(source.files)
    assert stage.look() is None
    assert stage.naps == [STILL_S, STILL_S] or stage.naps[-1] == STILL_S
    stage.tuner._source = source
    assert isinstance(stage.settle(), Refused), "what is there now loosens"


def test_a_file_that_is_gone_for_a_moment_is_no_matter(stage):
    text = stage.file.read_text()
    stage.file.unlink()
    assert stage.look() is None
    stage.clock.at += STILL_S / 2
    stage.raw(text)
    assert stage.look() is None
    stage.clock.at += STILL_S
    assert stage.look() is None


def test_a_comment_or_a_touch_changes_nothing(stage):
    stage.raw(SHIPPED.read_text())
    assert stage.settle() is None
    stage.raw(SHIPPED.read_text() + "# a note\n")
    assert stage.settle() is None
    assert stage.applied == []


def test_before_the_first_view_nothing_is_judged_and_a_signal_is_kept(stage):
    stage.write(LOOSER)
    stage.tuner.ask()
    assert stage.settle(views={}) is None
    assert isinstance(stage.settle(), Tuned)


def test_with_watching_off_only_a_signal_counts(tmp_path):
    stage = Stage(tmp_path)
    off = ("watch: true", "watch: false")
    stage.write(off)
    stage.tuner.ask()
    assert isinstance(stage.settle(), Tuned)
    stage.write(off, TIGHTER)
    assert stage.settle() is None
    stage.tuner.ask()
    assert isinstance(stage.settle(), Tuned)


async def test_a_signal_wakes_the_daemon_and_so_does_a_file_once_it_is_still(tmp_path):
    stage = Stage(tmp_path)
    del stage.tuner._again
    woken = asyncio.Event()
    stage.tuner.rouse = woken.set
    stage.tuner.ask()
    assert woken.is_set()
    woken.clear()
    stage.tuner._again(0.01)
    async with asyncio.timeout(5):
        await woken.wait()


def test_what_runs_keeps_all_that_a_restart_is_for(stage):
    stage.write(TIGHTER)
    before = stage.charter
    offer = stage.settle()
    same = replace(
        offer.charter,
        settings_hash=before.settings_hash,
        seats=before.seats,
        limits=before.limits,
        timing=before.timing,
        pace=before.pace,
    )
    assert same == before


FAULT = Fault(("key",), SecretError("it does not open", number=13, remedy="the right one"))
ELSEWHERE = ("{file: var/devnet/operator.password}", "{credential: operator}")


def test_a_signal_has_secrets_read_beside_the_turns_and_taken_between_two(stage):
    taken = []
    stage.secrets.outcome = None
    stage.tuner.ask()
    assert stage.settle() is None
    ((digest, open_, done),) = stage.secrets.begun
    assert digest == stage.tuner._source.digest()
    assert list(open_) == ["eth-loop"]
    assert done == stage.tuner.rouse
    assert stage.settle() is None, "turns go on meanwhile"
    assert stage.told.said == ["reloading"]
    stage.secrets.is_busy = False
    stage.secrets.outcome = Renewed((Fresh("alerts.to: read anew", lambda: taken.append(1)),))
    offer = stage.look()
    assert isinstance(offer, Tuned)
    assert taken == [], "not before it is journaled"
    assert offer.event.changes == ("alerts.to: read anew",)
    assert offer.event.before == offer.event.after
    stage.tuner.settled(offer)
    assert taken == [1]
    assert stage.told.said == ["reloading", "pace", "reloaded"]


def test_without_a_signal_no_secret_is_read(stage):
    stage.secrets.outcome = None
    stage.write(TIGHTER)
    assert isinstance(stage.settle(), Tuned)
    assert stage.secrets.begun == []


def test_a_secret_that_is_not_good_is_said_and_holds_no_setting_back(stage):
    stage.secrets.outcome = Renewed((Fresh("alerts.to: read anew", lambda: None),), (FAULT,))
    stage.write(TIGHTER)
    stage.tuner.ask()
    offer = stage.settle()
    assert isinstance(offer, Tuned)
    assert stage.charter.limits.leverage_max == Decimal("2.9")
    assert stage.told.said[-1] != "reloaded", "there is more to say"
    later = stage.settle()
    assert isinstance(later, Refused)
    assert later.alert.code == "LVD-KEY-013"
    assert "the old ones stay in use: key: " in later.alert.message
    assert stage.told.said[-1] == "reloaded"
    assert stage.settle() is None


def test_a_secret_that_is_not_good_is_said_also_when_nothing_else_differs(stage):
    stage.secrets.outcome = Renewed((), (FAULT,))
    stage.tuner.ask()
    offer = stage.settle()
    assert isinstance(offer, Refused)
    assert offer.alert.code == "LVD-KEY-013"
    assert stage.settle() is None
    stage.tuner.ask()
    assert isinstance(stage.settle(), Refused), "asked again, it is said again"


def test_another_place_of_a_secret_is_taken_if_it_is_good_there(stage):
    stage.write(ELSEWHERE)
    assert isinstance(stage.settle(), Refused), "not by the file alone"
    stage.tuner.ask()
    offer = stage.settle()
    assert isinstance(offer, Tuned)
    assert "key.password.credential: unset -> operator (is tried)" in offer.event.changes


def test_another_place_without_a_good_secret_refuses_the_settings_whole(stage):
    stage.secrets.outcome = Renewed((), (FAULT,))
    stage.write(ELSEWHERE, TIGHTER)
    stage.tuner.ask()
    offer = stage.settle()
    assert isinstance(offer, Refused)
    assert offer.alert.code == "LVD-KEY-013"
    assert stage.applied == []
    assert stage.settle() is None


def test_asked_again_while_they_are_read_they_are_read_anew(stage):
    stage.secrets.outcome = None
    stage.tuner.ask()
    stage.settle()
    stage.tuner.ask()
    assert stage.secrets.forgotten == 2
    stage.settle()
    assert len(stage.secrets.begun) == 2


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    return Stage(tmp_path_factory.mktemp("busy"))


TEXT = SHIPPED.read_text()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 40),
    st.text(max_size=12),
    st.booleans(),
)
def test_whatever_is_written_the_old_charter_or_a_whole_new_one_runs(busy, at, gone, put, asked):
    before = busy.charter
    busy.raw(TEXT[:at] + put + TEXT[at + gone :])
    if asked:
        busy.tuner.ask()
    offer = busy.settle()
    if isinstance(offer, Tuned):
        loaded = busy.tuner._source.load(KINDS)
        assert offer.charter.settings_hash == loaded.fingerprint()
        assert offer.charter.limits == loaded.limits.limits()
    else:
        assert busy.charter is before
    assert not busy.tuner._asked
