"""Spot on Injective, for one account and one of its subaccounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from loguru import logger

from leverd.adapters.injective import codes, messages
from leverd.adapters.injective.events import BlockEvents
from leverd.adapters.injective.history import History
from leverd.adapters.injective.line import PATIENT, Line, Patience, SaidNoError
from leverd.adapters.injective.reads import ChainReads, Head
from leverd.adapters.injective.settling import (
    Evidence,
    can_have_made,
    settled,
    wants_history,
)
from leverd.adapters.injective.signer import Bid, InjectiveSigner, Onlooker, Seat, tx_hash
from leverd.adapters.injective.watching import STAMINA, Stamina, Watch
from leverd.errors import NonsenseError, RefusedError, UnreachableError
from leverd.interfaces.clock import Clock
from leverd.interfaces.http_client import HttpClient
from leverd.interfaces.spot_venue import (
    Depth,
    Manner,
    Purse,
    SpotAttempt,
    SpotFill,
    SpotMarket,
    SpotOrder,
    SpotSighting,
    Ticked,
)

_SDK: Final = "sdk"
_NOBODYS: Final = "lvnobodys"
"""A client id that no order of ours has: ours are hashes."""
_KNOWN: Final = 19  # the SDK's number for a transaction that a pool holds already
_REASONS: Final = {4: "unauthorized", 5: "insufficient_funds", 13: "fee", 20: "pool_full"}
_REASONS_OF_SLOTS: Final = {30: "timeout", 32: "sequence"}
_REHEARSAL_GAS: Final = 2_000_000  # more than any of our messages takes
_MARGIN: Final = (14, 10)  # of what the rehearsal used


@dataclass(frozen=True, slots=True)
class Where:
    """The endpoints of one chain, each but the last `host:port` of gRPC."""

    chain_id: str
    chain: str
    stream: str
    indexer: str
    tls: bool
    rpc: str = ""  # URL of CometBFT; without it, orders that take wait for the indexer


@dataclass(frozen=True, slots=True)
class Manners:
    """How this venue behaves; none of it is money."""

    subaccount: int = 0  # 0 trades straight from the bank
    lifetime_blocks: int = 30  # within which a payload is included, or never
    patience: Patience = PATIENT
    stamina: Stamina = STAMINA


MANNERS: Final = Manners()


class InjectiveSpot:
    """See `SpotVenue`."""

    def __init__(
        self,
        where: Where,
        signer: InjectiveSigner | Onlooker,
        clock: Clock,
        *,
        http: HttpClient,
        manners: Manners = MANNERS,
    ) -> None:
        self._where, self._signer, self._clock, self._manners = where, signer, clock, manners
        self._chain, self._stream, self._indexer = (
            Line(target, clock, tls=where.tls, patience=manners.patience)
            for target in (where.chain, where.stream, where.indexer)
        )
        self._http = http
        self._subaccount = signer.subaccount(manners.subaccount)
        self._reads = ChainReads(self._chain)
        self._history = History(self._indexer, self._subaccount)
        self._events = BlockEvents(http, where.rpc, self._subaccount) if where.rpc else None
        self._markets: dict[str, SpotMarket] = {}
        self._checked = False  # that this is the chain

    @property
    def name(self) -> str:
        """The venue's name in settings and stamps."""
        return "injective"

    @property
    def account(self) -> str:
        """The address whose sequence numbers are the slots."""
        return self._signer.address

    def renew(self, signer: InjectiveSigner) -> None:
        """Have `signer` sign from here on; nothing may be in flight if its account is another.

        A stream that is open goes on telling the fills of the account it was opened for.
        """
        self._signer = signer
        self._subaccount = signer.subaccount(self._manners.subaccount)
        self._history = History(self._indexer, self._subaccount)
        if self._events is not None:
            self._events = BlockEvents(self._http, self._where.rpc, self._subaccount)

    async def markets(self) -> Sequence[SpotMarket]:
        """Return every market that is traded."""
        return await self._reads.markets()

    async def market(self, market_id: str) -> SpotMarket:
        """Return one market's rules as they are now; see `SpotVenue.market`."""
        found = self._markets[market_id] = await self._reads.market(market_id)
        return found

    async def depth(self, market_id: str, *, levels: int = 50) -> Depth:
        """Return the best `levels` of both sides."""
        found = await self._reads.book(market_id, levels=levels)
        return Depth(
            market_id,
            found.sequence,
            tuple(sorted(found.bids, reverse=True)),
            tuple(sorted(found.asks)),
        )

    async def purses(self) -> Mapping[str, Purse]:
        """Return what the account holds, by denomination, all from one block."""
        await self._check_chain()
        account = await self._reads.account(self.account)
        return await self._reads.purses(
            self.account,
            self._subaccount,
            is_default=self._manners.subaccount == 0,
            height=account.height,
        )

    async def slot(self) -> int:
        """Return the account's next sequence number."""
        return (await self._reads.account(self.account)).sequence

    async def sign(self, order: SpotOrder, slot: int) -> SpotAttempt:
        """Return `order` as a signed payload; see `SpotVenue.sign`.

        Raises:
            RefusedError: its rehearsal was refused.
            SigningRefusedError: its fee is above what may be paid.
        """
        # The fee's share for who brought the order goes back to ourselves.
        message = messages.placing(order, self.account, self._subaccount, self.account)
        return await self._attempt(message, order.cid, slot)

    async def sign_cancel(self, order: SpotOrder, slot: int) -> SpotAttempt:
        """Return a payload that cancels `order`, named by its cid."""
        message = messages.cancelling(order, self.account, self._subaccount)
        return await self._attempt(message, order.cid, slot)

    async def sign_deposit(self, denom: str, amount: int, slot: int) -> SpotAttempt:
        """Return a payload that moves `amount` (smallest units) from bank to subaccount."""
        message = messages.depositing(self.account, self._subaccount, denom, amount)
        return await self._attempt(message, "", slot)

    async def sign_withdraw(self, denom: str, amount: int, slot: int) -> SpotAttempt:
        """Return a payload that moves `amount` (smallest units) from subaccount to bank."""
        message = messages.withdrawing(self.account, self._subaccount, denom, amount)
        return await self._attempt(message, "", slot)

    async def send(self, payload: bytes) -> None:
        """Hand a signed payload over; see `SpotVenue.send`.

        Raises:
            RefusedError: it was not taken; "sequence" also when it was mined before.
            UnreachableError: it may or may not have been taken.
        """
        try:
            code, codespace, words = await self._reads.broadcast(payload)
        except SaidNoError as error:
            if not error.coded:
                raise UnreachableError(
                    f"what the node made of it is unknown: {error.message}",
                    number=codes.NO_ANSWER,
                    place=error.place,
                ) from error
            code, codespace, words = error.coded, error.codespace, error.message
        if not code or (codespace == _SDK and code == _KNOWN):
            return
        named = _REASONS | _REASONS_OF_SLOTS if codespace == _SDK else {}
        reason = named.get(code, f"{codespace} {code}")
        raise RefusedError(reason, f"it was not taken: {words}", number=codes.NOT_TAKEN)

    async def included(self, attempt: SpotAttempt) -> bool:
        """Return whether a block holds `attempt`, and the chain executed it without a no."""
        found = await self._reads.included(attempt.tx_hash)
        return found is not None and found.code == 0

    async def look(self, order: SpotOrder, attempt: SpotAttempt) -> SpotSighting:
        """Return what became of `order`, which `attempt` placed."""
        await self._check_chain()
        account = await self._reads.account(self.account)
        in_book, included = await asyncio.gather(
            self._reads.in_book(
                order.market_id, self._subaccount, order.cid, height=account.height
            ),
            self._reads.included(attempt.tx_hash),
        )
        found = Evidence(account.height, account.sequence, included, in_book, None, ())
        if order.manner is Manner.TAKE and included is not None and not included.code:
            found = replace(found, executed=await self._executed(order, included.block))
        if wants_history(attempt, found):
            market = await self._rules(order.market_id)
            history = await self._history.order(market, order.cid)
            found = replace(found, history=history, fills=await self.fills(order))
        return settled(order, attempt, found)

    async def fills(self, order: SpotOrder) -> tuple[SpotFill, ...]:
        """Return the trades of `order` that are told so far, the oldest first.

        Raises:
            NonsenseError: they are beyond the order: another unit, or another order.
        """
        found = await self._history.fills(await self._rules(order.market_id), order.cid)
        _check_trades(order, found, self._indexer.name, "check that the indexer is of this chain")
        return found

    @asynccontextmanager
    async def watch(self, market_id: str) -> AsyncIterator[AsyncIterator[Ticked]]:
        """Return every block of a market from now on; see `SpotVenue.watch`."""
        watch = Watch(
            self._stream,
            self._reads,
            self._clock,
            market_id=market_id,
            subaccount=self._subaccount,
            stamina=self._manners.stamina,
        )
        async with aclosing(watch.ticks()) as ticks:
            yield ticks

    async def height(self) -> int:
        """Return the newest block, of the chain that is meant.

        Raises:
            NonsenseError: the endpoint is of another chain.
        """
        return (await self._head()).height

    async def check_stream(self, market_id: str) -> Ticked:
        """Return one block of a market, as the stream tells it."""
        async with self.watch(market_id) as ticks:
            return await anext(ticks)

    async def check_indexer(self, market_id: str) -> None:
        """Check that the indexer answers, by asking after an order that nobody placed."""
        await self._history.fills(await self._rules(market_id), _NOBODYS)

    async def check_index(self) -> None:
        """Check that the node can be asked what became of a transaction."""
        await self._reads.check_index()

    async def check_events(self, market_id: str, block: int) -> bool:
        """Check that a block's own word can be had; return False where no endpoint is named."""
        if self._events is None:
            return False
        await self._events.executed(market_id, _NOBODYS, block)
        return True

    def circuits(self) -> Mapping[str, str]:
        """Return what the breaker of each endpoint lets through now."""
        named = {"chain": self._chain, "stream": self._stream, "indexer": self._indexer}
        return {f"injective {name}": line.circuit() for name, line in named.items()}

    async def close(self) -> None:
        """Release connections."""
        for line in (self._chain, self._stream, self._indexer):
            await line.close()

    async def _attempt(self, message: Any, cid: str, slot: int) -> SpotAttempt:
        """Return one message signed for `slot`, rehearsed first."""
        head = await self._head()
        account = await self._reads.account(self.account)
        seat = Seat(
            self._where.chain_id,
            account.number,
            slot,
            head.height + self._manners.lifetime_blocks,
        )
        price = await self._reads.gas_price()
        # A rehearsal is charged nothing; but taking a fee, any, takes gas of its own.
        rehearsal = self._signer.unsigned((message,), seat, Bid(_REHEARSAL_GAS, fee=1))
        gas = await self._rehearsed(rehearsal)
        payload = self._signer.signed((message,), seat, Bid(gas, gas * price))
        return SpotAttempt(cid, slot, tx_hash(payload), payload, seat.timeout_height)

    async def _rehearsed(self, payload: bytes) -> int:
        try:
            used = await self._reads.gas_used(payload)
        except SaidNoError as error:
            said = error.message.partition(" [")[0]
            raise RefusedError(
                "rehearsal", f"the chain would say no: {said}", number=codes.REHEARSAL
            ) from error
        top, bottom = _MARGIN
        return used * top // bottom

    async def _executed(self, order: SpotOrder, block: int) -> Sequence[SpotFill] | None:
        """Return the trades of the including block, None if only the indexer can tell."""
        if self._events is None:
            return None
        try:
            told = await self._events.executed(order.market_id, order.cid, block)
            _check_trades(order, told or (), self._where.rpc, "check that rpc is of this chain")
        except (UnreachableError, NonsenseError) as error:
            logger.warning("{}; the indexer is asked instead", error)
            return None
        return told

    async def _check_chain(self) -> None:
        """See once that the endpoint is of the chain that is meant."""
        if not self._checked:
            await self._head()

    async def _head(self) -> Head:
        head = await self._reads.head()
        if head.chain_id != self._where.chain_id:
            raise NonsenseError(
                f"this is chain {head.chain_id}, and {self._where.chain_id} is expected",
                number=codes.WRONG_CHAIN,
                place=self._chain.name,
                remedy="check chain_id and endpoints",
            )
        self._checked = True
        return head

    async def _rules(self, market_id: str) -> SpotMarket:
        return self._markets.get(market_id) or await self.market(market_id)


def _check_trades(order: SpotOrder, fills: Sequence[SpotFill], place: str, remedy: str) -> None:
    """Check that `order` can have made these trades.

    Raises:
        NonsenseError: they are beyond it: another unit, or another order.
    """
    if not can_have_made(order, fills):
        raise NonsenseError(
            f"trades that {order.cid} cannot have made",
            number=codes.MALFORMED,
            place=place,
            remedy=remedy,
        )
