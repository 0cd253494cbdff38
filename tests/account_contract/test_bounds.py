"""What the owner's bounds and a plan's own minimums refuse, and what they let pass."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from tests.account_contract import hostile
from tests.account_contract import signatures as sign
from tests.account_contract.terms import WAD
from tests.account_contract.test_one_transaction import QUOTE_OUT, quote
from tests.account_contract.vault import ALL, DAY, DOLLAR, ETHER, fund, mined

pytestmark = pytest.mark.chain

NEVER = 2**64 - 1
SELL = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"


def set_terms(vault, **changes):
    """Have the owner set other bounds; return the vault that knows them."""
    changed = replace(vault, terms=replace(vault.terms, **changes))
    changed.own(sign.SET_BOUNDS, changed.terms.words)
    return changed


def skew(vault, dollars):
    """Sell a lot of ether into the pool, so that it pays less than the oracle says."""
    local, roles = vault.local, vault.local.deployment.roles
    local.node.rpc.ask("anvil_setBalance", roles.arbitrageur, hex(10**23))
    weth, usdc = local.token("WETH"), local.token("USDC")
    words = (weth, usdc, 500, roles.arbitrageur, NEVER, dollars * ETHER // 3_000, 0, 0)
    mined(local, roles.arbitrageur, local.deployment.router, SELL, words)


# The plan's minimums.


def test_a_minimum_missed_by_one_unit_reverts_and_met_exactly_passes(levered):
    bought = quote(levered, "USDC", "WETH", 100 * DOLLAR)
    short = levered.adjusting(100 * DOLLAR, buy_min=bought + 1)
    assert "bought too little" in levered.refusal(sign.RAISE, *short)
    exact = levered.adjusting(100 * DOLLAR, buy_min=bought)
    assert levered.refusal(sign.RAISE, *exact) == ""
    bought = quote(levered, "WETH", "USDC", ETHER)
    short = levered.adjusting(ETHER, buy_min=bought + 1)
    assert "bought too little" in levered.refusal(sign.LOWER, *short)
    assert levered.refusal(sign.LOWER, *levered.adjusting(ETHER, buy_min=bought)) == ""


def test_closing_sells_at_most_what_it_was_told(levered):
    sold = quote(levered, "WETH", "USDC", levered.debt(), QUOTE_OUT)
    short = (levered.swap_pool, sold - 1, 0)
    assert "sold too much" in levered.refusal(sign.CLOSE, *short)
    assert levered.refusal(sign.CLOSE, levered.swap_pool, sold, 0) == ""


def test_a_plans_own_health_holds_beside_the_owners(levered):
    ask = levered.adjusting(1_000 * DOLLAR, health_min=13 * WAD // 10)
    assert "health too low" in levered.refusal(sign.RAISE, *ask)
    ask = levered.adjusting(ETHER, health_min=2 * WAD)
    assert "health too low" in levered.refusal(sign.LOWER, *ask)
    assert "health too low" in levered.refusal(sign.WITHDRAW, 10**15, 2 * WAD, 0)
    assert "health too low" in levered.refusal(sign.BORROW, DOLLAR, 2 * WAD)


# Acting only below a health.


def test_a_guarded_call_acts_only_below_its_trigger(levered):
    health = levered.health
    for signature, args in (
        (sign.RAISE, levered.adjusting(DOLLAR, health_below=health)),
        (sign.LOWER, levered.adjusting(ETHER, health_below=health)),
        (sign.CLOSE, (levered.swap_pool, ALL, health)),
        (sign.WITHDRAW, (10**15, 0, health)),
    ):
        assert "health is not below" in levered.refusal(signature, *args), signature
        eager = [health + 1 if word == health else word for word in args]
        assert levered.refusal(signature, *eager) == "", signature


# The owner's floor.


def test_no_call_that_raises_risk_ends_below_the_floor(levered):
    floor = levered.terms.health_min
    too_much = levered.adjusting(35_000 * DOLLAR)
    assert "health too low" in levered.refusal(sign.RAISE, *too_much)
    assert "health too low" in levered.refusal(sign.BORROW, 11_000 * DOLLAR, 0)
    assert levered.refusal(sign.BORROW, 3_000 * DOLLAR, 0) == ""
    levered.raise_by(25_000 * DOLLAR)
    assert floor <= levered.health < floor + floor // 10


def test_the_operator_lowers_risk_at_any_health_above_insolvency(levered):
    for price in (2_700, 2_550, 2_450, 2_410):
        levered.local.post_price("WETH", price)
        pool_follows(levered, price)
        before = levered.health
        levered.lower_by(ETHER // 2)
        assert levered.health > before
    assert levered.health < levered.terms.health_min
    assert levered.refusal(sign.RAISE, *levered.adjusting(DOLLAR)) != ""
    levered.close()
    assert levered.debt() == 0


def pool_follows(vault, price):
    """Have an arbitrageur bring the pool to the oracle's price."""
    local, roles = vault.local, vault.local.deployment.roles
    local.node.rpc.ask("anvil_setBalance", roles.arbitrageur, hex(10**23))
    pair, weth, usdc = local.pair(), local.token("WETH"), local.token("USDC")
    limit = pair.sqrt_price(Fraction(price))
    given, wanted = (weth, usdc) if local.pool_price() > price else (usdc, weth)
    raw = 200_000 * ETHER if given == weth else 500_000_000 * DOLLAR
    words = (given, wanted, 500, roles.arbitrageur, NEVER, raw, 0, limit)
    mined(local, roles.arbitrageur, local.deployment.router, SELL, words)


