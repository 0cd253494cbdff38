"""What people type: addresses, amounts, tokens. Read exactly, or refused."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.domain.money import Amount, Asset

ALL: Final = "all"
_ADDRESS: Final = 83
_AMOUNT: Final = 84
_TOKEN: Final = 85


def address(text: str, place: str) -> str:
    """Return `text` as a checksum address.

    Raises:
        OwnerError: it is none, or its capitals say that a digit was mistyped.
    """
    from eth_utils.address import (  # noqa: PLC0415 -- loads what --help does not need
        is_checksum_address,
        is_hex_address,
        to_checksum_address,
    )

    if not (text.startswith("0x") and is_hex_address(text)):
        raise OwnerError(f"{text} is no address", number=_ADDRESS, place=place)
    digits = text.removeprefix("0x")
    mixed = digits not in {digits.lower(), digits.upper()}
    if mixed and not is_checksum_address(text):
        raise OwnerError(
            f"{text} has a wrong checksum: some digit was mistyped", number=_ADDRESS, place=place
        )
    return str(to_checksum_address(text))


def amount(text: str, asset: Asset) -> Amount | None:
    """Return `text` whole tokens of `asset`, None for the word `all`.

    Raises:
        OwnerError: it is no amount above zero, or finer than the token.
    """
    from leverd.domain.money import Amount  # noqa: PLC0415 -- loads the domain

    if text == ALL:
        return None
    try:
        raw = Decimal(text.replace("_", "")).scaleb(asset.decimals)
    except InvalidOperation:
        raw = Decimal(0)
    if not raw.is_finite() or raw <= 0:
        raise OwnerError(f"{text} is no amount", number=_AMOUNT, remedy="e.g. 1.5, or: all")
    if raw != raw.to_integral_value():
        raise OwnerError(
            f"{text} is finer than the {asset.decimals} decimals of {asset.symbol}", number=_AMOUNT
        )
    return Amount(asset, int(raw))


def above_zero(text: str, place: str) -> Decimal:
    """Return `text` as a number above zero.

    Raises:
        OwnerError: it is none.
    """
    try:
        found = Decimal(text.replace("_", ""))
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0:
        raise OwnerError(f"{text} is no amount", number=_AMOUNT, place=place, remedy="e.g. 1.5")
    return found


def some(text: str, asset: Asset) -> Amount:
    """Return `text` whole tokens of `asset`, where `all` means nothing.

    Raises:
        OwnerError: it is no amount above zero, or finer than the token.
    """
    found = amount(text, asset)
    if found is None:
        raise OwnerError(f"say how much {asset.symbol}", number=_AMOUNT, remedy="e.g. 1.5")
    return found


def token(text: str, known: Iterable[Asset]) -> Asset:
    """Return the token called `text`, whatever the case.

    Raises:
        OwnerError: the settings know none.
    """
    from leverd.settings.problems import nearest  # noqa: PLC0415 -- loads pydantic

    by_name = {asset.symbol.lower(): asset for asset in known}
    if text.lower() not in by_name:
        names = [asset.symbol for asset in by_name.values()]
        raise OwnerError(f"no token is called {text}", number=_TOKEN, remedy=nearest(text, names))
    return by_name[text.lower()]
