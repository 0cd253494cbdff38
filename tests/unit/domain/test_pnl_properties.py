"""Whatever happens to a position, the lines account for every unit of its equity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from tests import worlds
from tests.unit.domain.test_pnl import kept
from tests.worlds import USDC, WETH

from leverd.domain import lending_actions, liquidation, loans
from leverd.domain.apply import apply_step, modelled_fills
from leverd.domain.fixed_point import RAY, WAD
from leverd.domain.holdings import holdings_kept, holdings_of
from leverd.domain.lending import AAVE_3_0, AAVE_3_5, INFINITE_HEALTH
from leverd.domain.money import USD, Amount
from leverd.domain.plan import Borrow, BuyExact, Repay, Step, StepKind, Supply, Swap, Withdraw
from leverd.domain.pnl import (
    Attribution,
    attribute,
    attribute_holdings,
    flow_value,
    rounding_limit,
    unexplained,
)
from leverd.domain.pnl_facts import Fact, FlowFact, GasFact, LiquidationFact, facts_of
from leverd.domain.state import State
from leverd.domain.units import UnitBook, advance
from leverd.errors import ImpossibleError

UNITS = {"weth": WETH, "usdc": USDC}


@dataclass(frozen=True)
class Happened:
    """What one draw made of a state, and the facts it leaves."""

    state: State
    facts: tuple[Fact, ...] = ()


def wait(state, seconds, _):
    return Happened(replace(state, at=state.at + seconds % (90 * 86_400)))


def move_price(state, permille, asset):
    reserve = state.market.reserves[asset]
    price = max(reserve.price * (700 + permille % 600) // 1000, 1)
    reserves = {**state.market.reserves, asset: replace(reserve, price=price)}
    return Happened(state.with_market(replace(state.market, reserves=reserves)))


def act(state, raw, asset):
    """Do one lending act or swap at a drawn size, as one transaction with its gas."""
    kind, raw = raw % 6, 1 + raw % (20 * asset.unit * (3000 if asset == USDC else 1))
    other = USDC if asset == WETH else WETH
    amount, any_other = Amount(asset, raw), Amount(other, 1)
    action = (
        Supply("aave", amount),
        Withdraw("aave", amount, everything=raw % 5 == 0),
        Borrow("aave", amount),
        Repay("aave", amount, everything=raw % 5 == 0),
        Swap("weth-usdc", amount, any_other),
        BuyExact("weth-usdc", amount, any_other),
    )[kind]
    return _transact(state, (action,))


def raise_leverage(state, raw, _):
    debt = Amount(USDC, 1 + raw % (20_000 * USDC.unit))
    swap = Swap("weth-usdc", debt, Amount(WETH, 1))
    actions = (swap, Supply("aave", Amount(WETH, 0), all_idle=True), Borrow("aave", debt))
    return _transact(state, actions)


def flow(state, raw, asset):
    """Let the owner put money in, or take idle money out."""
    idle = state.position.idle.get(asset, 0)
    raw = raw % (10 * asset.unit) if raw % 2 else -(raw % (idle + 1))
    position = state.position.with_idle(asset, raw)
    return Happened(replace(state, position=position), (FlowFact(asset, raw),))


def gift(state, raw, asset):
    """Let somebody supply on our behalf."""
    raw = 100 + raw % (10 * asset.unit)  # a single unit may be less than a scaled one
    moved = lending_actions.supply(state.market, state.position.loan, asset, raw, state.at)
    position = state.position.with_loan("aave", moved.loan)
    return Happened(
        replace(state.with_market(moved.market), position=position), (FlowFact(asset, raw),)
    )


def liquidated(state, raw, _):
    done = liquidation.liquidate(state.market, state.position.loan, WETH, USDC, raw, state.at)
    taken = LiquidationFact(
        USDC, done.debt_covered, WETH, done.collateral_seized + done.protocol_fee
    )
    written_off = (LiquidationFact(a, x, WETH, 0) for a, x in done.bad_debt.items())
    position = state.position.with_loan("aave", done.loan)
    state = replace(state.with_market(done.market), position=position)
    return Happened(state, (taken, *written_off))


def _transact(state, actions):
    step = Step(StepKind.SINGLE, actions, health_min=0)
    fills = modelled_fills(state, step, state.at)
    after = apply_step(state, step, fills)
    gas = GasFact(wei=10**15 + 7, native_price=state.market.reserves[WETH].price)
    return Happened(after, (*facts_of(state, step, fills), gas))


happenings = st.lists(
    st.tuples(
        st.sampled_from([wait, move_price, act, act, raise_leverage, flow, gift, liquidated]),
        st.integers(0, 10**24),
        st.sampled_from([WETH, USDC]),
    ),
    min_size=1,
    max_size=14,
)


@st.composite
def starts(draw):
    """Draw a world with odd indexes, either rounding, a share class, and money in it."""
    posted = draw(st.integers(1, 40))
    debt = posted * draw(st.integers(0, 2_300))
    state = worlds.state(posted=posted, debt=debt, idle=3, idle_debt=500)
    odd = {
        asset: replace(
            reserve,
            liquidity_index=RAY + draw(st.integers(0, RAY)),
            borrow_index=RAY + draw(st.integers(0, RAY)),
            price=reserve.price + draw(st.integers(0, 10**7)),
        )
        for asset, reserve in state.market.reserves.items()
    }
    rules = draw(st.sampled_from([AAVE_3_0, AAVE_3_5]))
    state = state.with_market(replace(state.market, reserves=odd, rules=rules))
    share_class = draw(st.sampled_from([USD, WETH, USDC]))
    mandate = replace(state.position.mandate, share_class=share_class)
    return replace(state, position=replace(state.position, mandate=mandate))


def tried(state, happening):
    """Return what came of a happening, or nothing where the venue refuses it."""
    do, size, asset = happening
    try:
        done = do(state, size, asset)
    except ImpossibleError:
        event(f"{do.__name__} refused")
        return None
    event(f"{do.__name__} done")
    return done


@settings(max_examples=150)
@given(starts(), happenings)
def test_the_lines_of_every_stretch_sum_to_the_change_of_equity_less_flows(start, sequence):
    state, whole, flows, book = start, Attribution(), 0, UnitBook()
    share_class = start.position.mandate.share_class
    book = advance(book, whole, *[holdings_of(start).equity] * 2, share_class)
    for happening in sequence:
        done = tried(state, happening)
        if done is None:
            continue
        before, after = holdings_of(state), holdings_of(done.state)
        lines = attribute(state, done.state, done.facts)
        came = flow_value(after, done.facts)
        assert lines.total == after.equity - before.equity - came + lines.gas
        assert abs(lines.rounding) <= rounding_limit(before, after, done.facts)
        book = advance(book, lines, came, after.equity, share_class)
        whole, flows, state = whole + lines, flows + came, done.state
    change = holdings_of(state).equity - holdings_of(start).equity
    assert whole.total == change - flows + whole.gas


@settings(max_examples=100)
@given(starts(), st.integers(1, 10**8), st.integers(0, 10**24), happenings)
def test_time_prices_and_one_transaction_may_share_a_stretch(start, seconds, move, sequence):
    later = wait(start, seconds, None).state
    for asset in (WETH, USDC):
        later = move_price(later, move, asset).state
    for happening in sequence:
        if happening[0] not in (act, raise_leverage):
            continue
        done = tried(later, happening)
        if done is None:
            continue
        lines = attribute(start, done.state, done.facts)
        change = holdings_of(done.state).equity - holdings_of(start).equity
        assert lines.total == change + lines.gas
        again = attribute_holdings(
            holdings_kept(kept(start), start), holdings_of(done.state), done.facts
        )
        assert again == lines


@settings(max_examples=100)
@given(starts(), st.sampled_from([WETH, USDC]), st.integers(10, 10**24), st.booleans())
def test_an_untold_flow_is_found_to_the_unit_and_never_swallowed(start, asset, raw, posted):
    done = gift(start, raw, asset) if posted else flow(start, raw | 1, asset)
    told = done.facts[0].raw
    found = unexplained(holdings_of(start), holdings_of(done.state), ())
    if abs(told) > 8:
        assert [each.asset for each in found] == [asset]
        assert abs(found[0].raw - told) <= 4
        attribute(start, done.state, found)


@given(starts(), st.integers(300, 999), st.integers(1, 10**11))
def test_a_liquidation_is_accounted_for_with_the_fall_before_it(start, permille, cover):
    health = loans.summarise(start.market, start.position.loan, start.at).health
    assume(health < INFINITE_HEALTH)
    reserve = start.market.reserves[WETH]
    fallen = replace(reserve, price=reserve.price * WAD * permille // (health * 1000))
    crashed = start.with_market(
        replace(start.market, reserves={**start.market.reserves, WETH: fallen})
    )
    done = tried(crashed, (liquidated, cover, WETH))
    assume(done is not None)
    lines = attribute(start, done.state, done.facts)
    assert lines.total == holdings_of(done.state).equity - holdings_of(start).equity
    if start.position.mandate.share_class == USD:
        per_usdc = Fraction(crashed.market.reserves[USDC].price, 10**6)
        per_weth = Fraction(fallen.price, 10**18)
        gains = (fact.cleared * per_usdc - fact.seized * per_weth for fact in done.facts)
        assert lines.liquidation == round(sum(gains))


def test_a_walk_through_everything_meets_every_line():
    state, whole = worlds.state(posted=10, debt=15_000, idle=3, idle_debt=500), Attribution()
    health = loans.summarise(state.market, state.position.loan, state.at).health
    assert WAD < health < INFINITE_HEALTH
    for do, size, asset in (
        (wait, 40 * 86_400, WETH),
        (act, 4 + 6 * 10**17, WETH),
        (raise_leverage, 2_000 * 10**6, WETH),
        (flow, 10**18 + 1, WETH),
        (move_price, 0, WETH),
        (move_price, 0, WETH),
        (liquidated, 10**12, WETH),
    ):
        done = do(state, size, asset)
        whole += attribute(state, done.state, done.facts)
        state = done.state
    lines = whole.lines
    assert lines.pop("staking") == 0
    assert all(lines.values()), lines
    assert lines["rounding"] < 10**3
    assert min(whole.supply_interest, 0) == 0 > whole.borrow_interest
    assert max(whole.swap_fees, whole.price_impact, whole.gas, whole.liquidation) < 0
