"""The agent's own contracts on the devnet: the account factory and a funded account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from leverd.devnet.chain import Chain
from leverd.devnet.deployment import PoolAt, Roles, Token

_ETHER: Final = 10**18
_EQUITY: Final = 10 * _ETHER  # WETH that the owner puts into the account
_BOUNDS: Final = "(address,address,address[],uint256,uint256,uint256,uint256,uint8)"
_CREATE: Final = f"create(address,address,{_BOUNDS},bytes32)->(address)"
_HEALTH_MIN: Final = 110 * _ETHER // 100
_HEALTH_STEP_MIN: Final = 101 * _ETHER // 100
_LOSS_CALL_MAX: Final = 300  # bps against the oracle, which lags a crash by more than half of that
_LOSS_DAY_MAX: Final = 50_000  # dollars
_NO_EMODE: Final = 0


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where the factory stands, and the account of each position that the devnet made."""

    factory: str | None  # None while our contracts are not compiled
    by_position: Mapping[str, str]


def deploy_accounts(
    chain: Chain,
    roles: Roles,
    provider: str,
    tokens: Mapping[str, Token],
    pools: Mapping[str, PoolAt],
) -> Accounts:
    """Return the factory and the account of position `eth-loop`, holding the owner's ether."""
    implementation_code, factory_code = _creation("Account"), _creation("AccountFactory")
    if implementation_code is None or factory_code is None:
        return Accounts(None, {})
    implementation = chain.deploy(roles.deployer, implementation_code, "(address)", provider)
    factory = chain.deploy(roles.deployer, factory_code, "(address)", implementation)
    chain.mine()
    bounds = (
        tokens["WETH"].address, tokens["USDC"].address, [pools["weth-usdc-500"].address],
        _HEALTH_MIN, _HEALTH_STEP_MIN, _LOSS_CALL_MAX, _LOSS_DAY_MAX, _NO_EMODE,
    )  # fmt: skip
    words = (roles.owner, roles.operator, bounds, b"eth-loop".ljust(32, b"\0"))
    account = chain.read_address(factory, _CREATE, *words, sender=roles.owner)
    chain.send(roles.owner, factory, _CREATE.partition("->")[0], *words)
    transfer = "transfer(address,uint256)"
    chain.send(roles.owner, tokens["WETH"].address, transfer, account, _EQUITY)
    return Accounts(factory, {"eth-loop": account})


def _creation(name: str) -> bytes | None:
    file = resources.files("leverd.adapters.evm") / "artifacts" / f"{name}.json"
    if not file.is_file():
        return None
    artifact: Any = json.loads(file.read_text("utf-8"))
    return bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