def test_a_withdrawal_stops_at_the_owners_step_floor(levered):
    assert "health too low" in levered.refusal(sign.WITHDRAW, 56 * ETHER // 10, 0, 0)
    levered.act(sign.WITHDRAW, 4 * ETHER, 0, 0)
    assert levered.terms.health_step_min <= levered.health < levered.terms.health_min
    strict = set_terms(levered, health_step_min=levered.terms.health_min)
    assert "health too low" in strict.refusal(sign.WITHDRAW, 1, 0, 0)


def test_a_lowering_call_that_raises_leverage_is_refused(levered):
    loose = set_terms(levered, loss_call_max=10_000, loss_day_max=10**9)
    skew(loose, 120_000_000)
    before = loose.health
    assert "leverage did not fall" in loose.refusal(sign.LOWER, *loose.adjusting(ETHER))
    assert loose.health == before


# Losses against the oracle.


def test_a_loss_above_the_bound_of_a_call_is_refused(levered):
    skew(levered, 4_500_000)
    tight = set_terms(levered, loss_call_max=10)
    for signature, args in (
        (sign.LOWER, tight.adjusting(ETHER)),
        (sign.CLOSE, (tight.swap_pool, ALL, 0)),
    ):
        assert "loss too large" in tight.refusal(signature, *args), signature
        assert tight.refusal(signature, *args, by=tight.owner) == "", signature
    loose = set_terms(levered, loss_call_max=500)
    assert loose.refusal(sign.LOWER, *loose.adjusting(ETHER)) == ""


def test_a_gain_against_the_oracle_is_no_loss(levered):
    skew(levered, 4_500_000)
    tight = set_terms(levered, loss_call_max=1, loss_day_max=0)
    assert tight.refusal(sign.RAISE, *tight.adjusting(1_000 * DOLLAR)) == ""


def test_a_loss_on_idle_assets_counts_alike(levered):
    fund(levered.local, levered.address, 2 * ETHER)
    fund(levered.local, levered.address, 2_000 * DOLLAR, "USDC")
    tight = set_terms(levered, loss_call_max=4)  # the pool's fee alone is five
    pool = tight.swap_pool
    assert "loss too large" in tight.refusal(sign.SWAP, pool, True, ETHER, 0)
    assert "loss too large" in tight.refusal(sign.SWAP, pool, False, 1_000 * DOLLAR, 0)
    assert "loss too large" in tight.refusal(sign.SWAP_EXACT, pool, True, 1_000 * DOLLAR, ALL)
    fair = set_terms(levered, loss_call_max=6)
    assert fair.refusal(sign.SWAP, pool, True, ETHER, 0) == ""
    assert fair.refusal(sign.SWAP, pool, False, 1_000 * DOLLAR, 0) == ""
    assert fair.refusal(sign.SWAP_EXACT, pool, True, 1_000 * DOLLAR, ALL) == ""


def test_losses_add_up_until_the_days_bound_refuses(levered):
    tight = set_terms(levered, loss_day_max=75)
    assert 2_900 < tight.lost < 3_400  # opening cost about thirty dollars
    for _ in range(20):
        refusal = tight.refusal(sign.LOWER, *tight.adjusting(3 * ETHER))
        if refusal:
            break
        tight.lower_by(3 * ETHER)
        tight.raise_by(9_000 * DOLLAR, by=tight.owner)
    assert "lost too much today" in refusal
    assert 6_500 < tight.lost <= 7_500
    assert tight.refusal(sign.LOWER, *tight.adjusting(ETHER), by=tight.owner) == ""
    assert set_terms(tight, loss_day_max=150).refusal(sign.LOWER, *tight.adjusting(ETHER)) == ""


def test_what_was_lost_is_forgiven_over_a_day(levered):
    tight = set_terms(levered, loss_day_max=48)
    lost = tight.lost
    tight.local.pass_time(DAY // 4)
    assert tight.lost == pytest.approx(lost - 1_200, abs=200)
    tight.local.pass_time(3 * DAY // 4)
    assert tight.lost == 0


def test_no_day_loses_more_than_twice_the_bound(levered):
    fund(levered.local, levered.address, 1_000_000 * DOLLAR, "USDC")
    tight = set_terms(levered, loss_day_max=40)
    start, lost = tight.local.now(), tight.lost
    while tight.local.now() < start + DAY - 3_600:
        tight.local.pass_time(1_800)
        sell = (tight.swap_pool, False, 10_000 * DOLLAR, 0)
        if not tight.refusal(sign.SWAP, *sell):
            before = tight.lost
            tight.act(sign.SWAP, *sell)
            lost += tight.lost - before
    assert 40 * 100 < lost <= 2 * 40 * 100


def test_the_owners_own_calls_lose_what_they_like_and_are_not_counted(levered):
    skew(levered, 4_500_000)
    before = levered.lost
    levered.lower_by(ETHER, by=levered.owner)
    assert levered.lost == before


# Bounds that make no sense.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"health_min": WAD}, "health_min out of range"),
        ({"health_min": 1_000 * WAD}, "health_min out of range"),
        ({"health_step_min": WAD}, "health_step_min out of range"),
        ({"health_step_min": 111 * WAD // 100}, "health_step_min out of range"),
        ({"loss_call_max": 10_001}, "loss_call_max out of range"),
        ({"loss_day_max": 10**9 + 1}, "loss_day_max out of range"),
    ],
)
def test_bounds_out_of_range_are_refused(vault, changes, reason):
    words = replace(vault.terms, **changes).words
    assert reason in vault.why_not(sign.SET_BOUNDS, words, by=vault.owner)


def test_assets_and_pools_must_belong_together(vault):
    local = vault.local
    same = replace(vault.terms, debt=vault.terms.collateral)
    assert "one asset twice" in vault.why_not(sign.SET_BOUNDS, same.words, by=vault.owner)
    unknown = replace(vault.terms, collateral=vault.swap_pool)
    assert "not listed" in vault.why_not(sign.SET_BOUNDS, unknown.words, by=vault.owner)
    unknown = replace(vault.terms, debt=vault.swap_pool)
    assert "not listed" in vault.why_not(sign.SET_BOUNDS, unknown.words, by=vault.owner)
    other = local.deployment.pools["wsteth-weth-100"].address
    wrong = replace(vault.terms, swap_pools=(other,))
    assert "another pair" in vault.why_not(sign.SET_BOUNDS, wrong.words, by=vault.owner)
    pair = sorted((vault.terms.collateral, vault.terms.debt), key=lambda one: int(one, 16))
    for half in ((pair[0], vault.stranger), (vault.stranger, pair[1]), pair[::-1]):
        pool = hostile.deploy(local, "HostilePool", "(address,address)", *half)
        wrong = replace(vault.terms, swap_pools=(vault.swap_pool, pool))
        assert "another pair" in vault.why_not(sign.SET_BOUNDS, wrong.words, by=vault.owner)


def test_a_pool_that_is_not_allowed_is_refused(levered):
    other = levered.local.deployment.pools["wsteth-weth-100"].address
    for pool in (other, levered.stranger, "0x" + "00" * 20):
        for signature, args in (
            (sign.RAISE, (pool, DOLLAR, 0, 0, 0)),
            (sign.LOWER, (pool, ETHER, 0, 0, 0)),
            (sign.CLOSE, (pool, ALL, 0)),
            (sign.SWAP, (pool, True, 1, 0)),
            (sign.SWAP_EXACT, (pool, True, 1, ALL)),
        ):
            for who in (levered.operator, levered.owner):
                answer = levered.refusal(signature, *args, by=who)
                assert "swap pool not allowed" in answer, signature
        assert levered.read("swap_allowed(address)->(bool)", pool) is False
    assert levered.read("swap_allowed(address)->(bool)", levered.swap_pool) is True


def test_a_pool_taken_off_the_list_is_refused(levered):
    none = set_terms(levered, swap_pools=())
    answer = none.refusal(sign.CLOSE, levered.swap_pool, ALL, 0)
    assert "swap pool not allowed" in answer


@pytest.mark.parametrize("unknown", ["WETH", "USDC"])
def test_a_price_of_nothing_is_no_price(levered, unknown):
    """Else a worthless looking asset could be given away without any loss."""
    local = levered.local
    fund(local, levered.address, ETHER)
    fund(local, levered.address, 3_000 * DOLLAR, "USDC")
    oracle = hostile.deploy(local, "NoPrice", "(address)", local.token(unknown))
    levered.govern(local.deployment.provider, "setPriceOracle(address)", oracle)
    for sells_collateral in (True, False):
        words = (levered.swap_pool, sells_collateral, 1_000 * DOLLAR, 0)
        assert "no price" in levered.refusal(sign.SWAP, *words)


def test_an_oracle_without_a_price_stops_every_swap(levered):
    local, roles = levered.local, levered.local.deployment.roles
    mined(local, roles.keeper, local.deployment.feeds["WETH"], "post(int256)", 0)
    assert levered.refusal(sign.LOWER, *levered.adjusting(ETHER)) != ""
    assert levered.refusal(sign.SWAP, levered.swap_pool, True, 1, 0) != ""
