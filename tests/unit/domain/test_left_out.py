"""What is left out means nothing: of a new position, and in entries of an older journal.

Fields that came later have a default, so that what was written before them is still read. It
has to mean what was true then.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import get_args

import pytest

from leverd.domain import lending
from leverd.domain.course import Course
from leverd.domain.events import Event, PnlRecorded
from leverd.domain.fills import Fill
from leverd.domain.lending import LendingAccount, ReserveParams
from leverd.domain.money import USD, Asset
from leverd.domain.plan_events import StepVerified
from leverd.domain.quiet import Band, Quiet
from leverd.domain.slot_events import AttemptSigned
from leverd.domain.snapshot import Snapshot
from leverd.domain.spot import OpenOrder, Spot
from leverd.domain.spot_events import SpotAttemptSigned, SpotOrderSettled
from leverd.domain.spot_home import SpotHome
from leverd.domain.units import UnitBook
from leverd.domain.view import Portfolio, Record, TradingState, View
from leverd.execution.recovery import Known

SAID = {
    Record: {"trading_state": TradingState.ACTIVE},
    Portfolio: {"active_positions": 1},
    View: {"venue_trusted": True, "sources_agree": 1},
    ReserveParams: {"active": True, "borrowing_enabled": True},
    AttemptSigned: {"way": "public"},
    PnlRecorded: {"share_class": "USD", "share_decimals": 8},
    SpotAttemptSigned: {"purpose": "place"},
    SpotOrderSettled: {"exact": True},
    Spot: {"trades_on": (0, 0), "home": SpotHome()},
    StepVerified: {"proof": "states"},
}
RECORDS = [Snapshot, *get_args(Event)]


def left_out(kind):
    """Return what the fields of a record are when nobody says."""
    found = {}
    for field in fields(kind):
        if field.default is not MISSING:
            found[field.name] = field.default
        elif field.default_factory is not MISSING:
            found[field.name] = field.default_factory()
    return found


@pytest.mark.parametrize(
    "kind",
    [
        *RECORDS,
        Course,
        Fill,
        Known,
        LendingAccount,
        OpenOrder,
        Portfolio,
        Record,
        ReserveParams,
        Spot,
        SpotHome,
        UnitBook,
    ],
)
def test_what_is_left_out_means_nothing_unless_it_is_said_here(kind):
    said = SAID.get(kind, {})

    for name, value in left_out(kind).items():
        if name in said:
            assert value == said[name], name
        else:
            assert not value, name


def test_a_view_is_trusted_and_of_one_source_unless_somebody_doubts_it():
    found = left_out(View)
    assert (found["venue_trusted"], found["sources_agree"], found["plain"]) == (True, 1, False)
    assert (found["record"], found["portfolio"]) == (Record(), Portfolio())


def test_a_promise_that_bounds_nothing_bounds_nothing():
    assert set(left_out(Quiet).values()) == {Band()}


def test_dollars_have_eight_decimals_as_oracles_count_them():
    assert Asset("USD", 8) == USD


def test_each_version_of_the_rules_bears_its_name():
    names = [
        rules.name for name, rules in sorted(vars(lending).items()) if name.startswith("AAVE_3_")
    ]
    assert names == [f"aave-3.{minor}" for minor in (0, 3, 4, 5, 6, 7)]
