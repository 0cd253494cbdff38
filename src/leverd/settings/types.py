"""Kinds of values a settings file holds. None of them is ever a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

ARBITRUM: Final = "arbitrum"
"""The profile of a chain that is known and not served."""

DEVNET: Final = "devnet"
"""The mode, and the account, of a local chain."""

LIVE: Final = "live"
"""The mode of real money."""

FORK: Final = "fork"
"""The mode of a local copy of a real chain."""

PAPER: Final = "paper"
"""The mode of real markets and a position on paper: no key, no transaction."""

UNDEPLOYED: Final = "none"
"""The account of a position that has none yet."""


class Model(BaseModel):
    """A frozen section: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is needed, without quotes")  # noqa: TRY004 -- pydantic's way
    return Decimal(value)


def _address(value: str) -> str:
    digits = value.removeprefix("0x")
    if len(value) != len("0x") + 40 or any(each not in "0123456789abcdefABCDEF" for each in digits):
        raise ValueError("0x and 40 hex digits are needed")
    return value


def _account(value: str) -> str:
    return value if value in {DEVNET, UNDEPLOYED} else _address(value)


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("a URL with http:// or https:// is needed")
    try:
        parts = urlsplit(value)
        is_whole = bool(parts.hostname) and parts.port != 0  # to ask for the port judges it
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("a URL with a host, and a port if any, is needed")
    return value


def _database(value: str) -> str:
    if not value.startswith("postgresql://"):
        raise ValueError("a URL with postgresql:// is needed")
    try:
        parts = urlsplit(value)
        is_whole = bool(parts.path.strip("/")) and parts.port != 0
    except ValueError:
        parts, is_whole = urlsplit(""), False
    if not is_whole:
        raise ValueError("a URL that names a database is needed, as in postgresql://me@host/mine")
    if parts.password is not None or "password" in parts.query:
        raise ValueError("no password stands in settings: put it into ~/.pgpass or PGPASSWORD")
    return value


Number: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_number, json_schema_input_type=int | Decimal),
    Field(allow_inf_nan=False),
]
Positive: TypeAlias = Annotated[Number, Field(gt=0)]
Fraction: TypeAlias = Annotated[Number, Field(ge=0, le=1)]
Whole: TypeAlias = Annotated[int, Strict()]
Flag: TypeAlias = Annotated[bool, Strict()]
Text: TypeAlias = Annotated[str, Strict(), Field(min_length=1)]
Address: TypeAlias = Annotated[Text, AfterValidator(_address)]
Getter: TypeAlias = Annotated[Text, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\(\)$")]
"""A function of a contract that takes nothing, as stEthPerToken()."""

Account: TypeAlias = Annotated[Text, AfterValidator(_account)]
"""An address; `devnet` for the account that a devnet made; `none` before it is deployed."""
Url: TypeAlias = Annotated[Text, AfterValidator(_url)]
Database: TypeAlias = Annotated[Text, AfterValidator(_database)]
