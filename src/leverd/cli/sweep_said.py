"""What the command line of a sweep says."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from leverd.backtest.history import BarsKey, History
from leverd.backtest.history.keys import NAME
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.choices import By, Kind, Objective, Place
from leverd.backtest.sweep.recorded import Chosen
from leverd.backtest.sweep.space import Space, said_by, space_of
from leverd.errors import SweepError

_DECIMALS_MAX: Final = 30
_AMOUNT_MAX: Final = Decimal(10) ** 15
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    history: str
    parameters: Space
    chosen: tuple[str, str, str, str]  # bars, debt's bars, supply, borrow
    amounts: tuple[str, str, str, str]  # put in, decimals, bonus, period
    search: Kind
    trials: int
    seed: int
    objective: Objective
    hold: bool
    top: int
    sample: int
    exact: By
    workers: int
    ray: str | None  # a cluster's address, None for none
    out: Path | None
    walk_forward: str
    anchored: bool

    @property
    def period(self) -> str:
        """How long it is between two returns, as it was said."""
        return self.amounts[3]


def check_used(address: str, place: Place, walk_forward: str, *, anchored: bool) -> None:
    """Refuse an option that would do nothing.

    Raises:
        SweepError: there is one.
    """
    if address and place is not Place.RAY:
        raise _mistaken("--address", "is a Ray cluster's, and nothing runs on Ray", "--engine ray")
    if anchored and not walk_forward:
        raise _mistaken("--anchored", "is said of windows, and there are none", "--walk-forward")


def parameters(arguments: list[str], file: Path | None) -> Space:
    """Return the space that the command line describes.

    Raises:
        SweepError: it describes none.
    """
    return space_of(said_by(arguments, file), "--param")


def chosen_of(asked: Asked, history: History) -> Chosen:
    """Return which parts of `history` are meant, and how much of them.

    Raises:
        SweepError: a word is none of the grammar's.
    """
    bars, debt, supply, borrow = asked.chosen
    amount, decimals, bonus, period = asked.amounts
    own, _, owe = decimals.partition(":")
    places = tuple(_whole(each, "--decimals", _DECIMALS_MAX) for each in (own, owe or own))
    raw = _decimal(amount, "--amount") * 10 ** places[0]
    if raw < 1:
        raise _mistaken("--amount", f"{amount!r:.60} is nothing", "more than zero, e.g. 10")
    return Chosen(
        collateral=_bars(bars, history),
        debt=BarsKey(*_pair(debt, "--debt-bars")) if debt else None,
        supply=_pair(supply, "--supply") if supply else None,
        borrow=_pair(borrow, "--borrow") if borrow else None,
        collateral_decimals=places[0],
        debt_decimals=places[1],
        amount=int(raw),
        bonus=int(_decimal(bonus, "--bonus") * 10**4),
        period_s=_span(period, "--period"),
    )


def _bars(said: str, history: History) -> BarsKey:
    if said:
        return BarsKey(*_pair(said, "--bars"))
    if len(history.bars) == 1:
        return next(iter(history.bars))
    names = ", ".join(f'"{each.venue} {each.asset}"' for each in history.bars)
    raise _mistaken("--bars", "is needed, as there are several", f"one of {names}")


def _pair(said: str, option: str) -> tuple[str, str]:
    parts = said.split()
    if len(parts) != 2 or not all(NAME.fullmatch(each) for each in parts):  # noqa: PLR2004 -- a pair
        raise _mistaken(option, f"{said!r:.60} is no venue and asset", 'e.g. "aave USDC"')
    return parts[0], parts[1]


def windows_of(asked: Asked) -> tuple[int, int] | None:
    """Return how long windows are tuned on and judged by, seconds; None for a plain sweep.

    Raises:
        SweepError: a word is none of the grammar's.
    """
    said = asked.walk_forward
    if not said:
        return None
    train, colon, test = said.partition(":")
    if not colon:
        raise _mistaken("--walk-forward", f"{said!r:.40} is no TRAIN:TEST", "e.g. 180d:30d")
    return _span(train, "--walk-forward"), _span(test, "--walk-forward")


def _span(said: str, option: str) -> int:
    size = _SECONDS.get(said[-1:], 0)
    number = said[:-1]
    if not (size and number.isascii() and number.isdigit() and 0 < int(number[:9]) < 10**6):
        raise _mistaken(option, f"{said!r:.40} is no span", "such as 1h, 30d")
    return int(number) * size


def _whole(said: str, option: str, most: int) -> int:
    if not (said.isascii() and said.isdigit() and int(said[:9]) <= most):
        raise _mistaken(option, f"{said!r:.40} is no number up to {most}", "e.g. 18:6")
    return int(said)


def _decimal(said: str, option: str) -> Decimal:
    try:
        found = Decimal(said)
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 <= found <= _AMOUNT_MAX):
        raise _mistaken(option, f"{said!r:.40} is no amount", "a decimal, zero or more")
    return found


def _mistaken(option: str, said: str, remedy: str) -> SweepError:
    return SweepError(said, number=codes.GRAMMAR, place=option, remedy=remedy)
