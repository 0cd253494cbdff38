"""What the chain itself says, each answer of one block where that matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import grpc
from pyinjective.proto.cosmos.auth.v1beta1 import query_pb2 as auth
from pyinjective.proto.cosmos.auth.v1beta1 import query_pb2_grpc as auth_grpc
from pyinjective.proto.cosmos.bank.v1beta1 import query_pb2 as bank
from pyinjective.proto.cosmos.bank.v1beta1 import query_pb2_grpc as bank_grpc
from pyinjective.proto.cosmos.base.query.v1beta1 import pagination_pb2
from pyinjective.proto.cosmos.base.tendermint.v1beta1 import query_pb2 as comet
from pyinjective.proto.cosmos.base.tendermint.v1beta1 import query_pb2_grpc as comet_grpc
from pyinjective.proto.cosmos.tx.v1beta1 import service_pb2 as tx
from pyinjective.proto.cosmos.tx.v1beta1 import service_pb2_grpc as tx_grpc
from pyinjective.proto.injective.exchange.v2 import market_pb2
from pyinjective.proto.injective.exchange.v2 import query_pb2 as exchange
from pyinjective.proto.injective.exchange.v2 import query_pb2_grpc as exchange_grpc
from pyinjective.proto.injective.txfees.v1beta1 import query_pb2 as fees
from pyinjective.proto.injective.txfees.v1beta1 import query_pb2_grpc as fees_grpc
from pyinjective.proto.injective.types.v1beta1 import account_pb2

from leverd.adapters.injective import codes
from leverd.adapters.injective.book import Change
from leverd.adapters.injective.line import Line, SaidNoError
from leverd.adapters.injective.numbers import from_chain, whole
from leverd.adapters.injective.settling import InBook, Included
from leverd.errors import NonsenseError
from leverd.interfaces.spot_venue import Purse, SpotMarket

_PAGE: Final = 1000
_PAGES_MAX: Final = 100
_REASON_MAX: Final = 200
_NOBODYS: Final = "00" * 32
"""The hash of no transaction."""

_UNINDEXED: Final = "transaction indexing is disabled"
_NO_MARKET: Final = 2  # the exchange module's number
_GAS_PRICE_PLACES: Final = 10**18


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block."""

    chain_id: str
    height: int


@dataclass(frozen=True, slots=True)
class Account:
    """What a transaction of an account has to name."""

    number: int
    sequence: int
    height: int  # of the block whose state this is: others can be asked for the same one


