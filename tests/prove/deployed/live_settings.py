"""Settings for real money on a devnet: the shipped ones, with the places of docs/install.md."""

from __future__ import annotations

from typing import Any

import yaml
from tests.prove.deployed.commands import ROOT
from tests.prove.deployed.node import Node


def live(node: Node, *, account: str, api_port: int, **places: dict[str, Any]) -> dict[str, Any]:
    """Return settings of mode live for one position on `node`; `places` replaces whole sections."""
    shipped = yaml.safe_load((ROOT / "config" / "settings.yaml").read_text())
    there = node.on_it
    loop = {**shipped["positions"]["eth-loop"], "account": account}
    router = {name: there[name] for name in ("factory", "quoter", "router")}
    found = {
        "mode": "live",
        "real_money": True,
        "chain": {"id": 31337, "rpc": [node.url], "profile": "ethereum", "read_deadline_s": 5},
        "tokens": {
            name: {"address": there["tokens"][name]["address"], "decimals": decimals}
            for name, decimals in (("WETH", 18), ("USDC", 6))
        },
        "venues": {
            "aave": {"kind": "aave_v3", "provider": there["provider"]},
            "weth-usdc-500": {**shipped["venues"]["weth-usdc-500"], **router},
        },
        "positions": {"eth-loop": loop},
        "limits": shipped["limits"],
        "engine": {"look_s_max": 24, "look_s_min": 12, "inclusion_delay_s": 36, "watch": False},
        "api": {"port": api_port},
    }
    for name, section in places.items():
        old = found.get(name, {})
        found[name] = {**(old if isinstance(old, dict) else {}), **section}
    return found


def as_yaml(settings: dict[str, Any]) -> str:
    """Return them as a file, one key a line, so that a test can change one."""
    return yaml.safe_dump(settings, sort_keys=False, width=200)
