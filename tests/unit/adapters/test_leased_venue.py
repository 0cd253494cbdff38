"""Without the lease a deleverage is signed to act only below the guardian's trigger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from eth_account import Account
from tests import worlds
from tests.unit.adapters.test_leased_signer import FREE, Lease, asked

from leverd.adapters.evm import account_calls
from leverd.adapters.evm.allow_list import AllowList
from leverd.adapters.evm.leased_signer import LeasedSigner
from leverd.adapters.evm.leased_venue import LeasedVenue
from leverd.adapters.evm.venue import EvmVenue
from leverd.domain.plan import Step, StepKind
from leverd.errors import RefusedError
from leverd.interfaces.venue import Fees, Observed, Order

ACCOUNT = "0x" + "1" * 40
TRIGGER = 12 * 10**17
MANDATE = worlds.mandate()
STEPS = {kind: Step(kind, (), health_min=10**18) for kind in StepKind}


@dataclass
class Told:
    """What reached the venue beneath."""

    steps: list[Step]
    sent: list[tuple[bytes, bool]]


@pytest.fixture
def told(monkeypatch):
    """Put a venue without a chain beneath."""
    told = Told([], [])
    state = worlds.state()
    seen = SimpleNamespace(
        positions={MANDATE.position_id: Observed(state, 7, atomic=True, trusted=True,
                                                 health_reported=0)}
    )  # fmt: skip

    async def observe(_self, _mandates):
        return seen

    async def rehearse(_self, _mandate, step, _sequence, _deadline):
        told.steps.append(step)
        return 300_000

    async def sign(_self, order):
        told.steps.append(order.step)

    async def send(_self, payload, *, private=False):
        told.sent.append((payload, private))

    for each in (observe, rehearse, sign, send):
        monkeypatch.setattr(EvmVenue, each.__name__, each)
    return told


@pytest.fixture
def lease():
    return Lease()


@pytest.fixture
def signer(lease):
    allow = AllowList(1, account_calls.rules(ACCOUNT), max_fee=10**11)
    return LeasedSigner(Account.from_key("0x" + "ab" * 32), allow, None, lease)


@pytest.fixture
def venue(lease, signer, told):
    client = SimpleNamespace()

    def trigger(name, _state):
        assert name == MANDATE.position_id
        return TRIGGER

    return LeasedVenue(SimpleNamespace(), client, signer, None, None, lease, trigger)


def order(step):
    return Order(MANDATE, step, 3, 7, 9, 300_000, Fees(1, 1))


async def played(venue, step):
    await venue.rehearse(MANDATE, step, 7, 9)
    await venue.sign(order(step))


@pytest.mark.parametrize("kind", StepKind)
async def test_the_holder_acts_as_the_plan_says(venue, told, kind):
    await venue.observe([MANDATE])
    await played(venue, STEPS[kind])
    assert told.steps == [STEPS[kind]] * 2


@pytest.mark.parametrize("kind", [StepKind.LOWER, StepKind.CLOSE])
async def test_without_the_lease_it_acts_only_below_the_trigger(venue, told, lease, kind):
    await venue.observe([MANDATE])
    lease.held = False
    await played(venue, STEPS[kind])
    assert told.steps == [replace(STEPS[kind], health_below=TRIGGER)] * 2


async def test_a_stricter_condition_of_the_plan_stands(venue, told, lease):
    await venue.observe([MANDATE])
    lease.held = False
    step = replace(STEPS[StepKind.LOWER], health_below=11 * 10**17)
    await played(venue, step)
    assert told.steps == [step] * 2


@pytest.mark.parametrize("kind", [StepKind.RAISE, StepKind.SINGLE])
async def test_what_the_account_does_not_fence_is_left_for_the_signer_to_refuse(
    venue, told, lease, kind
):
    await venue.observe([MANDATE])
    lease.held = False
    await played(venue, STEPS[kind])
    assert told.steps == [STEPS[kind]] * 2


async def test_a_position_never_seen_has_no_trigger_and_so_no_fence(venue, told, lease):
    lease.held = False
    await played(venue, STEPS[StepKind.LOWER])
    assert told.steps == [STEPS[StepKind.LOWER]] * 2


async def test_the_lease_is_asked_for_right_before_sending(venue, told, lease, signer):
    payload = signer.sign(asked(FREE[0])).payload
    await venue.send(payload, private=True)
    lease.held = False
    with pytest.raises(RefusedError):
        await venue.send(payload)
    assert told.sent == [(payload, True)]
