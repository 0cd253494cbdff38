"""The agent's own contracts on the devnet: the account factory and two funded accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from leverd.devnet.chain import Chain
from leverd.devnet.deployment import PoolAt, Roles, Token

_ETHER: Final = 10**18
_EQUITY: Final = 10 * _ETHER  # WETH that the owner puts into the account of the long
_EQUITY_SHORT: Final = 30_000 * 10**6  # USDC, into the account of the short
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
    """Return the factory and two accounts: of `eth-loop`, holding ether, and of `eth-short`.

    The short's holds dollars, and may owe ether against them.
    """
    implementation_code, factory_code = _creation("Account"), _creation("AccountFactory")
    if implementation_code is None or factory_code is None:
        return Accounts(None, {})
    implementation = chain.deploy(roles.deployer, implementation_code, "(address)", provider)
    factory = chain.deploy(roles.deployer, factory_code, "(address)", implementation)
    chain.mine()
    weth, usdc = tokens["WETH"].address, tokens["USDC"].address
    pool, transfer = pools["weth-usdc-500"].address, "transfer(address,uint256)"
    long = _create(chain, roles, factory, "eth-loop", (weth, usdc, pool))
    short = _create(chain, roles, factory, "eth-short", (usdc, weth, pool))
    chain.send(roles.owner, weth, transfer, long, _EQUITY)
    chain.send(roles.owner, usdc, "mint(uint256)", _EQUITY_SHORT)
    chain.send(roles.owner, usdc, transfer, short, _EQUITY_SHORT)
    return Accounts(factory, {"eth-loop": long, "eth-short": short})


def _create(
    chain: Chain, roles: Roles, factory: str, position: str, pair: tuple[str, str, str]
) -> str:
    """Return the account of `position`, which posts the first of `pair` and owes the second."""
    collateral, debt, pool = pair
    bounds = (
        collateral, debt, [pool],
        _HEALTH_MIN, _HEALTH_STEP_MIN, _LOSS_CALL_MAX, _LOSS_DAY_MAX, _NO_EMODE,
    )  # fmt: skip
    words = (roles.owner, roles.operator, bounds, position.encode().ljust(32, b"\0"))
    account = chain.read_address(factory, _CREATE, *words, sender=roles.owner)
    chain.send(roles.owner, factory, _CREATE.partition("->")[0], *words)
    return account


def _creation(name: str) -> bytes | None:
    file = resources.files("leverd.adapters.evm") / "artifacts" / f"{name}.json"
    if not file.is_file():
        return None
    artifact: Any = json.loads(file.read_text("utf-8"))
    return bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
