"""The chain's decimals: whole numbers of 1e-18, written without a point. Nothing is rounded."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from leverd.adapters.injective import codes
from leverd.domain.atto import atto
from leverd.errors import NonsenseError

PLACES: Final = 18
_WHOLE: Final = re.compile(r"-?[0-9]{1,78}", re.ASCII)


def from_chain(text: str) -> Decimal:
    """Return the number that `text` counts in 1e-18; an empty one is nothing."""
    sign, digits, _ = Decimal(whole(text)).as_tuple()
    return Decimal((sign, digits, -PLACES))


def whole(text: str) -> int:
    """Return a whole number; an empty text is nothing.

    Raises:
        NonsenseError: it is no whole number.
    """
    if text and not _WHOLE.fullmatch(text):
        raise NonsenseError("an amount that is no whole number", number=codes.MALFORMED)
    return int(text or "0")


def to_chain(value: Decimal) -> str:
    """Return `value` as the chain writes it.

    Raises:
        ImpossibleError: below nothing, or finer than the chain can write.
    """
    return str(atto(value))
