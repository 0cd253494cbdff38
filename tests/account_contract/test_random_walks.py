"""Whatever the operator does in whatever order and market, the account's promises hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.account_contract import signatures as sign
from tests.account_contract.test_bounds import pool_follows
from tests.account_contract.vault import ALL, DOLLAR, ETHER, Vault

from leverd.errors import RevertedError

pytestmark = pytest.mark.chain

CENT = 10**6  # of the oracle's dollars
RISKY = {sign.RAISE, sign.BORROW}
LOWERING = {sign.LOWER, sign.CLOSE}

STEPS = ["supply", "withdraw", "borrow", "repay", "sell", "buy"]

shares = st.integers(1, 110)  # percent of what would be sensible
acts = st.tuples(
    st.sampled_from(["raise", "lower", "close", *STEPS]),
    shares,
)
markets = st.tuples(st.just("price"), st.integers(93, 107)) | st.tuples(
    st.just("time"), st.integers(1, 10**6)
)


def call_of(vault: Vault, kind: str, share: int) -> tuple[str, tuple[object, ...]]:
    """Return an operator's call of some sensible or not quite sensible size."""
    pool = vault.swap_pool
    posted, debt = vault.posted(), vault.debt()
    weth, usdc = vault.idle("WETH"), vault.idle("USDC")
    sizes = {
        "raise": (sign.RAISE, vault.adjusting(30_000 * DOLLAR * share // 100)),
        "lower": (sign.LOWER, vault.adjusting(max(1, posted * share // 200))),
        "close": (sign.CLOSE, (pool, ALL, 0)),
        "supply": (sign.SUPPLY, (weth * share // 100,)),
        "withdraw": (sign.WITHDRAW, (posted * share // 400, 0, 0)),
        "borrow": (sign.BORROW, (5_000 * DOLLAR * share // 100, 0)),
        "repay": (sign.REPAY, (debt * share // 100,)),
        "sell": (sign.SWAP, (pool, True, weth * share // 100, 0)),
        "buy": (sign.SWAP, (pool, False, usdc * share // 100, 0)),
    }
    return sizes[kind]


def wealth(vault: Vault) -> int:
    """Return what the account is worth by the oracle, 1e8 dollars."""
    collateral, debt, *_ = vault.local.account_data(vault.address)
    price = vault.local.chain.read(
        vault.local.deployment.oracle, "getAssetPrice(address)->(uint256)", vault.terms.collateral
    )
    return int(collateral - debt + vault.idle("WETH") * price // ETHER + vault.idle("USDC") * 100)


def purses(vault: Vault) -> list[int]:
    people = (vault.operator, vault.owner, vault.stranger)
    return [vault.local.balance(token, who) for token in ("WETH", "USDC") for who in people]


def act_and_look(vault: Vault, kind: str, share: int) -> str:
    """Do one thing; check every promise; return what was done, "" if it was refused."""
    signature, args = call_of(vault, kind, share)
    worth, lost = wealth(vault), vault.lost
    health, sequence, held = vault.health, vault.sequence, purses(vault)
    try:
        vault.act(signature, *args)
    except RevertedError:
        assert vault.sequence == sequence
        return ""
    assert vault.sequence == sequence + 1
    assert purses(vault) == held
    for symbol in ("WETH", "USDC"):
        for spender in (vault.local.deployment.pool, vault.swap_pool):
            assert vault.allowance(symbol, spender) == 0
    if signature in RISKY:
        assert vault.health >= vault.terms.health_min
    if signature == sign.WITHDRAW:
        assert vault.health >= vault.terms.health_step_min
    if signature in LOWERING:
        assert vault.health > health or vault.debt() == 0
    if signature == sign.CLOSE:
        assert (vault.debt(), vault.posted()) == (0, 0)
    given_away = max(vault.lost - lost, 0) * CENT
    interest = worth // 10**6 + 2 * CENT
    assert wealth(vault) >= worth - given_away - interest
    return kind


def move_market(vault: Vault, kind: str, size: int) -> None:
    if kind == "time":
        vault.local.pass_time(size)
        return
    price = int(vault.local.pool_price() * size / 100)
    vault.local.post_price("WETH", price)
    pool_follows(vault, price)


@contextmanager
def undone(vault: Vault) -> Iterator[None]:
    """Set the chain back afterwards."""
    local = vault.local
    snapshot = local.node.rpc.ask("evm_snapshot")
    yield
    local.node.rpc.ask("evm_revert", snapshot)
    local.node.rpc.ask("anvil_setTime", local.now())
    local.chain.forget()


def test_random_walks_keep_every_promise(levered):
    done = Counter[str]()

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(st.one_of(acts, acts, acts, markets), min_size=10, max_size=16))
    def walk(happenings):
        with undone(levered):
            for kind, size in happenings:
                if kind in ("price", "time"):
                    move_market(levered, kind, size)
                else:
                    done[act_and_look(levered, kind, size)] += 1

    walk()
    assert min(done["raise"], done["lower"], done["close"]) > 3  # or the walk proved nothing
    assert sum(done[step] for step in STEPS) > 3


@pytest.mark.parametrize("seed", range(3))
def test_from_any_walk_the_owner_can_leave(levered, seed):
    """Liveness: after random calls and no crash, closing and sweeping empties the account."""
    dice = Random(seed)
    for _ in range(8):
        kind = dice.choice(["raise", "lower", "borrow", "repay", "sell", "supply", "withdraw"])
        act_and_look(levered, kind, dice.randint(1, 100))
    if levered.posted() > 0:
        levered.close(by=levered.owner)
    for symbol in ("WETH", "USDC"):
        levered.own(sign.PAY_OWNER, levered.local.token(symbol), ALL)
        assert levered.idle(symbol) == 0
    assert (levered.debt(), levered.posted()) == (0, 0)
