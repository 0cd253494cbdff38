"""The kernel's numbers are those of whole numbers, whatever the past and the parameters."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.unit.sweep.pasts import walk
from tests.unit.sweep.runs import exact, fast, put_in, real

from leverd.backtest.sweep.agreement import TOLERANCE, disagreement
from leverd.backtest.sweep.checking import CLEAR
from leverd.backtest.sweep.configuration import Configuration, rows, sound


def ratios(low: float, high: float) -> st.SearchStrategy[int]:
    return st.integers(round(low * 10**9), round(high * 10**9))


@st.composite
def configurations(draw) -> Configuration:
    """Draw parameters that mean something, often extreme ones."""
    threshold = draw(st.integers(5_000, 9_800))
    most = 1 / (1 - threshold / 10_000)
    target = draw(ratios(1.01, max(1.02, min(most * 0.97, 8.9))))
    health = threshold / 10_000 * target / (target - 10**9)
    trigger = draw(st.just(0) | ratios(1.0001, 1.0001 + max(health - 1.001, 0) * 0.99))
    found = Configuration(
        target=target,
        band_low=draw(st.just(target) | st.integers(10**9, target)),
        band_high=draw(st.just(target) | st.integers(target, 9 * 10**9)),
        health_floor=draw(st.just(0) | ratios(1, 1 + max(health - 1, 0) * 0.99)),
        guardian_below=trigger,
        guardian_to=draw(st.just(0) | ratios(1.2, 3)) if trigger else 0,
        fee=draw(st.integers(0, 10_000)),
        threshold=threshold,
        depth=draw(st.just(0) | st.integers(10**9, 10**17)),
        gas=draw(st.just(0) | st.integers(0, 50 * 10**8)),
    )
    assume(sound(rows([found]))[0])
    return found


@st.composite
def pasts(draw):
    """Draw a past: calm or wild, of ether, of a token with eight places, or a short."""
    kind = draw(st.sampled_from(["ether", "coarse", "short"]))
    said = {
        "ether": {},
        "coarse": {"collateral_decimals": 8, "amount": 10**9},
        "short": {"collateral_decimals": 6, "debt_decimals": 18, "amount": 10**11, "price": 1.0},
    }[kind]
    return walk(
        draw(st.integers(2, 700)),
        seed=draw(st.integers(0, 2**32)),
        spread=draw(st.sampled_from([0.0005, 0.005, 0.02, 0.08])),
        drift=draw(st.sampled_from([-0.002, 0.0, 0.002])),
        rates=draw(st.sampled_from([(0.02, 0.05), (0.0, 0.0), (0.3, 1.5)])),
        period=draw(st.sampled_from([1, 7, 24])),
        bonus=draw(st.sampled_from([0, 500, 1_500])),
        **said,
    )


@settings(deadline=None, max_examples=150)
@given(configurations(), pasts())
def test_the_kernel_agrees_with_the_bare_loop_unless_it_says_it_was_on_an_edge(configuration, past):
    ours = fast(configuration, past)
    if ours.edge >= TOLERANCE:
        assert disagreement(ours, exact(configuration, past), put_in(past)) == ""


@settings(deadline=None, max_examples=60)
@given(configurations(), pasts())
def test_the_agents_do_what_the_kernel_does_unless_it_says_that_they_may_not(configuration, past):
    ours = fast(configuration, past)
    if ours.edge >= CLEAR and not ours.shallow:
        theirs = real(configuration, past)
        assert disagreement(ours, theirs.outcome, put_in(past), theirs.loose) == ""


@settings(deadline=None, max_examples=150)
@given(configurations(), pasts())
def test_passing_blocks_gives_the_same_bits_as_looking_at_each_point(configuration, past):
    assert fast(configuration, past) == fast(configuration, past, blocks=False)
