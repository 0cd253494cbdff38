"""Orders for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from leverd.agents.order_words import figure
from leverd.cli.amounts import decimal
from leverd.cli.output import table
from leverd.domain.orders import Level, Of

COLUMNS: Final = ("order", "is", "now", "fires at", "away", "then")
_NOT_KNOWN: Final = "not known"


def show(position: str, levels: Sequence[Level]) -> None:
    """Print the orders of a position as a table, nothing if there are none."""
    if levels:
        table(COLUMNS, [row(level) for level in levels], title=f"orders of {position}")


def row(level: Level) -> tuple[str, ...]:
    """Return one order for people. Equity is a multiple of what it was at opening."""
    way = "" if level.of is Of.TIME else ("from " if level.rises else "down to ")
    return (
        level.order,
        level.status,
        _figure(level.of, level.now),
        _NOT_KNOWN if level.trigger is None else f"{way}{figure(level.of, level.trigger)}",
        "" if level.distance is None else f"{float(level.distance):.2%}",
        "closes" if level.closes else f"sells {float(level.share):.0%}",
    )


def data(levels: Iterable[Level]) -> list[dict[str, Any]]:
    """Return orders for programs, all digits."""
    return [
        {
            "order": level.order,
            "status": level.status,
            "watches": level.of,
            "now": _exact(level.now),
            "fires_at": _exact(level.trigger),
            "rising": level.rises,
            "distance": _exact(level.distance),
            "closes": level.closes,
            "share": level.share,
        }
        for level in levels
    ]


def _figure(of: Of, value: Fraction | None) -> str:
    return _NOT_KNOWN if value is None else figure(of, value)


def _exact(value: Fraction | None) -> Decimal | None:
    return None if value is None else decimal(value)
