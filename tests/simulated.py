"""Chains in memory for tests, made from the small worlds of tests.worlds."""

from __future__ import annotations

from tests import worlds

from leverd.adapters.simulated.chain import SimulatedChain
from leverd.adapters.simulated.ledger import Holder, Ledger
from leverd.adapters.simulated.venue import SimulatedVenue

ETHER = 10**18


def chain_at(state=None, *, more=(), **terms) -> SimulatedChain:
    """Return a chain whose world is `state`; `more` are states of further positions in it."""
    state = worlds.state(idle=10) if state is None else state
    states = (state, *more)
    holders = {
        each.position.mandate.account: Holder(each.position.loans, each.position.idle)
        for each in states
    }
    genesis = Ledger(state.at, state.lending, state.pools, holders, 0, 10 * ETHER)
    mandates = {each.position.mandate.account: each.position.mandate for each in states}
    fields = {"base_fee": 20 * worlds.GWEI, **terms}
    return SimulatedChain(genesis, mandates=mandates, **fields)


def venue_at(state=None, *, more=(), faults=None, atomic=True, **terms) -> SimulatedVenue:
    """Return a venue on such a chain."""
    return SimulatedVenue(chain_at(state, more=more, **terms), faults=faults, atomic=atomic)
