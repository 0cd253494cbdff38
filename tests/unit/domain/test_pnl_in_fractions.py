"""Lines are reckoned in whole numbers of one scale; plain fractions must give the same."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from tests.unit.domain.test_pnl_properties import happenings, move_price, starts, tried, wait

from leverd.domain import valuation
from leverd.domain.fixed_point import RAY
from leverd.domain.holdings import holdings_of
from leverd.domain.pnl import attribute
from leverd.domain.pnl_facts import FlowFact, GasFact, LiquidationFact, SwapFact
from leverd.domain.position import LegKind
from leverd.domain.reserves import normalized_debt, normalized_income


def rates_in(state):
    """Return what a raw unit of an asset is worth in the share class, by asset."""
    share_class = state.position.mandate.share_class
    assets = {*state.market.reserves, *state.position.idle, share_class}
    return {asset: valuation.rate(state, asset, share_class) for asset in assets}


def owned(state):
    """Return each leg of the position with its raw units, below zero when they are owed."""
    return [
        (leg, valuation.leg_amount(state, leg) * (-1 if leg.kind is LegKind.OWED else 1))
        for leg in state.position.legs()
    ]


def grown(before, after, leg):
    """Return what the index of a leg added to it, raw; below zero if it is owed."""
    was, is_now = before.market.reserves[leg.asset], after.market.reserves[leg.asset]
    if leg.kind is LegKind.SUPPLIED:
        gain = normalized_income(is_now, after.at) - normalized_income(was, before.at)
        return Fraction(leg.held * gain, RAY)
    rules = after.market.rules
    gain = normalized_debt(is_now, rules, after.at) - normalized_debt(was, rules, before.at)
    return -Fraction(leg.held * gain, RAY)


def lines_in_fractions(before, after, facts):
    """Return every line but the one that balances, each summed up and rounded once."""
    was, rates = rates_in(before), rates_in(after)
    interest = {LegKind.SUPPLIED: Fraction(0), LegKind.OWED: Fraction(0)}
    for leg in before.position.legs():
        if leg.kind is not LegKind.IDLE:
            interest[leg.kind] += grown(before, after, leg) * rates[leg.asset]
    price = sum((raw * (rates[leg.asset] - was[leg.asset]) for leg, raw in owned(before)), 0)
    swaps = [fact for fact in facts if isinstance(fact, SwapFact)]
    impact = [(x.sold - x.fee) * rates[x.sell] - x.bought * rates[x.buy] for x in swaps]
    seized = [
        fact.seized * rates[fact.collateral] - fact.cleared * rates[fact.debt]
        for fact in facts
        if isinstance(fact, LiquidationFact)
    ]
    gas = sum(fact.wei * fact.native_price for fact in facts if isinstance(fact, GasFact))
    dollar = 1 / valuation.rate(after, after.position.mandate.share_class)
    return {
        "price": round(price),
        "supply_interest": round(interest[LegKind.SUPPLIED]),
        "borrow_interest": round(interest[LegKind.OWED]),
        "staking": 0,
        "swap_fees": -round(sum(fact.fee * rates[fact.sell] for fact in swaps)),
        "price_impact": -round(sum(impact)),
        "gas": -round(Fraction(gas, 10**18) * dollar),
        "liquidation": -round(sum(seized)),
    }


@settings(max_examples=150)
@given(starts(), happenings)
def test_every_line_is_what_fractions_give(start, sequence):
    state = start
    for happening in sequence:
        done = tried(state, happening)
        if done is None:
            continue
        lines = attribute(state, done.state, done.facts).lines
        rounding = lines.pop("rounding")
        assert lines == lines_in_fractions(state, done.state, done.facts)
        rates = rates_in(done.state)
        flows = sum(fact.raw * rates[fact.asset] for fact in done.facts if type(fact) is FlowFact)
        change = holdings_of(done.state).equity - holdings_of(state).equity
        assert rounding == change - round(flows) - sum(lines.values()) + lines["gas"]
        state = done.state


@settings(max_examples=100)
@given(starts(), happenings)
def test_and_the_same_where_time_and_prices_move_in_the_same_stretch(start, sequence):
    later = wait(start, 40 * 86_400, None).state
    for size, (_, _, asset) in enumerate(sequence):
        later = move_price(later, 37 * size, asset).state
    lines = attribute(start, later, ()).lines
    del lines["rounding"]
    assert lines == lines_in_fractions(start, later, ())
