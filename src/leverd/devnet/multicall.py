"""The aggregate3 reader's code, assembled from contracts/devnet/Multicall.easm."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from leverd.devnet import places
from leverd.errors import OwnerError

# The opcodes the source uses, by the yellow paper's names.
_OPCODES: Final = {
    "add": 0x01, "sub": 0x03, "lt": 0x10, "eq": 0x14, "iszero": 0x15, "or": 0x17,
    "shl": 0x1B, "shr": 0x1C, "balance": 0x31, "calldataload": 0x35, "calldatacopy": 0x37,
    "returndatasize": 0x3D, "returndatacopy": 0x3E, "blockhash": 0x40, "coinbase": 0x41,
    "timestamp": 0x42, "number": 0x43, "gaslimit": 0x45, "chainid": 0x46, "basefee": 0x48,
    "mload": 0x51, "mstore": 0x52, "jump": 0x56, "jumpi": 0x57, "gas": 0x5A, "dup1": 0x80,
    "dup6": 0x85, "swap1": 0x90, "swap2": 0x91, "call": 0xF1, "return": 0xF3, "revert": 0xFD,
}  # fmt: skip
_JUMPDEST: Final = 0x5B
_PUSH0: Final = 0x5F
_PUSH2: Final = 0x61


@cache
def runtime() -> bytes:
    """Return the reader's runtime code.

    Raises:
        OwnerError: the source has a word that means nothing.
    """
    return assemble((places.contract_sources() / "Multicall.easm").read_text())


def assemble(source: str) -> bytes:
    """Return the code of `source`: opcodes, numbers to push, `@label` to push, `label:`.

    Raises:
        OwnerError: a word is none of these, or a label is missing.
    """
    words = re.sub(r";[^\n]*", "", source).split()
    labels: dict[str, int] = {}
    place = 0
    for word in words:
        if word.endswith(":"):
            labels[word[:-1]] = place
        place += len(_bytes_of(word, {}))
    return b"".join(_bytes_of(word, labels) for word in words)


def _bytes_of(word: str, labels: dict[str, int]) -> bytes:
    """Return one word's code; a label not in `labels` counts as 0, for its size is always 3."""
    if word.endswith(":"):
        return bytes([_JUMPDEST])
    if word.startswith("@"):
        if labels and word[1:] not in labels:
            raise OwnerError(f"no label {word[1:]}", number=44)
        return bytes([_PUSH2]) + labels.get(word[1:], 0).to_bytes(2, "big")
    if word in _OPCODES:
        return bytes([_OPCODES[word]])
    try:
        number = int(word, 0)
    except ValueError as error:
        raise OwnerError(f"{word} is neither opcode nor number", number=44) from error
    size = (number.bit_length() + 7) // 8
    return bytes([_PUSH0 + size]) + number.to_bytes(size, "big")
