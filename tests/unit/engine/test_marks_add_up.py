"""Whatever happened between two marks, and whatever the book says of it, they add up."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests import worlds
from tests.worlds import USDC, WETH

from leverd.domain.fixed_point import RAY, WAD
from leverd.engine import accounting
from leverd.engine.book import Page

INDEXES = st.integers(RAY, 3 * RAY)
RATES = st.none() | st.integers(0, 2 * WAD)


@st.composite
def seen(draw):
    """Return a state: any balances, prices, indexes and staking rate."""
    whole = st.integers(0, 10**24)
    state = worlds.state(price=draw(st.integers(100, 9_000)))
    reserves = {
        asset: replace(
            reserve, liquidity_index=draw(INDEXES), borrow_index=draw(INDEXES), updated_at=state.at
        )
        for asset, reserve in state.market.reserves.items()
    }
    rate = draw(RATES)
    staking = {} if rate is None else {WETH: rate}
    state = state.with_market(replace(state.market, reserves=reserves, staking=staking))
    loan = replace(
        state.position.loan,
        supplies={asset: raw for asset in (WETH, USDC) if (raw := draw(whole))},
        debts={asset: raw for asset in (WETH, USDC) if (raw := draw(whole))},
    )
    position = replace(state.position.with_loan("aave", loan), idle={WETH: draw(whole)})
    return replace(state, position=position)


LEGS = st.sampled_from(["owed:USDC", "owed:WETH", "supplied:WETH", "supplied:USDC", "owed:ARB"])
TAKEN = st.dictionaries(LEGS, st.integers(-(10**24), 10**24))


@given(seen(), seen(), TAKEN, st.integers(0, 10**18))
def test_lines_and_flow_are_what_equity_changed_by(before, after, taken, gas):
    stamp = worlds.view().stamp
    first = accounting.mark(Page(), before, stamp, 0)
    page = Page(marked=first, taken=taken, gas_unmarked=gas)
    found = accounting.mark(page, after, stamp, 3_000 * 10**8)
    lines = found.attribution
    gained = sum(lines.values()) - lines["gas"] + found.flow
    assert gained == found.snapshot.equity - first.snapshot.equity
    owed = any(leg.startswith("owed:") and leg != "owed:ARB" and taken[leg] < 0 for leg in taken)
    supplied = any(leg.startswith("supplied:") and taken[leg] < 0 for leg in taken)
    if not (owed and supplied):
        assert lines["liquidation"] == 0
