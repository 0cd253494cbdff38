"""Calls and answers as bytes, from signatures written by hand: `name(inputs)->(outputs)`."""

from __future__ import annotations

from functools import cache
from typing import Any

from eth_abi.abi import decode as _decode
from eth_abi.abi import encode as _encode
from eth_abi.grammar import TupleType, parse
from eth_hash.auto import keccak


def encode_call(signature: str, *args: Any) -> bytes:
    """Return the calldata of `signature` with `args`."""
    selector, inputs, _ = _parsed(signature)
    return selector + _encode(inputs, args)


def decode_answer(signature: str, data: bytes) -> tuple[Any, ...]:
    """Return the values that `signature` declares after its arrow."""
    _, _, outputs = _parsed(signature)
    values: tuple[Any, ...] = _decode(outputs, data)
    return values


def encode_words(types: str, *args: Any) -> bytes:
    """Return `args` ABI-encoded as the tuple `types`, e.g. for a constructor."""
    return _encode(_components(types), args)


def topic(signature: str) -> str:
    """Return an event's first topic, 0x-prefixed."""
    return "0x" + keccak(signature.encode()).hex()


@cache
def _parsed(signature: str) -> tuple[bytes, list[str], list[str]]:
    head, _, outputs = signature.partition("->")
    selector = keccak(head.encode())[:4]
    return selector, _components(head[head.index("(") :]), _components(outputs or "()")


def _components(types: str) -> list[str]:
    if types == "()":
        return []
    parsed = parse(types)
    assert isinstance(parsed, TupleType)
    return [part.to_type_str() for part in parsed.components]
