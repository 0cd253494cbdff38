"""Liquidates, with its own money, whoever Aave says is below a health of 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from eth_utils.address import to_checksum_address

from leverd.devnet import abi
from leverd.devnet.arbitrageur import pair_in
from leverd.devnet.chain import Chain
from leverd.devnet.deployment import Deployment
from leverd.devnet.market_view import read_many

_WAD: Final = 10**18
_ALL: Final = 2**256 - 1
_BORROW: Final = abi.topic("Borrow(address,address,address,uint256,uint8,uint256,uint16)")
_ACCOUNT: Final = "getUserAccountData(address)->(" + ",".join(["uint256"] * 6) + ")"
_USER_RESERVE: Final = (
    "getUserReserveData(address,address)->(" + ",".join(["uint256"] * 8) + ",bool)"
)
_PRICE: Final = "getAssetPrice(address)->(uint256)"
_BALANCE: Final = "balanceOf(address)->(uint256)"
_LIQUIDATE: Final = "liquidationCall(address,address,address,uint256,bool)"
_SWAP: Final = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
_GAS: Final = 1_500_000
_NEVER: Final = 2**64 - 1
_ACCOUNTS_MAX: Final = 10_000
_CHUNK: Final = 200
_TAKE_UNDERLYING: Final = False


@dataclass(slots=True)
class Liquidator:
    """Knows every account that ever borrowed; `looked_to` is the last block searched for them."""

    deployment: Deployment
    looked_to: int = -1
    borrowers: dict[str, None] = field(default_factory=dict)  # an ordered set

    def act(self, chain: Chain, head: int, *, tip: int) -> tuple[str, ...]:
        """Queue a liquidation of each account below 1 at the head; return the accounts."""
        self._learn(chain, head)
        below = tuple(self._below_one(chain))
        for who in below:
            collateral, debt = self._largest(chain, who)
            words = (collateral, debt, who, _ALL, _TAKE_UNDERLYING)
            own = self.deployment.roles.liquidator
            chain.send(own, self.deployment.pool, _LIQUIDATE, *words, tip=tip, gas=_GAS)
        return below

    def sell(self, chain: Chain, keep: int, *, tip: int) -> None:
        """Queue the sale of ether seized beyond `keep`, for dollars."""
        deployment, own = self.deployment, self.deployment.roles.liquidator
        pool = deployment.pools["weth-usdc-500"]
        pair = pair_in(deployment, pool.name)
        seized = chain.read(pair.base, _BALANCE, own) - keep
        if seized > _WAD:
            words = (pair.base, pair.quote, pool.fee, own, _NEVER, seized, 0, 0)
            chain.send(own, deployment.router, _SWAP, words, tip=tip, gas=_GAS)

    def set_back(self, head: int) -> None:
        """Look again at what comes after `head`: later blocks were undone."""
        self.looked_to = min(self.looked_to, head)

    def _learn(self, chain: Chain, head: int) -> None:
        if head <= self.looked_to:
            return
        span = {"fromBlock": hex(self.looked_to + 1), "toBlock": hex(head)}
        logs = chain.rpc.ask(
            "eth_getLogs", {"address": self.deployment.pool, "topics": [_BORROW], **span}
        )
        for log in logs:
            if len(self.borrowers) < _ACCOUNTS_MAX:
                self.borrowers[to_checksum_address("0x" + log["topics"][2][-40:])] = None
        self.looked_to = head

    def _below_one(self, chain: Chain) -> Iterable[str]:
        everyone = list(self.borrowers)
        for place in range(0, len(everyone), _CHUNK):
            some = everyone[place : place + _CHUNK]
            asks = [(self.deployment.pool, _ACCOUNT, (who,)) for who in some]
            accounts = read_many(chain, self.deployment, asks)
            yield from (
                who for who, account in zip(some, accounts, strict=True) if account[5] < _WAD
            )

    def _largest(self, chain: Chain, who: str) -> tuple[str, str]:
        """Return the account's largest collateral and largest debt, by value."""
        tokens = list(self.deployment.tokens.values())
        asks: list[tuple[str, str, tuple[Any, ...]]] = [
            (self.deployment.data_provider, _USER_RESERVE, (token.address, who)) for token in tokens
        ]
        asks += [(self.deployment.oracle, _PRICE, (token.address,)) for token in tokens]
        answers = read_many(chain, self.deployment, asks)
        rows = [
            (token.address, reserve, price * 10 ** (18 - token.decimals))
            for token, reserve, price in zip(
                tokens, answers[: len(tokens)], answers[len(tokens) :], strict=True
            )
        ]
        collateral = max(rows, key=lambda row: row[1][0] * row[2] if row[1][8] else -1)
        debt = max(rows, key=lambda row: row[1][2] * row[2])
        return collateral[0], debt[0]
