"""Who else is in the market: makers, lenders, borrowers, and what each owns at the start.

Sizes are in whole ether, so that a market that starts at 200 dollars is as deep as one at 3,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from leverd.devnet.aave import Lending
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment, Roles, Token
from leverd.devnet.market_view import read_many
from leverd.devnet.uniswap import Exchange, Range

ETHER: Final = 10**18
_MAX: Final = 2**256 - 1
_VARIABLE: Final = 2

# Wide enough that a fall of 60 % stays quoted and a rise of many times too; narrow ones on top,
# so that trades cross ticks and the depth near the price is that of a busy pool.
WETH_USDC: Final = (
    Range(Fraction(1, 50), Fraction(50), 60_000),
    Range(Fraction(5, 8), Fraction(8, 5), 10_000),
    Range(Fraction(10, 11), Fraction(11, 10), 5_000),
    Range(Fraction(50, 51), Fraction(51, 50), 2_000),
    Range(Fraction(3, 10), Fraction(3, 4), 20_000),
)
WSTETH_WETH: Final = (
    Range(Fraction(1, 2), Fraction(2), 10_000),
    Range(Fraction(50, 51), Fraction(51, 50), 10_000),
    Range(Fraction(500, 501), Fraction(501, 500), 10_000),
)
# Whole ether of WETH, ether's worth of USDC, and wstETH that each role begins with.
_PURSES: Final = {
    "maker": (200_000, 200_000, 50_000),
    "arbitrageur": (500_000, 500_000, 200_000),
    "lender": (100_000, 100_000, 50_000),
    "borrower": (50_000, 50_000, 600_000),
    "liquidator": (20_000, 100_000, 20_000),
    "looper": (1_000, 0, 0),
    "owner": (100, 0, 0),
    "operator": (10, 0, 0),
}
_LOW_ETHER: Final = 10_000 * ETHER
_LOW_DOLLARS: Final = 50_000_000 * 10**6
_POCKET: Final = {"owner": 1_000 * ETHER, "operator": 100 * ETHER}  # wei for gas


def fill_purses(chain: Chain, roles: Roles, tokens: Mapping[str, Token], price: Fraction) -> None:
    """Queue what gives each role its tokens; WETH is truly deposited."""
    for role, (weth, usdc, staked) in _PURSES.items():
        who = getattr(roles, role)
        chain.send(who, tokens["WETH"].address, "deposit()", value=weth * ETHER)
        if usdc:
            raw = int(usdc * price * 10**6)
            chain.send(who, tokens["USDC"].address, "mint(uint256)", raw)
        if staked:
            chain.send(
                roles.keeper,
                tokens["wstETH"].address,
                "mint(address,uint256)",
                who,
                staked * ETHER,
            )


def approve(
    chain: Chain, roles: Roles, tokens: Mapping[str, Token], lending: Lending, exchange: Exchange
) -> None:
    """Queue the residents' standing approvals."""
    spenders = {
        "maker": (exchange.positions,),
        "arbitrageur": (exchange.router,),
        "lender": (lending.pool,),
        "borrower": (lending.pool,),
        "liquidator": (lending.pool, exchange.router),
        "looper": (lending.pool,),
    }
    for role, contracts in spenders.items():
        for contract in contracts:
            for token in tokens.values():
                chain.send(
                    getattr(roles, role),
                    token.address,
                    "approve(address,uint256)",
                    contract,
                    _MAX,
                )


def lend_and_borrow(
    chain: Chain, roles: Roles, tokens: Mapping[str, Token], lending: Lending, price: Fraction
) -> None:
    """Queue supplies and loans that put utilisation where mainnet's usually is.

    The borrower's staked ether is worth several times its loans, so that no crash reaches it; the
    looper stands at a health of 1.12 and is the first that one liquidates.
    """
    weth, usdc, staked = (tokens[name].address for name in ("WETH", "USDC", "wstETH"))
    dollars = price * 10**6  # raw USDC for one ether

    def supply(who: str, asset: str, amount: int) -> None:
        signature = "supply(address,uint256,address,uint16)"
        chain.send(who, lending.pool, signature, asset, amount, who, 0)

    def borrow(who: str, asset: str, amount: int) -> None:
        signature = "borrow(address,uint256,uint256,uint16,address)"
        chain.send(who, lending.pool, signature, asset, amount, _VARIABLE, 0, who)

    supply(roles.lender, weth, 100_000 * ETHER)
    supply(roles.lender, usdc, int(100_000 * dollars))
    supply(roles.lender, staked, 50_000 * ETHER)
    supply(roles.borrower, staked, 500_000 * ETHER)
    borrow(roles.borrower, weth, 75_000 * ETHER)
    borrow(roles.borrower, usdc, int(80_000 * dollars))
    borrow(roles.borrower, staked, 10_000 * ETHER)
    supply(roles.looper, weth, 1_000 * ETHER)
    borrow(roles.looper, usdc, int(740 * dollars))


def top_up(chain: Chain, deployment: Deployment) -> None:
    """Queue fresh money for the arbitrageur and the liquidator where it runs low."""
    tokens, roles = deployment.tokens, deployment.roles
    for who in (roles.arbitrageur, roles.liquidator):
        ether, dollars, staked = read_many(
            chain,
            deployment,
            [(tokens[name].address, "balanceOf(address)->(uint256)", (who,)) for name in tokens],
        )
        if ether < _LOW_ETHER:
            chain.send(who, tokens["WETH"].address, "deposit()", value=10 * _LOW_ETHER)
        if dollars < _LOW_DOLLARS:
            chain.send(who, tokens["USDC"].address, "mint(uint256)", 4 * _LOW_DOLLARS)
        if staked < _LOW_ETHER:
            mint, to = "mint(address,uint256)", tokens["wstETH"].address
            chain.send(roles.keeper, to, mint, who, 10 * _LOW_ETHER)


def liquidator_ether() -> int:
    """Return the wei of WETH that the liquidator keeps; what it seizes beyond, it sells."""
    return _PURSES["liquidator"][0] * ETHER


def fill_pockets(chain: Chain, roles: Roles) -> None:
    """Leave the agent's own accounts with ether of an ordinary size."""
    for role, wei in _POCKET.items():
        chain.rpc.ask("anvil_setBalance", getattr(roles, role), hex(wei))
