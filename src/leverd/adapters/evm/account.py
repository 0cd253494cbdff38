"""Our account contract: what it is, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from leverd.adapters.evm import abi
from leverd.adapters.evm.reads import Read
from leverd.interfaces.chain_client import Call, Reply

SEQUENCE: Final = abi.Function("sequence()")
OWNER: Final = abi.Function("owner()")
OPERATOR: Final = abi.Function("operator()")
LENDING: Final = abi.Function("lending()")
BOUNDS: Final = abi.Function(
    "bounds()", ("(address,address,address[],uint256,uint256,uint256,uint256,uint8)",)
)

_CLONE_HEAD: Final = bytes.fromhex("363d3d373d3d3d363d73")
_CLONE_TAIL: Final = bytes.fromhex("5af43d82803e903d91602b57fd5bf3")


@dataclass(frozen=True, slots=True)
class AccountState:
    """What an account contract says of itself."""

    sequence: int  # the number its next call must carry
    owner: str
    operator: str
    lending_pool: str  # the market's pool that the owner knew
    lending_revision: int  # and its revision; with another one the account only closes


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the owner allows the operator."""

    collateral: str
    debt: str
    swap_pools: tuple[str, ...]
    health_min: int  # wad, lowest health a call that raises risk may end at
    health_step_min: int  # wad, lowest health a single withdrawal may pass through
    loss_call_max: int  # bps of the value swapped, against the oracle
    loss_day_max: int  # dollars a UTC day, against the oracle
    emode: int


@dataclass(frozen=True, slots=True)
class AccountKind:
    """What stands at an account's address, as start-up found it."""

    address: str
    trusted: bool  # a plain address, or a contract whose code is ours
    code_hash: str  # keccak of the code that runs, "" for a plain address
    state: Read[AccountState] | None  # how to read it, None for a plain address


def behind(code: bytes) -> str | None:
    """Return the address whose code a clone runs (EIP-1167), None if it is no clone."""
    if not (code.startswith(_CLONE_HEAD) and code.endswith(_CLONE_TAIL)):
        return None
    target = code[len(_CLONE_HEAD) : -len(_CLONE_TAIL)]
    return str(to_checksum_address(target)) if len(target) == 20 else None  # noqa: PLR2004 - bytes


def kind_of(
    address: str, code: bytes, implemented: bytes, known_hashes: frozenset[str]
) -> AccountKind:
    """Return what an account is, given the code at it and the code that runs."""
    if not code:
        return AccountKind(address, trusted=True, code_hash="", state=None)
    code_hash = "0x" + keccak(implemented).hex()
    return AccountKind(address, code_hash in known_hashes, code_hash, state(address))


def state(account: str) -> Read[AccountState]:
    """Return the read of an account contract's sequence number, roles and known market."""
    functions = (SEQUENCE, OWNER, OPERATOR, LENDING)
    calls = tuple(Call(account, function.selector) for function in functions)

    def decode(replies: Sequence[Reply]) -> AccountState:
        sequence, owner, operator = (abi.word(reply.data) for reply in replies[:3])
        pool, revision = abi.words(replies[3].data, 2)
        return AccountState(
            sequence,
            abi.address_of(owner),
            abi.address_of(operator),
            abi.address_of(pool),
            revision,
        )

    return Read(calls, decode)


def bounds(account: str) -> Read[Bounds]:
    """Return the read of what an account's owner allows its operator."""

    def decode(replies: Sequence[Reply]) -> Bounds:
        collateral, debt, pools, *numbers = BOUNDS.decode(replies[0].data)[0]
        checksummed = [str(to_checksum_address(one)) for one in (collateral, debt, *pools)]
        return Bounds(checksummed[0], checksummed[1], tuple(checksummed[2:]), *numbers)

    return Read((Call(account, BOUNDS.selector),), decode)


def code_hash(runtime: bytes, provider: str) -> str:
    """Return the hash of the account code for the market of `provider`.

    Vyper appends immutables, here the provider's address, to the runtime code it compiled.
    """
    return "0x" + keccak(runtime + abi.address_word(provider)).hex()
