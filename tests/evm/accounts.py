"""Account contracts on the local market."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.compile import ARTIFACTS, HERE, compile_to
from eth_utils.address import to_checksum_address
from tests.chain import LocalMarket

from leverd.adapters.evm.account import code_hash

WAD = 10**18
BOUNDS = "(address,address,address[],uint256,uint256,uint256,uint256,uint8)"


@dataclass(frozen=True)
class Deployed:
    address: str
    code_hash: str


@cache
def artifact(name: str) -> tuple[bytes, ...]:
    """Return creation and runtime code, compiled if set-up has not done it."""
    source = Path(HERE) / f"{name}.vy"
    compile_to(source, ARTIFACTS)
    found = json.loads((ARTIFACTS / f"{name}.json").read_text())
    return tuple(
        bytes.fromhex(found[part].removeprefix("0x")) for part in ("bytecode", "runtime_bytecode")
    )


def deploy_account(local: LocalMarket, operator: str, *, emode: int = 0, **changes) -> Deployed:
    """Return a clone that lets `operator` lever WETH against USDC."""
    deployment, chain = local.deployment, local.chain
    creation, runtime = artifact("Account")
    maker, owner = deployment.roles.spare[1], deployment.roles.owner
    implementation = chain.deploy(maker, creation, "(address)", deployment.provider)
    factory = chain.deploy(maker, artifact("AccountFactory")[0], "(address)", implementation)
    chain.mine()
    bounds = (
        changes.get("collateral", local.token("WETH")),
        local.token("USDC"),
        [deployment.pools["weth-usdc-500"].address],
        11 * WAD // 10,
        105 * WAD // 100,
        500,
        1_000_000,
        emode,
    )
    signature = f"create(address,address,{BOUNDS},bytes32)"
    made = (owner, operator, bounds, b"\1" * 32)
    account = chain.read_address(factory, f"{signature}->(address)", *made)
    chain.send(maker, factory, signature, *made)
    chain.mine()
    return Deployed(to_checksum_address(account), code_hash(runtime, deployment.provider))


def give(local: LocalMarket, symbol: str, to: str, raw: int) -> None:
    """Send `raw` of a token to `to`, from those who have it."""
    chain, roles = local.chain, local.deployment.roles
    if symbol == "WETH":
        chain.send(roles.spare[0], local.token("WETH"), "deposit()", value=raw)
        chain.send(roles.spare[0], local.token("WETH"), "transfer(address,uint256)", to, raw)
    else:
        chain.send(roles.maker, local.token(symbol), "transfer(address,uint256)", to, raw)
    chain.mine()
