"""Numbers as the API writes them: decimal text, so that no reader rounds them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def written(value: Any) -> Any:
    """Return a number as decimal text without an exponent; all else as it is."""
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else None
    return value


Digits: TypeAlias = Annotated[
    str,
    BeforeValidator(written),
    Field(pattern=r"^-?\d+(\.\d+)?$"),
    WithJsonSchema(
        {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "a decimal number"}
    ),
]
"""A number in decimal digits."""


class Answer(BaseModel):
    """What the API says: frozen, nothing but what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Answer):
    """An amount and what it is an amount of."""

    amount: Annotated[Digits, Field(examples=["12.5"])]
    unit: Annotated[str, Field(examples=["WETH"], description="a token, or USD")]


def money(amount: Decimal, unit: str) -> Money:
    """Return `amount` of `unit`."""
    return Money(amount=written(amount), unit=unit)
