"""The signer signs what its list covers, and nothing else, whatever it is asked."""

from __future__ import annotations

import copy
import pickle
import traceback
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from tests import worlds
from tests.limits import TIMING, limits
from tests.worlds import view

from leverd.adapters.evm import abi, account_calls, erc20, plain
from leverd.adapters.evm.aave import functions as aave
from leverd.adapters.evm.allow_list import GAS_MAX, AllowList, Rule
from leverd.adapters.evm.signer import GasBudget, LocalSigner
from leverd.agents.guardian import Guardian, Params
from leverd.domain.plan import Approve, Supply
from leverd.engine.turn import Seat, turn
from leverd.errors import SigningRefusedError
from leverd.interfaces.signer import UnsignedTransaction
from leverd.risk.gate import Approved

KEY = "0x" + "ab" * 32
ME = Account.from_key(KEY).address
POOL, TOKEN, OTHER = ("0x" + digit * 40 for digit in "123")
ALLOW = AllowList(
    chain_id=1,
    rules=(
        Rule(POOL, aave.SUPPLY.selector, own_words=(2,)),
        Rule(POOL, aave.WITHDRAW.selector, own_words=(2,), lowers_risk=True),
    ),
    max_fee=10**11,
    tokens=frozenset({TOKEN}),
    spenders=frozenset({POOL}),
)
GOOD = UnsignedTransaction(
    chain_id=1,
    nonce=7,
    to=POOL,
    data=aave.SUPPLY.encode(TOKEN, 5, ME, 0),
    value=0,
    gas=300_000,
    max_fee=10**10,
    priority_fee=10**9,
)


def signer(budget: GasBudget | None = None) -> LocalSigner:
    return LocalSigner(Account.from_key(KEY), ALLOW, budget)


def test_what_is_listed_is_signed_and_its_hash_and_sender_are_known():
    signed = signer().sign(GOOD)
    assert Account.recover_transaction(signed.payload) == ME
    assert signed.tx_hash == "0x" + keccak(signed.payload).hex()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"chain_id": 5}, 1),
        ({"to": OTHER}, 2),
        ({"data": aave.BORROW.encode(TOKEN, 5, 2, 0, ME)}, 3),
        ({"data": b""}, 3),
        ({"data": aave.SUPPLY.selector}, 3),
        ({"value": 1}, 4),
        ({"value": -1}, 4),
        ({"max_fee": 10**11 + 1}, 5),
        ({"priority_fee": 10**10 + 1}, 5),
        ({"priority_fee": -1}, 5),
        ({"gas": GAS_MAX + 1}, 6),
        ({"gas": 0}, 6),
        ({"data": aave.SUPPLY.encode(TOKEN, 5, OTHER, 0)}, 8),
        ({"to": TOKEN, "data": erc20.TRANSFER.encode(OTHER, 1)}, 2),
        ({"to": TOKEN, "data": erc20.APPROVE.encode(POOL, 1)}, 7),
        ({"to": TOKEN, "data": erc20.APPROVE.encode(OTHER, 1)}, 7),
        ({"to": OTHER, "data": erc20.APPROVE.encode(POOL, 1)}, 7),
        ({"to": ME, "value": 1, "data": b""}, 2),
    ],
)
def test_every_way_off_the_list_is_refused_by_its_code(changes, code):
    with pytest.raises(SigningRefusedError) as refused:
        signer().sign(replace(GOOD, **changes))
    assert refused.value.code == f"LVD-SGN-00{code}"


@given(
    to=st.sampled_from([POOL, TOKEN, OTHER, ME]),
    data=st.one_of(
        st.binary(max_size=100),
        st.builds(
            lambda selector, words: selector + b"".join(abi.uint_word(one) for one in words),
            st.sampled_from(
                [
                    aave.SUPPLY.selector,
                    aave.WITHDRAW.selector,
                    aave.BORROW.selector,
                    erc20.APPROVE.selector,
                    erc20.TRANSFER.selector,
                ]
            ),
            st.lists(
                st.one_of(
                    st.integers(0, 2**256 - 1),
                    st.sampled_from([int(ME, 16), int(POOL, 16), int(OTHER, 16)]),
                ),
                max_size=5,
            ),
        ),
    ),
    value=st.integers(-1, 10**18),
    gas=st.integers(-1, 2**25),
    max_fee=st.integers(-1, 10**12),
    priority_fee=st.integers(-1, 10**12),
    chain_id=st.sampled_from([0, 1, 31337]),
)
def test_whatever_is_signed_is_on_the_list(to, data, value, gas, max_fee, priority_fee, chain_id):
    asked = UnsignedTransaction(chain_id, 0, to, data, value, gas, max_fee, priority_fee)
    try:
        signer().sign(asked)
    except SigningRefusedError:
        return
    assert chain_id == 1
    assert value == 0
    assert 0 < gas <= GAS_MAX
    assert 0 <= priority_fee <= max_fee <= ALLOW.max_fee
    if to == ME:
        assert data == b""
    elif to == TOKEN:
        assert data[:4] == erc20.APPROVE.selector  # of nothing: no step needs anything
        assert int.from_bytes(data[36:68]) == 0
    else:
        assert to == POOL
        assert data[:4] in (aave.SUPPLY.selector, aave.WITHDRAW.selector)
        assert data[4 + 64 : 4 + 96] == abi.address_word(ME)


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_an_approval_is_never_larger_than_the_step_needs(needed, asked):
    one = signer()
    one.need(TOKEN, POOL, needed)
    approval = replace(GOOD, to=TOKEN, data=erc20.APPROVE.encode(POOL, asked))
    if asked <= needed:
        assert one.sign(approval).payload
    else:
        with pytest.raises(SigningRefusedError):
            one.sign(approval)


