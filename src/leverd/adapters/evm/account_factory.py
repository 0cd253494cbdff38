"""Where accounts come from: addresses that follow from what stands at them (EIP-1014).

The implementation and its factory are deployed through the keyless deployer that most chains
carry at one address, so that whoever deploys the same code gets the same place, and a second
time does nothing. The deployer: github.com/Arachnid/deterministic-deployment-proxy.
"""

from __future__ import annotations

from typing import Final

from eth_abi.abi import encode
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from leverd.adapters.evm import abi
from leverd.adapters.evm.account import Bounds
from leverd.adapters.evm.account_owner import BOUNDS_TYPE, words_of
from leverd.interfaces.chain_client import Call

DEPLOYER: Final = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
CREATE: Final = abi.Function(f"create(address,address,{BOUNDS_TYPE},bytes32)")
IMPLEMENTATION: Final = abi.Function("IMPLEMENTATION()")

_SALT: Final = bytes(32)
_SALT_BYTES: Final = 32
# Vyper's create_minimal_proxy_to: what returns a clone, and the clone around its target.
_CLONE: Final = ("602d3d8160093d39f3363d3d373d3d3d363d73", "5af43d82803e903d91602b57fd5bf3")


def creation(bytecode: str, argument: str) -> bytes:
    """Return creation code whose constructor takes one address."""
    return bytes.fromhex(bytecode.removeprefix("0x")) + abi.address_word(argument)


def deployed_at(code: bytes) -> str:
    """Return where the keyless deployer puts what the creation `code` returns."""
    return _create2(DEPLOYER, _SALT, code)


def deploy(code: bytes) -> Call:
    """Return the call of the keyless deployer."""
    return Call(DEPLOYER, _SALT + code)


def account_at(
    factory: str, implementation: str, owner: str, operator: str, bounds: Bounds, salt: bytes
) -> str:
    """Return the address of the account that `create` would make."""
    types = ("address", "address", BOUNDS_TYPE, "bytes32")
    committed = keccak(encode(types, (owner, operator, words_of(bounds), salt)))
    head, tail = (bytes.fromhex(part) for part in _CLONE)
    return _create2(factory, committed, head + to_canonical_address(implementation) + tail)


def create(factory: str, owner: str, operator: str, bounds: Bounds, salt: bytes) -> Call:
    """Return the call that makes an account."""
    return Call(factory, CREATE.encode(owner, operator, words_of(bounds), salt))


def salt_of(name: str) -> bytes:
    """Return `name` as a salt: its own bytes where they fit, else their hash."""
    text = name.encode()
    return text.ljust(_SALT_BYTES, b"\0") if len(text) <= _SALT_BYTES else keccak(text)


def factory_code(runtime: str, implementation: str) -> bytes:
    """Return the code of a factory of ours: Vyper appends the immutable to what it compiled."""
    return bytes.fromhex(runtime.removeprefix("0x")) + abi.address_word(implementation)


def _create2(deployer: str, salt: bytes, code: bytes) -> str:
    found = keccak(b"\xff" + to_canonical_address(deployer) + salt + keccak(code))
    return str(to_checksum_address(found[-20:]))
