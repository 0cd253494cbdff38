"""A plain address approves exactly what its next step takes, and account contracts nothing."""

from __future__ import annotations

from leverd.domain.money import Asset
from leverd.domain.plan import (
    Approve,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.engine.approvals import with_approvals

WETH, USDC = Asset("WETH", 18), Asset("USDC", 6)


def approvals(action) -> list[Approve]:
    step = Step(StepKind.SINGLE, (action,), health_min=0)
    *before, last = with_approvals((step,), {})
    assert last == step
    found = [one.actions[0] for one in before]
    assert all(isinstance(one, Approve) for one in found)
    return [one for one in found if isinstance(one, Approve)]


def test_what_spends_is_preceded_by_an_approval_of_exactly_that():
    assert approvals(Supply("aave", WETH.amount(2))) == [Approve("aave", WETH.amount(2))]
    assert approvals(Supply("aave", WETH.amount(2), all_idle=True)) == [
        Approve("aave", WETH.amount(2), all_idle=True)
    ]
    assert approvals(Repay("aave", USDC.amount(5))) == [Approve("aave", USDC.amount(5))]
    assert approvals(Swap("pool", USDC.amount(5), WETH.amount(1))) == [
        Approve("pool", USDC.amount(5))
    ]
    assert approvals(BuyExact("pool", USDC.amount(5), WETH.amount(1))) == [
        Approve("pool", WETH.amount(1))
    ]


def test_a_debt_repaid_in_full_may_grow_a_little_on_the_way():
    (found,) = approvals(Repay("aave", USDC.amount(1_000), everything=True))
    assert 0 < found.amount.raw - 1_000 * 10**6 <= 10**6 + 1


def test_what_spends_nothing_needs_no_approval():
    for action in (
        Withdraw("aave", WETH.amount(1)),
        Borrow("aave", USDC.amount(1)),
        SetEMode("aave", 1),
    ):
        assert approvals(action) == []


def after(*actions, **allowed):
    """Return the approvals before `actions`, in order, given what is allowed of USDC."""
    steps = tuple(Step(StepKind.SINGLE, (action,), health_min=0) for action in actions)
    allowances = {(venue, USDC): raw for venue, raw in allowed.items()}
    found = [step.actions[0] for step in with_approvals(steps, allowances)]
    return [(one.venue, one.amount.raw) for one in found if isinstance(one, Approve)]


def test_what_is_left_of_an_older_approval_is_taken_back_first():
    pay = Repay("aave", USDC.amount(5))
    assert after(pay, aave=3) == [("aave", 0), ("aave", 5 * 10**6)]
    assert after(pay, pool=3) == [("aave", 5 * 10**6)]


def test_what_is_allowed_already_is_not_approved_again_as_far_as_it_goes():
    pay = Repay("aave", USDC.amount(5))
    assert after(pay, aave=5 * 10**6) == []
    assert after(pay, pay, aave=10**7) == []
    assert after(pay, pay, aave=8 * 10**6) == [("aave", 0), ("aave", 5 * 10**6)]


def test_an_approval_that_need_not_be_used_up_is_taken_back_within_a_plan():
    buy = BuyExact("pool", WETH.amount(1), USDC.amount(5))
    sell = Swap("pool", USDC.amount(5), WETH.amount(1))
    assert after(sell, sell) == [("pool", 5 * 10**6)] * 2
    assert after(buy, sell) == [("pool", 5 * 10**6), ("pool", 0), ("pool", 5 * 10**6)]
    for last in ({"everything": True}, {"all_idle": True}):
        paid = Repay("aave", USDC.amount(5), **last)
        assert [venue for venue, _ in after(paid, paid)] == ["aave"] * 3
