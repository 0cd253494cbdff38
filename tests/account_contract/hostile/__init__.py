"""Contracts that attack an account."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from tests.account_contract.vault import mined
from tests.chain import LocalMarket
from vyper import compile_code

HERE = Path(__file__).parent


@cache
def code_of(name: str) -> bytes:
    """Return an attacker's creation code."""
    source = (HERE / f"{name}.vy").read_text()
    found = compile_code(source, output_formats=["bytecode"])["bytecode"]
    return bytes.fromhex(found.removeprefix("0x"))


def deploy(local: LocalMarket, name: str, types: str = "()", *args: Any) -> str:
    """Return where an attacker now stands."""
    maker = local.deployment.roles.spare[2]
    local.node.rpc.ask("anvil_setBalance", maker, hex(100_000 * 10**18))
    address = local.chain.deploy(maker, code_of(name), types, *args)
    local.chain.mine()
    return address


def tell(local: LocalMarket, attacker: str, signature: str, *args: Any) -> None:
    """Mine a call to an attacker, from its maker."""
    mined(local, local.deployment.roles.spare[2], attacker, signature, *args)
