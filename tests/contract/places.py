"""Places where a `Venue` can be proven: in memory, on paper, and real contracts on anvil."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from tests import worlds
from tests.evm.accounts import give
from tests.evm.test_venue_on_chain import account_on
from tests.papers import RealChain, paper_on
from tests.simulated import chain_at, venue_at

from leverd.adapters.simulated import markets

WETH = worlds.WETH


class SimulatedPlace:
    """The chain in memory."""

    def __init__(self, venue):
        self.venue, self.mandate = venue, worlds.mandate()

    def mine(self, count=1):
        self.venue.chain.mine(count)

    def forget(self):
        self.venue.chain.forget()

    def spend_nonce(self):
        """Let somebody else sign with the key."""
        self.venue.chain.change(markets.spent)
        self.mine()

    def give(self, raw):
        """Let somebody send the account `raw` of its collateral."""
        self.venue.chain.change(markets.given(self.mandate.account, WETH, raw))
        self.mine()

    def post_price(self, dollars):
        self.venue.chain.change(markets.priced(WETH, Decimal(dollars)))
        self.mine()


class PaperPlace:
    """A position on paper, beside a chain in memory that has its market and knows nothing of it.

    Every block is looked at, as a daemon with something in flight nearly does.
    """

    def __init__(self):
        self._real = RealChain(chain_at())
        self.venue, self.mandate = paper_on(self._real), worlds.mandate()
        self._own = self.venue.follow(self._real.sight()).chain

    def mine(self, count=1):
        for _ in range(count):
            self._real.chain.mine()
            self.venue.follow(self._real.sight())

    def forget(self):
        self._own.forget()

    def spend_nonce(self):
        self._own.change(markets.spent)
        self.mine()

    def give(self, raw):
        self._own.change(markets.given(self.mandate.account, WETH, raw))
        self.mine()

    def post_price(self, dollars):
        self._real.chain.change(markets.priced(WETH, Decimal(dollars)))
        self.mine()


class EvmPlace:
    """Aave, Uniswap and our account contract on anvil."""

    def __init__(self, local, venue, mandate):
        self._local, self.venue, self.mandate = local, venue, mandate

    def mine(self, count=1):
        for _ in range(count):
            self._local.node.rpc.ask("evm_mine")

    def forget(self):
        self._local.node.rpc.ask("anvil_dropAllTransactions")

    def spend_nonce(self):
        ask, me = self._local.node.rpc.ask, self.venue.signer
        ask("anvil_impersonateAccount", me)
        ask("eth_sendTransaction", {"from": me, "to": me, "value": "0x0"})
        self.mine()
        ask("anvil_stopImpersonatingAccount", me)

    def give(self, raw):
        give(self._local, "WETH", self.mandate.account, raw)

    def post_price(self, dollars):
        self._local.post_price("WETH", dollars)


@asynccontextmanager
async def simulated(_request) -> AsyncIterator[SimulatedPlace]:
    yield SimulatedPlace(venue_at(worlds.state(idle=10), states_max=64))


@asynccontextmanager
async def paper(_request) -> AsyncIterator[PaperPlace]:
    yield PaperPlace()


@asynccontextmanager
async def evm(request) -> AsyncIterator[EvmPlace]:
    local = request.getfixturevalue("local")
    async with account_on(local) as (venue, mandate):
        give(local, "WETH", mandate.account, 10 * WETH.unit)
        yield EvmPlace(local, venue, mandate)
