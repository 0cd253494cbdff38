"""Calls of our account contract (contracts/Account.vy) that carry out the steps of a plan."""

from __future__ import annotations

from typing import Final, assert_never

from leverd.adapters.evm import abi, codes
from leverd.adapters.evm.allow_list import Rule, rules_for
from leverd.adapters.evm.survey import Survey
from leverd.domain.fixed_point import UINT256_MAX
from leverd.domain.plan import (
    Action,
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
from leverd.domain.position import Mandate
from leverd.errors import OwnerError
from leverd.interfaces.chain_client import Call

# One transaction: pool, amounts, health at the end and before; then sequence and deadline.
RAISE: Final = abi.Function(
    "raise_leverage(address,uint256,uint256,uint256,uint256,uint256,uint256)"
)
LOWER: Final = abi.Function(
    "lower_leverage(address,uint256,uint256,uint256,uint256,uint256,uint256)"
)
CLOSE: Final = abi.Function("close(address,uint256,uint256,uint256,uint256)")

# Single steps.
SUPPLY: Final = abi.Function("supply(uint256,uint256,uint256)")
WITHDRAW: Final = abi.Function("withdraw_collateral(uint256,uint256,uint256,uint256,uint256)")
BORROW: Final = abi.Function("borrow(uint256,uint256,uint256,uint256)")
REPAY: Final = abi.Function("repay(uint256,uint256,uint256)")
SWAP: Final = abi.Function("swap(address,bool,uint256,uint256,uint256,uint256)")
SWAP_EXACT: Final = abi.Function("swap_exact(address,bool,uint256,uint256,uint256,uint256)")
SET_EMODE: Final = abi.Function("set_emode(uint8,uint256,uint256)")

LOWERING: Final = (LOWER, CLOSE, SUPPLY, WITHDRAW, REPAY, SWAP, SWAP_EXACT)
RAISING: Final = (RAISE, BORROW, SET_EMODE)
"""What the operator may call, by whether it can be part of lowering risk; a rescue may post."""


def rules(account: str) -> tuple[Rule, ...]:
    """Return what an operator's key may sign for `account`: no owner's call is among it."""
    return (
        *rules_for(account, LOWERING, lowers_risk=True),
        *rules_for(account, RAISING),
    )


def encode(survey: Survey, mandate: Mandate, step: Step, sequence: int, deadline: int) -> Call:
    """Return the one call of the account contract that carries `step` out.

    Raises:
        OwnerError: the step's actions are not those of its kind.
    """
    match step.kind, step.actions:
        case StepKind.RAISE, (Swap(pool, sell, buy_min), Supply(), Borrow()):
            terms = (sell.raw, buy_min.raw, step.health_min, step.health_below)
            data = RAISE.encode(_pool(survey, pool), *terms, sequence, deadline)
        case StepKind.LOWER, (Swap(pool, sell, buy_min), Repay(), Withdraw()):
            terms = (sell.raw, buy_min.raw, step.health_min, step.health_below)
            data = LOWER.encode(_pool(survey, pool), *terms, sequence, deadline)
        case StepKind.CLOSE, (BuyExact(pool, _, sell_max), Repay(), Withdraw()):
            place = _pool(survey, pool)
            data = CLOSE.encode(place, sell_max.raw, step.health_below, sequence, deadline)
        case StepKind.CLOSE, (Withdraw(everything=True),):
            place = _pool(survey, mandate.pool)
            data = CLOSE.encode(place, 0, step.health_below, sequence, deadline)
        case StepKind.SINGLE, (action,):
            data = _single(survey, mandate, step, action, sequence, deadline)
        case _:
            raise OwnerError(
                f"a step of kind {step.kind} with other actions than the account's own",
                number=codes.STEP_UNKNOWN,
                place=mandate.position_id,
            )
    return Call(mandate.account, data)


def _single(
    survey: Survey, mandate: Mandate, step: Step, action: Action, sequence: int, deadline: int
) -> bytes:
    last = (sequence, deadline)
    match action:
        case Supply(amount=amount, all_idle=all_idle):
            return SUPPLY.encode(UINT256_MAX if all_idle else amount.raw, *last)
        case Withdraw(amount=amount, everything=everything):
            raw = UINT256_MAX if everything else amount.raw
            return WITHDRAW.encode(raw, step.health_min, step.health_below, *last)
        case Borrow(amount=amount):
            return BORROW.encode(amount.raw, step.health_min, *last)
        case Repay(amount=amount, everything=everything, all_idle=all_idle):
            return REPAY.encode(UINT256_MAX if everything or all_idle else amount.raw, *last)
        case Swap(pool, sell, buy_min):
            direction = sell.asset == mandate.collateral
            return SWAP.encode(_pool(survey, pool), direction, sell.raw, buy_min.raw, *last)
        case BuyExact(pool, buy, sell_max):
            direction = sell_max.asset == mandate.collateral
            return SWAP_EXACT.encode(_pool(survey, pool), direction, buy.raw, sell_max.raw, *last)
        case SetEMode(category=category):
            return SET_EMODE.encode(category, *last)
        case Approve():
            raise OwnerError(
                "an account contract approves on its own",
                number=codes.STEP_UNKNOWN,
                place=mandate.position_id,
            )
        case _:
            assert_never(action)


def _pool(survey: Survey, name: str) -> str:
    return survey.pools[name].address
