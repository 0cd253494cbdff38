"""What a mined step did, in words and in value, by its own fills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final, assert_never

from leverd.backtest.report.standing import worth
from leverd.domain.money import Amount, Asset
from leverd.domain.plan import (
    Action,
    Approve,
    Borrow,
    BuyExact,
    Purpose,
    Repay,
    SetEMode,
    Step,
    Supply,
    Swap,
    Withdraw,
)
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot

_PLACES: Final = 6
_PLACES_OF_GREAT: Final = 2
_GREAT: Final = 1_000
_BUYS: Final = frozenset({Purpose.OPEN, Purpose.BOOST})

Fills = Sequence[Mapping[str, int]]


def done_words(step: Step, fills: Fills) -> tuple[str, ...]:
    """Return what each action of a mined step did, as far as the fills tell."""
    if len(fills) != len(step.actions):
        return tuple(_words(action, {}) for action in step.actions)
    return tuple(map(_words, step.actions, fills))


def swapped(
    step: Step | None, fills: Fills, purpose: str, snapshot: Snapshot, mandate: Mandate
) -> int:
    """Return the value of what was sold, raw units of the share class at the prices after.

    Without the step what was sold follows from the plan's purpose: who buys sells debt.
    """
    total = sum(
        (
            worth(snapshot, asset, raw, mandate.share_class) or Fraction(0)
            for asset, raw in _sold(step, fills, purpose, mandate)
        ),
        Fraction(0),
    )
    return round(total)


def amount_words(amount: Amount) -> str:
    """Return whole tokens, cut and not rounded: six places at most, two of a thousand or more."""
    great = abs(amount.raw) >= _GREAT * amount.asset.unit
    return amount.cut(_PLACES_OF_GREAT if great else _PLACES)


def _sold(
    step: Step | None, fills: Fills, purpose: str, mandate: Mandate
) -> Iterator[tuple[Asset, int]]:
    if step is not None and len(step.actions) == len(fills):
        for action, fill in zip(step.actions, fills, strict=True):
            if isinstance(action, Swap):
                yield action.sell.asset, fill.get("sold", 0)
            elif isinstance(action, BuyExact):
                yield action.sell_max.asset, fill.get("sold", 0)
        return
    asset = mandate.debt if purpose in _BUYS else mandate.collateral
    for fill in fills:
        yield asset, fill.get("sold", 0)


def _words(action: Action, fill: Mapping[str, int]) -> str:
    match action:
        case Swap(sell=sell, buy_min=buy):
            return _swap(sell, buy, fill, "sold")
        case BuyExact(buy=buy, sell_max=sell):
            return _swap(sell, buy, fill, "bought")
        case Supply(amount=amount):
            return f"posted {_moved(amount, fill)}"
        case Withdraw(amount=amount):
            return f"took back {_moved(amount, fill)}"
        case Borrow(amount=amount):
            return f"borrowed {_moved(amount, fill)}"
        case Repay(amount=amount):
            return f"repaid {_moved(amount, fill)}"
        case SetEMode(category=category):
            return f"entered efficiency category {category}"
        case Approve(venue=venue, amount=amount):
            return f"let {venue} take {amount_words(amount)}"
        case _:
            assert_never(action)


def _swap(sell: Amount, buy: Amount, fill: Mapping[str, int], verb: str) -> str:
    sold = amount_words(Amount(sell.asset, fill.get("sold", sell.raw)))
    bought = amount_words(Amount(buy.asset, fill.get("bought", buy.raw)))
    return f"sold {sold} for {bought}" if verb == "sold" else f"bought {bought} for {sold}"


def _moved(amount: Amount, fill: Mapping[str, int]) -> str:
    return amount_words(Amount(amount.asset, fill.get("amount", amount.raw)))
