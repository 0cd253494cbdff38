"""The whole market, deployed on an empty node in about a second."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from eth_utils.address import to_checksum_address

from leverd.devnet import aave, artifacts, residents, uniswap
from leverd.devnet.accounts import deploy_accounts
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import MULTICALL, Deployment, PoolAt, Roles, Token
from leverd.devnet.multicall import runtime as multicall_runtime
from leverd.devnet.node import CHAIN_ID, Node, NodeOptions
from leverd.devnet.terms import STAKING_RATE
from leverd.errors import NonsenseError

_LEAD_S: Final = 86_400  # from genesis to the market's opening
_BASE_FEE: Final = 20 * 10**9  # wei per gas, as the market opens
_FEED_UNIT: Final = 10**8


@dataclass(frozen=True, slots=True)
class Opening:
    """How the market starts; the same opening gives the same addresses and the same state."""

    seed: int
    price: int  # dollars per ether, 1e8
    at: int  # unix seconds
    generation: int = 0  # enters the genesis hash alone: a reset chain is another chain

    @property
    def genesis_at(self) -> int:
        """The genesis block's time."""
        return self.at - _LEAD_S - self.generation


def deploy(node: Node, opening: Opening) -> Deployment:
    """Return the market, deployed on `node`, whose chain must be empty and not mine by itself.

    Raises:
        NonsenseError: the chain is not empty.
    """
    if int(node.rpc.ask("eth_blockNumber"), 16) != 0:
        raise NonsenseError("the chain already has blocks", number=43)
    chain = Chain(node.rpc)
    roles = _roles(node)
    node.rpc.ask("evm_setNextBlockTimestamp", opening.at - _LEAD_S + 12)
    node.rpc.ask("anvil_setCode", MULTICALL, "0x" + multicall_runtime().hex())
    tokens, feeds = _deploy_tokens(chain, roles, opening)
    exchange = uniswap.deploy_exchange(chain, roles.deployer, tokens["WETH"].address)
    lending = aave.deploy_lending(chain, roles.deployer, tokens, feeds, treasury=roles.spare[-1])
    price = Fraction(opening.price, _FEED_UNIT)
    residents.fill_purses(chain, roles, tokens, price)
    residents.approve(chain, roles, tokens, lending, exchange)
    pools = _open_pools(chain, roles, tokens, exchange, price)
    residents.lend_and_borrow(chain, roles, tokens, lending, price)
    accounts = deploy_accounts(chain, roles, lending.provider, tokens, pools)
    chain.mine()
    residents.fill_pockets(chain, roles)
    head = _open_at(chain, roles, feeds, opening)
    return Deployment(
        chain_id=CHAIN_ID,
        genesis_hash=node.rpc.block("0x0")["hash"],
        block=int(head["number"], 16),
        block_hash=head["hash"],
        at=opening.at,
        seed=opening.seed,
        generation=opening.generation,
        tokens=tokens,
        feeds=feeds,
        provider=lending.provider,
        pool=lending.pool,
        configurator=lending.configurator,
        oracle=lending.oracle,
        data_provider=lending.data_provider,
        treasury=lending.treasury,
        factory=exchange.factory,
        router=exchange.router,
        quoter=exchange.quoter,
        positions=exchange.positions,
        pools=pools,
        multicall=MULTICALL,
        account_factory=accounts.factory,
        accounts=accounts.by_position,
        roles=roles,
    )


def start(opening: Opening, *, port: int = 0) -> tuple[Node, Deployment]:
    """Return a new node with the market on it.

    Raises:
        UnreachableError: the node did not come up.
    """
    node = Node.start(NodeOptions(opening.genesis_at, port=port))
    try:
        return node, deploy(node, opening)
    except BaseException:
        node.stop()
        raise


def _roles(node: Node) -> Roles:
    names = [name for name in Roles.__slots__ if name != "spare"]
    accounts = [to_checksum_address(account) for account in node.rpc.ask("eth_accounts")]
    named = dict(zip(names, accounts, strict=False))
    return Roles(**named, spare=tuple(accounts[len(names) :]))


def _deploy_tokens(
    chain: Chain, roles: Roles, opening: Opening
) -> tuple[dict[str, Token], dict[str, str]]:
    deployer, keeper = roles.deployer, roles.keeper
    mocks = "mocks/tokens"
    weth = chain.deploy(deployer, artifacts.creation(artifacts.AAVE, f"{mocks}/WETH9Mocked"))
    usdc = chain.deploy(
        deployer,
        artifacts.creation(artifacts.AAVE, f"{mocks}/MintableERC20"),
        "(string,string,uint8)",
        "USD Coin",
        "USDC",
        6,
    )
    staked = chain.deploy(
        deployer, artifacts.ours("StakedEther").creation, "(address,uint256)", keeper, STAKING_RATE
    )
    aggregator = artifacts.ours("Aggregator").creation
    words = "(address,uint8,string,int256)"
    eth_usd = chain.deploy(deployer, aggregator, words, keeper, 8, "ETH / USD", opening.price)
    usdc_usd = chain.deploy(deployer, aggregator, words, keeper, 8, "USDC / USD", _FEED_UNIT)
    ratio = artifacts.ours("RatioFeed").creation
    staked_usd = chain.deploy(deployer, ratio, "(address,address)", eth_usd, staked)
    chain.mine()
    tokens = {
        "WETH": Token("WETH", weth, 18),
        "USDC": Token("USDC", usdc, 6),
        "wstETH": Token("wstETH", staked, 18, "stEthPerToken()"),
    }
    return tokens, {"WETH": eth_usd, "USDC": usdc_usd, "wstETH": staked_usd}


def _open_pools(
    chain: Chain,
    roles: Roles,
    tokens: dict[str, Token],
    exchange: uniswap.Exchange,
    price: Fraction,
) -> dict[str, PoolAt]:
    pools: dict[str, PoolAt] = {}
    for name, base, quote, fee, at, ranges in (
        ("weth-usdc-500", "WETH", "USDC", 500, price, residents.WETH_USDC),
        (
            "wsteth-weth-100",
            "wstETH",
            "WETH",
            100,
            Fraction(STAKING_RATE, 10**18),
            residents.WSTETH_WETH,
        ),
    ):
        pair = uniswap.pair_of(tokens[base], tokens[quote])
        pools[name] = uniswap.open_pool(chain, roles.maker, exchange, pair, name, fee, at)
        uniswap.provide(chain, roles.maker, exchange, pair, fee, at, ranges)
    return pools


def _open_at(chain: Chain, roles: Roles, feeds: dict[str, str], opening: Opening) -> dict[str, str]:
    """Mine the block that ends the deployment, with fresh oracle answers, at the opening time."""
    for symbol, price in (("WETH", opening.price), ("USDC", _FEED_UNIT)):
        chain.send(roles.keeper, feeds[symbol], "post(int256)", price)
    chain.hand_over()
    chain.rpc.ask("evm_setNextBlockTimestamp", opening.at)
    chain.rpc.ask("anvil_setNextBlockBaseFeePerGas", hex(_BASE_FEE))
    chain.mine()
    head: dict[str, str] = chain.rpc.block()
    return head
