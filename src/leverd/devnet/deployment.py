"""What stands on a devnet, and where: written once, read by whoever attaches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from leverd.errors import NonsenseError

MULTICALL: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"


@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20."""

    symbol: str
    address: str
    decimals: int
    staking_rate: str = ""  # its function that says what one stands for


@dataclass(frozen=True, slots=True)
class PoolAt:
    """A Uniswap V3 pool; the token order is the pool's own."""

    name: str
    address: str
    token0: str
    token1: str
    fee: int  # hundredths of a basis point


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is who among the node's accounts. All keys are public knowledge: devnet only."""

    deployer: str
    owner: str  # the agent's owner
    operator: str  # the agent's daemon
    keeper: str  # posts oracle answers, reports the staking rate
    arbitrageur: str
    lender: str  # supplies most of what is lent
    borrower: str  # its demand moves the rates
    liquidator: str
    maker: str  # provides the pools' liquidity
    looper: str  # a leveraged resident that a crash liquidates
    spare: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Every address of a devnet, and what binds a journal to it."""

    chain_id: int
    genesis_hash: str
    block: int  # the last block of the deployment
    block_hash: str
    at: int  # that block's time, unix seconds
    seed: int
    generation: int  # how often this folder was reset
    tokens: Mapping[str, Token]  # by symbol
    feeds: Mapping[str, str]  # price feed in dollars, by symbol
    provider: str  # Aave's addresses provider
    pool: str
    configurator: str
    oracle: str
    data_provider: str
    treasury: str
    factory: str  # Uniswap's
    router: str
    quoter: str
    positions: str  # NonfungiblePositionManager
    pools: Mapping[str, PoolAt]  # by name, e.g. weth-usdc-500
    multicall: str
    account_factory: str | None  # None while our account contract is not compiled
    accounts: Mapping[str, str]  # by position id
    roles: Roles

    def token(self, address: str) -> Token:
        """Return the token at `address`."""
        return next(token for token in self.tokens.values() if token.address == address)

    def save(self, path: Path) -> None:
        """Write it to `path`, whole or not at all."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1) + "\n")
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote.

        Raises:
            NonsenseError: the file holds something else.
        """
        try:
            fields = json.loads(path.read_text())
            fields["tokens"] = {name: Token(**token) for name, token in fields["tokens"].items()}
            fields["pools"] = {name: PoolAt(**pool) for name, pool in fields["pools"].items()}
            spare = tuple(fields["roles"].pop("spare"))
            fields["roles"] = Roles(**fields["roles"], spare=spare)
            return cls(**fields)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NonsenseError(
                f"{path} is no deployment record", number=42, remedy="leverd devnet reset"
            ) from error