def test_the_guardians_part_of_the_budget_is_kept_for_lowering_risk():
    cost = GOOD.gas * GOOD.max_fee
    one = signer(GasBudget(day_max=3 * cost, guardian_only=2 * cost))
    lowering = replace(GOOD, data=aave.WITHDRAW.encode(TOKEN, 5, ME))
    one.sign(replace(GOOD, nonce=1))
    with pytest.raises(SigningRefusedError) as refused:
        one.sign(replace(GOOD, nonce=2))
    assert refused.value.code == "LVD-SGN-009"
    one.sign(replace(lowering, nonce=2))
    one.sign(replace(lowering, nonce=3))


def test_no_budget_stops_what_lowers_risk_and_it_counts_against_the_rest():
    cost = GOOD.gas * GOOD.max_fee
    one = signer(GasBudget(day_max=2 * cost, guardian_only=0))
    lowering = replace(GOOD, data=aave.WITHDRAW.encode(TOKEN, 5, ME))
    for nonce in range(10):
        one.sign(replace(lowering, nonce=nonce))
    with pytest.raises(SigningRefusedError):
        one.sign(replace(GOOD, nonce=11))


def rescue(**changes):
    """Return the one step of the rescue of a position whose idle collateral is enough."""
    found = turn(
        view(worlds.state(posted=25, idle=6, debt=52_500), **changes),
        (Seat(Guardian(Params(target=Decimal("2.2"), band_high=Decimal("2.5"))), guards=True),),
        limits(),
        TIMING,
        age_s=0,
    )
    assert isinstance(found.verdict, Approved)
    return found.plan.steps


def spent(*rules, **changes):
    """Return a signer whose budget is spent, and that knows it."""
    one = LocalSigner(
        Account.from_key(KEY), replace(ALLOW, rules=rules, **changes), GasBudget(0, guardian_only=0)
    )
    with pytest.raises(SigningRefusedError) as refused:
        one.sign(replace(GOOD, to=rules[0].target, data=BORROWS[rules[0].target]))
    assert refused.value.code == "LVD-SGN-009"
    return one


BORROWS = {
    OTHER: account_calls.BORROW.encode(5, 0, 0, 2**40),
    POOL: aave.BORROW.encode(TOKEN, 5, 2, 0, ME),
}


def test_a_spent_budget_refuses_no_rescue_that_posts_what_is_idle():
    one = spent(*account_calls.rules(OTHER))
    (step,) = rescue()
    mandate = replace(worlds.mandate(), account=OTHER)
    survey = SimpleNamespace(pools={})
    call = account_calls.encode(survey, mandate, step, sequence=0, deadline=2**40)
    assert call.data.startswith(account_calls.SUPPLY.selector)
    assert one.sign(replace(GOOD, to=call.to, data=call.data)).payload


def test_nor_that_of_a_plain_address():
    survey = SimpleNamespace(markets={"aave": SimpleNamespace(pool=POOL)})
    one = spent(*plain.rules(survey, SimpleNamespace(pools=())))
    approve, post = (step.actions[0] for step in rescue(atomic=False, plain=True))
    assert (type(approve), type(post)) == (Approve, Supply)
    data = aave.SUPPLY.encode(TOKEN, post.amount.raw, ME, 0)
    assert one.sign(replace(GOOD, data=data)).payload


def test_bumps_of_one_slot_count_once_and_real_costs_take_the_place_of_promises():
    cost = GOOD.gas * GOOD.max_fee
    one = signer(GasBudget(day_max=2 * cost, guardian_only=0))
    for fee in range(10):
        one.sign(replace(GOOD, nonce=1, max_fee=GOOD.max_fee - 9 + fee))
    one.sign(replace(GOOD, nonce=2))
    one.cost(1, cost // 2)
    one.cost(2, cost // 2)
    one.sign(replace(GOOD, nonce=3))


def test_a_new_day_of_chain_time_has_a_new_budget_and_an_old_one_has_not():
    cost = GOOD.gas * GOOD.max_fee
    one = signer(GasBudget(day_max=cost, guardian_only=0))
    one.at(86_400 * 100)
    one.sign(replace(GOOD, nonce=1))
    for again in (86_400 * 100 + 5, 86_400 * 99):
        one.at(again)
        with pytest.raises(SigningRefusedError):
            one.sign(replace(GOOD, nonce=2))
    one.at(86_400 * 101)
    one.sign(replace(GOOD, nonce=2))


def test_a_refused_transaction_uses_up_no_budget():
    cost = GOOD.gas * GOOD.max_fee
    one = signer(GasBudget(day_max=cost, guardian_only=0))
    with pytest.raises(SigningRefusedError):
        one.sign(replace(GOOD, nonce=1, to=OTHER))
    one.sign(replace(GOOD, nonce=2))


def test_the_key_shows_nowhere():
    one = signer()
    shown = [repr(one), str(one), f"{one}"]
    try:
        one.sign(replace(GOOD, to=OTHER))
    except SigningRefusedError as error:
        shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert not [text for text in shown if "abab" in text.lower()]
    with pytest.raises(TypeError):
        pickle.dumps(one)
    with pytest.raises(TypeError):
        copy.deepcopy(one)
