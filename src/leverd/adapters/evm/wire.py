"""JSON-RPC answers, checked and turned into records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leverd.adapters.evm.abi import malformed
from leverd.interfaces.chain_client import Head, Log, Receipt

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_HASH_DIGITS = 64
_ADDRESS_DIGITS = 40
_TIME_MAX = 253_402_300_799
"""The last second of the year 9999: no later one is a date."""
_NUMBER_MAX = 2**63 - 1
"""The highest block that a database writes down."""


def quantity(value: object) -> int:
    """Return a hexadecimal number.

    Raises:
        NonsenseError: it is none.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise malformed(f"{_shown(value)} as a number")
    return int(value, 16)


def _at_most(value: object, most: int, what: str) -> int:
    found = quantity(value)
    if found > most:
        raise malformed(f"{found:#x} as {what}")
    return found


def data(value: object) -> bytes:
    """Return hexadecimal bytes.

    Raises:
        NonsenseError: they are none.
    """
    if not isinstance(value, str) or not value.startswith("0x"):
        raise malformed(f"{_shown(value)} as bytes")
    try:
        return bytes.fromhex(value[2:])
    except ValueError as error:
        raise malformed(f"{_shown(value)} as bytes") from error


def digest(value: object) -> str:
    """Return a 32-byte hash, lower case and 0x-prefixed.

    Raises:
        NonsenseError: it is none.
    """
    if not isinstance(value, str) or not _DATA.fullmatch(value) or len(value) != _HASH_DIGITS + 2:
        raise malformed(f"{_shown(value)} as a hash")
    return value.lower()


def head(value: object) -> Head:
    """Return a block header.

    Raises:
        NonsenseError: a field is missing or has the wrong type.
    """
    block = _object(value, "a block")
    return Head(
        number=_at_most(block.get("number"), _NUMBER_MAX, "a block's number"),
        block_hash=digest(block.get("hash")),
        parent_hash=digest(block.get("parentHash")),
        at=_at_most(block.get("timestamp"), _TIME_MAX, "a block's time"),
        base_fee=quantity(block.get("baseFeePerGas", "0x0")),
        gas_used=quantity(block.get("gasUsed")),
        gas_limit=quantity(block.get("gasLimit")),
    )


def receipt(value: object) -> Receipt:
    """Return a receipt.

    Raises:
        NonsenseError: a field is missing or has the wrong type.
    """
    fields = _object(value, "a receipt")
    logs = fields.get("logs")
    if not isinstance(logs, list):
        raise malformed("a receipt without logs")
    return Receipt(
        tx_hash=digest(fields.get("transactionHash")),
        block=_at_most(fields.get("blockNumber"), _NUMBER_MAX, "a block's number"),
        block_hash=digest(fields.get("blockHash")),
        succeeded=_status(fields),
        gas_used=quantity(fields.get("gasUsed")),
        gas_price=quantity(fields.get("effectiveGasPrice")),
        logs=tuple(log(item) for item in logs),
        l1_fee=quantity(fields.get("l1Fee") or "0x0"),
    )


def log(value: object) -> Log:
    """Return an event.

    Raises:
        NonsenseError: a field is missing or has the wrong type.
    """
    fields = _object(value, "an event")
    address, topics = fields.get("address"), fields.get("topics")
    if not isinstance(address, str) or len(address) != _ADDRESS_DIGITS + 2:
        raise malformed(f"{_shown(address)} as an address")
    if not isinstance(topics, list):
        raise malformed("an event without topics")
    return Log(address.lower(), tuple(data(item) for item in topics), data(fields.get("data")))


def _status(fields: Mapping[str, Any]) -> bool:
    status = quantity(fields.get("status"))
    if status > 1:
        raise malformed(f"status {status}")
    return status == 1


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise malformed(f"{_shown(value)} as {what}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - a line
