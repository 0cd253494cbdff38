"""Hold a purchase to what orders leave room for. Pure; what lowers risk is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from leverd.domain import headroom
from leverd.domain.decision import Decision, Hold, SetLeverage
from leverd.domain.view import View
from leverd.interfaces.agent import Cap

_WORTH: Final = Fraction(1, 5)
"""A bound that leaves less than this part of what was asked leaves nothing: no crumbs."""


def capped(wish: SetLeverage, view: View, caps: Sequence[Cap]) -> Decision:
    """Return `wish`, no higher than `caps` let a purchase aim; a Hold if nothing is left of it.

    A wish to lower leverage passes as it is: a cap is no reason to sell.
    """
    now = headroom.leverage(view.state)
    least = min(caps, key=lambda cap: cap.leverage, default=None)
    if least is None or now is None or wish.target <= now or least.leverage >= wish.target:
        return wish
    if Fraction(least.leverage) - now < (Fraction(wish.target) - now) * _WORTH:
        return Hold(wish.agent, f"{wish.reason}; {least.reason}")
    return replace(wish, target=least.leverage, reason=f"{wish.reason}; {least.reason}")