class ChainReads:
    """Questions to one chain endpoint."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def head(self) -> Head:
        """Return the newest block."""
        stub = comet_grpc.ServiceStub(self._line.channel)
        found = await self._line.read(stub.GetLatestBlock, comet.GetLatestBlockRequest())
        header = found.sdk_block.header if found.HasField("sdk_block") else found.block.header
        return Head(str(header.chain_id), int(header.height))

    async def account(self, address: str) -> Account:
        """Return an account's number and next sequence, and the block they are of.

        Raises:
            NonsenseError: the chain does not know it: nothing was ever sent to it.
        """
        stub = auth_grpc.QueryStub(self._line.channel)
        request = auth.QueryAccountRequest(address=address)
        try:
            found, height = await self._line.read_at(stub.Account, request)
            if not height:  # something between us and the node leaves it out: an older one is safe
                height = (await self.head()).height
                found = await self._line.read(stub.Account, request)
        except SaidNoError as error:
            raise NonsenseError(
                f"the chain does not know {address}",
                number=codes.NO_ACCOUNT,
                place=self._line.name,
                remedy="send it some INJ first",
            ) from error
        told = account_pb2.EthAccount()
        if not found.account.Is(account_pb2.EthAccount.DESCRIPTOR):
            raise NonsenseError("an account of another kind", number=codes.MALFORMED)
        found.account.Unpack(told)
        base = told.base_account
        return Account(int(base.account_number), int(base.sequence), height)

    async def markets(self) -> tuple[SpotMarket, ...]:
        """Return every active spot market."""
        stub = exchange_grpc.QueryStub(self._line.channel)
        request = exchange.QuerySpotMarketsRequest(status="Active")
        found = await self._line.read(stub.SpotMarkets, request)
        return tuple(_market(one) for one in found.markets)

    async def market(self, market_id: str) -> SpotMarket:
        """Return one market.

        Raises:
            NonsenseError: there is none of that id.
        """
        stub = exchange_grpc.QueryStub(self._line.channel)
        request = exchange.QuerySpotMarketRequest(market_id=market_id)
        try:
            found = await self._line.read(stub.SpotMarket, request)
        except SaidNoError as error:
            if error.coded != _NO_MARKET and error.status is grpc.StatusCode.UNKNOWN:
                raise
            raise NonsenseError(
                f"there is no spot market {market_id}",
                number=codes.NO_MARKET,
                place=self._line.name,
                remedy="copy the id from the venue's list of markets",
            ) from error
        return _market(found.market)

    async def book(self, market_id: str, *, levels: int, height: int | None = None) -> Change:
        """Return the best `levels` of a book (0: all of them), numbered as the stream does."""
        stub = exchange_grpc.QueryStub(self._line.channel)
        request = exchange.QuerySpotOrderbookRequest(market_id=market_id, limit=levels)
        found = await self._line.read(stub.SpotOrderbook, request, height=height)
        return Change(
            int(found.seq), levels_of(found.buys_price_level), levels_of(found.sells_price_level)
        )

    async def purses(
        self, address: str, subaccount: str, *, is_default: bool, height: int
    ) -> Mapping[str, Purse]:
        """Return what is held, by denomination, at one block.

        The default subaccount trades from the bank; what its orders hold is a deposit.
        """
        found = await self._deposits(subaccount, height)
        if is_default:
            for denom, amount in (await self._bank(address, height)).items():
                kept = found.get(denom, Purse(0, 0))
                found[denom] = Purse(kept.total + amount, kept.available + amount)
        return found

    async def in_book(
        self, market_id: str, subaccount: str, cid: str, *, height: int
    ) -> InBook | None:
        """Return the open order of that client id, None if there is none."""
        stub = exchange_grpc.QueryStub(self._line.channel)
        request = exchange.QueryTraderSpotOrdersRequest(
            market_id=market_id, subaccount_id=subaccount
        )
        found = await self._line.read(stub.TraderSpotOrders, request, height=height)
        for order in found.orders:
            if order.cid == cid:
                return InBook(from_chain(order.fillable))
        return None

    async def included(self, tx_hash: str) -> Included | None:
        """Return what the chain did with a transaction, None if no block is known to hold it.

        A node that keeps no index knows of none: what became of an order has to be told elsewhere.
        """
        stub = tx_grpc.ServiceStub(self._line.channel)
        try:
            found = await self._line.read(stub.GetTx, tx.GetTxRequest(hash=tx_hash))
        except SaidNoError as error:
            if error.status is grpc.StatusCode.NOT_FOUND or _UNINDEXED in error.message:
                return None
            raise
        told = found.tx_response
        return Included(
            int(told.height), int(told.code), str(told.codespace), str(told.raw_log)[:_REASON_MAX]
        )

    async def check_index(self) -> None:
        """Check that the node can tell what became of a transaction, by one that nobody sent.

        Raises:
            NonsenseError: it keeps no index of transactions, or knows that one.
        """
        stub = tx_grpc.ServiceStub(self._line.channel)
        try:
            await self._line.read(stub.GetTx, tx.GetTxRequest(hash=_NOBODYS))
            said = "it knows a transaction that nobody sent"
        except SaidNoError as error:
            if error.status is grpc.StatusCode.NOT_FOUND:
                return
            said = error.message
        raise NonsenseError(
            f"what became of an order cannot be asked: {said}",
            number=codes.NO_INDEX,
            place=self._line.name,
            remedy='name a node that indexes transactions (tx_index.indexer: "kv")',
        )

    async def gas_price(self) -> int:
        """Return the least the chain takes now, smallest units per gas."""
        stub = fees_grpc.QueryStub(self._line.channel)
        found = await self._line.read(stub.GetEipBaseFee, fees.QueryEipBaseFeeRequest())
        return -(-whole(found.base_fee.base_fee) // _GAS_PRICE_PLACES)

    async def gas_used(self, payload: bytes) -> int:
        """Return the gas a signed payload would use now.

        Raises:
            SaidNoError: it would be refused.
        """
        stub = tx_grpc.ServiceStub(self._line.channel)
        found = await self._line.read(stub.Simulate, tx.SimulateRequest(tx_bytes=payload))
        return int(found.gas_info.gas_used)

    async def broadcast(self, payload: bytes) -> tuple[int, str, str]:
        """Return code, codespace and words of the node that took a payload, or did not."""
        stub = tx_grpc.ServiceStub(self._line.channel)
        request = tx.BroadcastTxRequest(tx_bytes=payload, mode=tx.BroadcastMode.BROADCAST_MODE_SYNC)
        told = (await self._line.send(stub.BroadcastTx, request)).tx_response
        return int(told.code), str(told.codespace), str(told.raw_log)[:_REASON_MAX]

    async def _deposits(self, subaccount: str, height: int) -> dict[str, Purse]:
        stub = exchange_grpc.QueryStub(self._line.channel)
        request = exchange.QuerySubaccountDepositsRequest(subaccount_id=subaccount)
        found = await self._line.read(stub.SubaccountDeposits, request, height=height)
        # Below a smallest unit nothing can be withdrawn: what we hold is rounded down.
        return {
            denom: Purse(
                int(from_chain(one.total_balance)), max(int(from_chain(one.available_balance)), 0)
            )
            for denom, one in found.deposits.items()
        }

    async def _bank(self, address: str, height: int) -> dict[str, int]:
        stub = bank_grpc.QueryStub(self._line.channel)
        found: dict[str, int] = {}
        following = b""
        for _ in range(_PAGES_MAX):
            request = bank.QuerySpendableBalancesRequest(
                address=address,
                pagination=pagination_pb2.PageRequest(key=following, limit=_PAGE),
            )
            page = await self._line.read(stub.SpendableBalances, request, height=height)
            found |= {str(coin.denom): whole(coin.amount) for coin in page.balances}
            following = page.pagination.next_key
            if not following:
                return found
        raise NonsenseError("balances without end", number=codes.MALFORMED, place=self._line.name)


def levels_of(told: Any) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return price levels as numbers."""
    return tuple((from_chain(one.p), from_chain(one.q)) for one in told)


def _market(told: Any) -> SpotMarket:
    return SpotMarket(
        market_id=str(told.market_id),
        ticker=str(told.ticker),
        base=str(told.base_denom),
        quote=str(told.quote_denom),
        base_decimals=int(told.base_decimals),
        quote_decimals=int(told.quote_decimals),
        price_tick=from_chain(told.min_price_tick_size),
        quantity_tick=from_chain(told.min_quantity_tick_size),
        notional_min=from_chain(told.min_notional),
        maker_fee=from_chain(told.maker_fee_rate),
        taker_fee=from_chain(told.taker_fee_rate),
        active=told.status == market_pb2.MarketStatus.Active,
    )
