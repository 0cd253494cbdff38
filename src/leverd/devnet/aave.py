"""The Aave V3 market, built from its published artifacts the way its own deployer does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leverd.devnet import artifacts
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Token
from leverd.devnet.terms import (
    EMODE_BONUS,
    EMODE_LTV,
    EMODE_THRESHOLD,
    FLASH_PREMIUM,
    RESERVES,
    Curve,
    ReserveTerms,
)

_NOBODY: Final = "0x" + "00" * 20
_ON: Final = True
_LOGIC: Final = "protocol/libraries/logic"
_INIT_RESERVES: Final = (
    "initReserves((address,address,address,uint8,address,address,address,address,"
    "string,string,string,string,string,string,bytes)[])"
)
# The stable-rate mode is never enabled here, but the 3.0 strategy wants figures for it.
_STABLE: Final = (7 * 10**25, 3 * 10**27, 10**25, 8 * 10**26, 2 * 10**26)


@dataclass(frozen=True, slots=True)
class Lending:
    """Where the lending market stands."""

    provider: str
    pool: str
    configurator: str
    oracle: str
    data_provider: str
    treasury: str


def deploy_lending(
    chain: Chain,
    deployer: str,
    tokens: Mapping[str, Token],
    feeds: Mapping[str, str],
    *,
    treasury: str,
) -> Lending:
    """Return a market with every reserve of the terms listed, open and empty."""
    provider = _deploy(
        chain,
        deployer,
        "protocol/configuration/PoolAddressesProvider",
        "(string,address)",
        "leverd devnet",
        deployer,
    )
    chain.send(deployer, provider, "setACLAdmin(address)", deployer)
    chain.mine()
    acl = _deploy(chain, deployer, "protocol/configuration/ACLManager", "(address)", provider)
    chain.send(deployer, provider, "setACLManager(address)", acl)
    chain.send(deployer, acl, "addPoolAdmin(address)", deployer)
    symbols = list(tokens)
    oracle = _deploy(
        chain,
        deployer,
        "misc/AaveOracle",
        "(address,address[],address[],address,address,uint256)",
        provider,
        [tokens[name].address for name in symbols],
        [feeds[name] for name in symbols],
        _NOBODY,
        _NOBODY,
        10**8,
    )
    chain.send(deployer, provider, "setPriceOracle(address)", oracle)
    reader = _deploy(chain, deployer, "misc/AaveProtocolDataProvider", "(address)", provider)
    chain.send(deployer, provider, "setPoolDataProvider(address)", reader)
    pool, configurator = _deploy_pool(chain, deployer, provider)
    lending = Lending(provider, pool, configurator, oracle, reader, treasury)
    _list_reserves(chain, deployer, tokens, lending)
    return lending


def _deploy_pool(chain: Chain, deployer: str, provider: str) -> tuple[str, str]:
    library: dict[str, str] = {}
    for name in (
        "BorrowLogic",
        "BridgeLogic",
        "EModeLogic",
        "LiquidationLogic",
        "PoolLogic",
        "SupplyLogic",
        "ConfiguratorLogic",
        "FlashLoanLogic",
    ):
        code = artifacts.creation(artifacts.AAVE, f"{_LOGIC}/{name}", library)
        library[name] = chain.deploy(deployer, code)
    pool = _deploy(chain, deployer, "protocol/pool/Pool", "(address)", provider, library=library)
    configurator = _deploy(chain, deployer, "protocol/pool/PoolConfigurator", library=library)
    chain.send(deployer, provider, "setPoolImpl(address)", pool)
    chain.send(deployer, provider, "setPoolConfiguratorImpl(address)", configurator)
    chain.mine()
    return (
        chain.read_address(provider, "getPool()->(address)"),
        chain.read_address(provider, "getPoolConfigurator()->(address)"),
    )


def _list_reserves(
    chain: Chain, deployer: str, tokens: Mapping[str, Token], lending: Lending
) -> None:
    kinds = {
        kind: _deploy(chain, deployer, f"protocol/tokenization/{kind}", "(address)", lending.pool)
        for kind in ("AToken", "StableDebtToken", "VariableDebtToken")
    }
    rows = [
        _reserve_row(
            tokens[terms.symbol],
            kinds,
            lending,
            _deploy_curve(chain, deployer, lending.provider, terms.curve),
        )
        for terms in RESERVES
    ]
    to = lending.configurator
    for row in rows:  # one at a time: three would not fit into one transaction's gas
        chain.send(deployer, to, _INIT_RESERVES, [row])
    emode = (1, EMODE_LTV, EMODE_THRESHOLD, EMODE_BONUS, _NOBODY, "ETH correlated")
    chain.send(deployer, to, "setEModeCategory(uint8,uint16,uint16,uint16,address,string)", *emode)
    for terms in RESERVES:
        _set_terms(chain, deployer, to, tokens[terms.symbol].address, terms)
    chain.send(deployer, to, "updateFlashloanPremiumTotal(uint128)", FLASH_PREMIUM)
    chain.mine()


def _reserve_row(
    token: Token, kinds: Mapping[str, str], lending: Lending, curve: str
) -> Sequence[object]:
    name = token.symbol
    return (
        kinds["AToken"],
        kinds["StableDebtToken"],
        kinds["VariableDebtToken"],
        token.decimals,
        curve,
        token.address,
        lending.treasury,
        _NOBODY,
        f"Aave devnet {name}",
        f"a{name}",
        f"Aave devnet variable debt {name}",
        f"variableDebt{name}",
        f"Aave devnet stable debt {name}",
        f"stableDebt{name}",
        b"",
    )


def _set_terms(chain: Chain, deployer: str, to: str, asset: str, terms: ReserveTerms) -> None:
    chain.send(
        deployer,
        to,
        "configureReserveAsCollateral(address,uint256,uint256,uint256)",
        asset,
        terms.ltv,
        terms.threshold,
        terms.bonus,
    )
    chain.send(deployer, to, "setReserveBorrowing(address,bool)", asset, _ON)
    chain.send(deployer, to, "setReserveFlashLoaning(address,bool)", asset, _ON)
    for setter, figure in (
        ("setReserveFactor", terms.reserve_factor),
        ("setLiquidationProtocolFee", terms.protocol_fee),
        ("setSupplyCap", terms.supply_cap),
        ("setBorrowCap", terms.borrow_cap),
    ):
        chain.send(deployer, to, f"{setter}(address,uint256)", asset, figure)
    if terms.emode:
        chain.send(deployer, to, "setAssetEModeCategory(address,uint8)", asset, terms.emode)


def _deploy_curve(chain: Chain, deployer: str, provider: str, curve: Curve) -> str:
    return _deploy(
        chain,
        deployer,
        "protocol/pool/DefaultReserveInterestRateStrategy",
        "(address" + ",uint256" * 9 + ")",
        provider,
        curve.optimal,
        curve.base,
        curve.slope1,
        curve.slope2,
        *_STABLE,
    )


def _deploy(
    chain: Chain,
    deployer: str,
    path: str,
    types: str = "()",
    *args: object,
    library: Mapping[str, str] | None = None,
) -> str:
    return chain.deploy(deployer, artifacts.creation(artifacts.AAVE, path, library), types, *args)
