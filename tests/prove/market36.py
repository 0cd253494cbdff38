"""A market of Aave 3.6, compiled from its published sources, on a local node."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from tests.domain_on_chain.chain_market import ChainMarket, Token
from tests.domain_on_chain.node import Node, call_data

from leverd.domain.lending import AAVE_3_6
from leverd.domain.money import Asset

BUILD = Path(__file__).parent / "aave36" / "build" / "market.json"
BASE = 10**8
ZERO = "0x" + "00" * 20

WETH, USDC, WSTETH = Asset("WETH", 18), Asset("USDC", 6), Asset("wstETH", 18)


@dataclass(frozen=True)
class Listing:
    """How one asset is listed; ratios in basis points, caps in whole tokens."""

    asset: Asset
    price: int  # USD
    ltv: int
    threshold: int
    bonus: int
    factor: int
    rates: tuple[int, int, int, int]  # optimal usage, base, slope 1, slope 2
    supply_cap: int
    borrow_cap: int


LISTINGS = (
    Listing(WETH, 3_000, 8_050, 8_300, 10_500, 1_500, (8_000, 0, 380, 8_000), 1_000_000, 800_000),
    Listing(
        USDC,
        1,
        7_500,
        7_800,
        10_450,
        1_000,
        (9_000, 0, 600, 6_000),
        2_000_000_000,
        1_800_000_000,
    ),
    Listing(WSTETH, 3_600, 7_850, 8_100, 10_600, 500, (4_500, 25, 450, 8_500), 700_000, 150_000),
)
ASSETS = "(address,address,address,string,string,string,string,bytes,bytes)[]"


class Deployer:
    """Deploys from the compiled build and links libraries on the way."""

    def __init__(self, node: Node, owner: str) -> None:
        self.node = node
        self.owner = owner
        self.build: dict[str, Any] = json.loads(BUILD.read_text())
        self.libraries: dict[str, str] = {}

    def deploy(self, name: str, types: str = "", *args: Any) -> str:
        code = self.build[name]["bytecode"]
        for link in self.build[name]["links"]:
            library = link["name"]
            if library not in self.libraries:
                self.libraries[library] = self.deploy(library)
            for offset in link["offsets"]:
                start = 2 * offset
                code = code[:start] + self.libraries[library][2:].lower() + code[start + 40 :]
        return self.node.deploy(self.owner, code, types, *args)

    def do(self, to: str, signature: str, *args: Any) -> None:
        self.node.do(self.owner, to, signature, *args)


def deploy_market(node: Node, owner: str) -> ChainMarket:
    """Return a market of three assets and one efficiency category, owned by `owner`."""
    hand = Deployer(node, owner)
    provider = hand.deploy("PoolAddressesProvider", "string,address", "test", owner)
    hand.do(provider, "setACLAdmin(address)", owner)
    acl = hand.deploy("ACLManager", "address", provider)
    hand.do(provider, "setACLManager(address)", acl)
    hand.do(acl, "addPoolAdmin(address)", owner)
    strategy = hand.deploy("DefaultReserveInterestRateStrategyV2", "address", provider)
    pool_code = hand.deploy("PoolInstance", "address,address", provider, strategy)
    hand.do(provider, "setPoolImpl(address)", pool_code)
    ((pool,),) = node.read([(provider, call_data("getPool()"), "address")])
    hand.do(provider, "setPoolConfiguratorImpl(address)", hand.deploy("PoolConfiguratorInstance"))
    ((configurator,),) = node.read([(provider, call_data("getPoolConfigurator()"), "address")])
    underlyings = [
        hand.deploy("TestToken", "string,uint8", each.asset.symbol, each.asset.decimals)
        for each in LISTINGS
    ]
    feeds = [hand.deploy("TestFeed", "int256", each.price * BASE) for each in LISTINGS]
    oracle = hand.deploy(
        "AaveOracle",
        "address,address[],address[],address,address,uint256",
        *(provider, underlyings, feeds, ZERO, ZERO, BASE),
    )
    hand.do(provider, "setPriceOracle(address)", oracle)
    receipt_code = hand.deploy("ATokenInstance", "address,address,address", pool, ZERO, provider)
    debt_code = hand.deploy("VariableDebtTokenInstance", "address,address", pool, ZERO)
    inputs = [
        (
            receipt_code,
            debt_code,
            underlying,
            *("a", "a", "v", "v"),
            b"",
            encode(["uint16", "uint32", "uint32", "uint32"], each.rates),
        )
        for each, underlying in zip(LISTINGS, underlyings, strict=True)
    ]
    hand.do(configurator, f"initReserves({ASSETS})", inputs)
    for each, underlying in zip(LISTINGS, underlyings, strict=True):
        _configure(hand, configurator, each, underlying)
    _categorise(hand, configurator, underlyings)
    tokens = {}
    for each, underlying, feed in zip(LISTINGS, underlyings, feeds, strict=True):
        (receipt,), (debt,) = node.read(
            [
                (pool, call_data("getReserveAToken(address)", underlying), "address"),
                (pool, call_data("getReserveVariableDebtToken(address)", underlying), "address"),
            ]
        )
        tokens[each.asset] = Token(underlying, receipt, debt, feed, owner)
    return ChainMarket(node, AAVE_3_6, pool, oracle, tokens, configurator, owner, modern=True)


def _configure(hand: Deployer, configurator: str, each: Listing, underlying: str) -> None:
    hand.do(
        configurator,
        "configureReserveAsCollateral(address,uint256,uint256,uint256)",
        *(underlying, each.ltv, each.threshold, each.bonus),
    )
    hand.do(configurator, "setReserveBorrowing(address,bool)", *(underlying, True))
    for setter, value in (
        ("setReserveFactor", each.factor),
        ("setSupplyCap", each.supply_cap),
        ("setBorrowCap", each.borrow_cap),
        ("setLiquidationProtocolFee", 1_000),
    ):
        hand.do(configurator, f"{setter}(address,uint256)", underlying, value)


def _categorise(hand: Deployer, configurator: str, underlyings: list[str]) -> None:
    hand.do(
        configurator,
        "setEModeCategory(uint8,uint16,uint16,uint16,string)",
        *(1, 9_300, 9_500, 10_100, "ETH"),
    )
    weth, _, wsteth = underlyings
    for asset in (weth, wsteth):
        hand.do(configurator, "setAssetCollateralInEMode(address,uint8,bool)", *(asset, 1, True))
    hand.do(configurator, "setAssetBorrowableInEMode(address,uint8,bool)", *(weth, 1, True))
