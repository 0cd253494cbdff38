"""The simulated venue keeps what every venue promises."""

from __future__ import annotations

import pytest
from tests import worlds
from tests.contract.venue_suite import VenueSuite, World
from tests.simulated import venue_at


class TestSimulatedVenue(VenueSuite):
    @pytest.fixture
    async def world(self) -> World:
        state = worlds.state(idle=10)
        venue = venue_at(state)
        return World(venue, venue.chain, state.position.mandate)
