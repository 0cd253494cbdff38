"""What a daemon does under a lease, and what of it is left when the lease runs out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from tests import worlds
from tests.unit.settings.owner_file import SHIPPED, load

from leverd.adapters.sql_journal.lease import Title
from leverd.adapters.sql_journal.tenure import NAME
from leverd.agents import guardian
from leverd.bootstrap.daemon import Care, open_daemon
from leverd.bootstrap.leased import ALL, GUARDS, LeasedTuner, Post, TellingSupervisor
from leverd.bootstrap.seating import guardian_trigger
from leverd.domain.events import AlertRaised
from leverd.engine.tuning import Refused, Tuned
from leverd.errors import OwnerError


class Lease:
    """A tenure that a test gives and takes."""

    title = Title(3, "one")

    def __init__(self):
        self.held = True

    def holds(self):
        return self.held

    def circuits(self):
        return {NAME: "closed" if self.held else "open"}


@dataclass(frozen=True)
class Charter:
    """The part of a charter that a lease changes."""

    seats: dict[str, list[str]]
    settings_hash: str = "ab12"


class Inner:
    """A tuner that always has something to refuse."""

    def __init__(self):
        self.heard = []

    def offer(self, _charter, _views):
        return Refused(AlertRaised("", "X", "no"))

    def settled(self, offer):
        self.heard.append(offer)


EVERYONE = Charter({"eth-loop": ["loop", "guardian"]})


def guards_of(seats):
    return {name: [each for each in those if each == "guardian"] for name, those in seats.items()}


@pytest.fixture
def lease():
    return Lease()


def in_force(tuner, charter):
    """Take what is offered as a daemon does; return the charter and what it was told."""
    offer = tuner.offer(charter, {})
    if offer is None:
        return charter, None
    tuner.settled(offer)
    return (offer.charter, offer.event) if isinstance(offer, Tuned) else (charter, offer)


def test_while_the_lease_is_held_everything_is_as_the_settings_say(lease):
    assert LeasedTuner(lease, guards_of, None).offer(EVERYONE, {}) is None
    inner = Inner()
    charter, told = in_force(LeasedTuner(lease, guards_of, inner), EVERYONE)
    assert (charter, inner.heard) == (EVERYONE, [told])


def test_the_guards_are_left_alone_when_it_runs_out_and_everyone_is_back_when_it_is_renewed(lease):
    tuner = LeasedTuner(lease, guards_of, Inner())
    lease.held = False
    charter, told = in_force(tuner, EVERYONE)
    assert charter == Charter({"eth-loop": ["guardian"]})
    assert (told.changes, told.by, told.before, told.after) == ((GUARDS,), "lease", "ab12", "ab12")
    assert in_force(tuner, charter) == (charter, None), "said once, and no settings meanwhile"
    lease.held = True
    charter, told = in_force(tuner, charter)
    assert charter == EVERYONE
    assert told.changes == (ALL,)


def test_what_was_not_yet_taken_is_offered_again(lease):
    tuner = LeasedTuner(lease, guards_of, None)
    lease.held = False
    first = tuner.offer(EVERYONE, {})
    assert tuner.offer(EVERYONE, {}) == first
    lease.held = True
    assert tuner.offer(EVERYONE, {}) is None, "it never came into force"


def test_a_post_says_how_it_stands(lease):
    post = Post(None, lease)
    assert post.circuits() == {NAME: "closed"}
    assert post.title == Title(3, "one")
    assert post.standing() == "holds the lease, epoch 3"
    lease.held = False
    assert post.standing() == "WITHOUT THE LEASE, guards only"
    assert post.circuits() == {NAME: "open"}


def test_who_was_given_nothing_holds_nothing_and_copies_nothing():
    post = Post(None, None)
    assert not post.lease.holds()
    assert (post.title, post.circuits()) == (None, {NAME: "open"})
    assert post.standing() == "WITHOUT THE LEASE, guards only"


def test_a_supervisor_is_told_of_the_lease_with_every_turn():
    said = []

    class Systemd:
        def __getattr__(self, name):
            return lambda *given, **named: said.append((name, *given, *named.values()))

    goes_on = []
    told = TellingSupervisor(Systemd(), lambda: "holds", lambda: bool(goes_on))
    told.starting("the chain", 2.0)
    told.turned("fine", fresh=True)
    told.reloading()
    told.reloaded()
    told.pace(3.0)
    told.stopping("asked", 4.0)
    goes_on.append("the lease was lost: the process waits for it again")
    told.stopping("asked", 5.0)
    assert said == [
        ("starting", "holds: the chain", 2.0),
        ("turned", "holds: fine", True),
        ("reloading",),
        ("reloaded",),
        ("pace", 3.0),
        ("stopping", "asked", 4.0),
        ("turned", "holds: asked", False),
    ]


def test_the_trigger_is_the_guardians_own():
    settings, state = load(SHIPPED), worlds.at_leverage(Decimal("2.5"))
    agents = {"guardian": guardian.Params(deleverage_below=Decimal("1.3"))}
    position = settings.positions["eth-loop"].model_copy(update={"agents": agents})
    told = settings.model_copy(update={"positions": {"eth-loop": position}})
    assert guardian_trigger(told, "eth-loop", state) == 13 * 10**17
    derived = guardian_trigger(settings, "eth-loop", state)
    assert 10**18 < derived <= 12 * 10**17, "derived from what the loop asks for"


async def test_a_command_that_was_given_no_lease_does_not_act(tmp_path, monkeypatch):
    settings = load(SHIPPED)
    shared = settings.standby.model_copy(update={"enabled": True})
    monkeypatch.setattr("leverd.bootstrap.daemon.resolve", lambda *_, **__: None)
    with pytest.raises(OwnerError) as refused:
        await open_daemon(
            settings.model_copy(update={"standby": shared}), None, wait_s=1, care=Care()
        )
    assert refused.value.code == "LVD-OWN-131"


def test_a_charter_is_not_changed_in_place(lease):
    before = replace(EVERYONE)
    tuner = LeasedTuner(lease, guards_of, None)
    lease.held = False
    in_force(tuner, EVERYONE)
    assert before == EVERYONE
