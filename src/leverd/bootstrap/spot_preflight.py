"""Spot's part of `leverd doctor`: ask each endpoint what trading would ask it, and send nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from leverd.adapters.sql_journal import SqlLedger
from leverd.adapters.sql_journal.database import file_of
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.checks import Check, Status
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.spot import reserve, where_of
from leverd.bootstrap.spot_home import check_home, home_of
from leverd.bootstrap.spot_key import signer_of
from leverd.bootstrap.spot_references import reference_checks
from leverd.domain.spot import Spot
from leverd.domain.spot_home import PAPER
from leverd.engine.book import Book
from leverd.engine.state import fold
from leverd.errors import LeverdError, UnreachableError
from leverd.interfaces.spot_venue import Purse, SpotMarket
from leverd.settings import Settings
from leverd.settings.spot import SpotSection

if TYPE_CHECKING:
    from leverd.adapters.injective.signer import InjectiveSigner
    from leverd.adapters.injective.venue import InjectiveSpot

_STREAM_S: Final = 15.0
"""Wall seconds for a block to be told in: the chain makes one at least every few."""

_SILENT: Final = 93
_BATCH: Final = 1000
_INJ: Final = "inj"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Visit:
    """The venue, and who would sign; None where nobody does, or only the daemon may."""

    section: SpotSection
    venue: InjectiveSpot
    signer: InjectiveSigner | None

    @property
    def market_id(self) -> str:
        return self.section.limits.market_id


def checks(settings: Settings, stream_s: float = _STREAM_S) -> Sequence[Check]:
    """Return what is right and wrong with what spot is traded by; nothing where none is."""
    section = settings.spot
    if section is None:
        return ()
    try:
        return asyncio.run(_asked(settings, section, stream_s))
    except ModuleNotFoundError as error:
        text, remedy = f"{error.name} is not installed", "pip install 'leverd[injective]'"
        return [Check("LVD-OWN-135", Status.BAD, text, remedy, "spot")]


async def _asked(settings: Settings, section: SpotSection, stream_s: float) -> Sequence[Check]:
    from leverd.adapters.injective.signer import Onlooker  # noqa: PLC0415 -- loads injective-py
    from leverd.adapters.injective.venue import InjectiveSpot, Manners  # noqa: PLC0415 -- as above

    signer, found = _key(section)
    found += _ties(settings, section, signer)
    clock = SystemClock()
    feeds = OutsideFeeds(clock, os.environ)
    manners = Manners(subaccount=section.venue.subaccount)
    who = signer or Onlooker()
    venue = InjectiveSpot(where_of(section.venue), who, clock, http=feeds.client(), manners=manners)
    try:
        found += [each async for each in _outside(_Visit(section, venue, signer), stream_s)]
        found += [each async for each in reference_checks(section, clock)]
    finally:
        await venue.close()
        await feeds.close()
    return found


def _key(section: SpotSection) -> tuple[InjectiveSigner | None, list[Check]]:
    """Return who signs, and what there is to say of the key."""
    place = "spot.access"
    if section.orders == "paper":
        text = "none is read: on paper nothing is signed"
        return None, [Check("spot-key", Status.GOOD, text, place=place)]
    access = section.access
    if access is not None and access.credential and "CREDENTIALS_DIRECTORY" not in os.environ:
        text = "the key is systemd's to hand over, so its purse was not looked into"
        return None, [Check("spot-key", Status.NOTE, text, place=place)]
    try:
        signer = signer_of(section)
    except LeverdError as error:
        return None, [_bad(error, place)]
    return signer, [Check("spot-key", Status.GOOD, f"it opens {signer.address}", place=place)]


def _ties(settings: Settings, section: SpotSection, signer: InjectiveSigner | None) -> list[Check]:
    """Return whether the journal knows of what is held elsewhere, or by another account."""
    account = PAPER if section.orders == "paper" else ""
    home = home_of(section, account if signer is None else signer.address)
    try:
        check_home(_remembered(settings), home)
    except LeverdError as error:
        return [_bad(error, "spot.access")]
    return []


def _remembered(settings: Settings) -> Spot:
    path = file_of(settings.journal.path)
    if not path.exists():
        return Spot()
    ledger, book, after = SqlLedger(path), Book(), 0
    try:
        while batch := ledger.entries(position_id="spot", after=after, limit=_BATCH):
            for entry in batch:
                book = fold(book, entry.event, entry.chain_at)
            after = batch[-1].seq
    finally:
        ledger.close()
    return book.spot


async def _outside(visit: _Visit, stream_s: float) -> AsyncIterator[Check]:
    venue, told = visit.venue, visit.section.venue
    height, chain = await _tried(venue.height, "spot-chain", told.chain)
    yield chain or Check("spot-chain", Status.GOOD, f"chain {told.chain_id} is at block {height}",
                         place=told.chain)  # fmt: skip
    if height is None:
        return
    _, index = await _tried(venue.check_index, "spot-index", told.chain)
    yield index or Check("spot-index", Status.GOOD, "it tells what became of a transaction",
                         place=told.chain)  # fmt: skip
    market, rules = await _tried(
        lambda: venue.market(visit.market_id), "spot-market", "spot.limits.market_id"
    )
    if market is None:
        assert rules is not None, "one of both"
        yield rules
        return
    yield _rules(visit.section, market)
    yield await _stream(visit, stream_s)
    _, indexer = await _tried(
        lambda: venue.check_indexer(visit.market_id), "spot-indexer", told.indexer
    )
    yield indexer or Check("spot-indexer", Status.GOOD, "it answers", place=told.indexer)
    yield await _events(visit, height)
    yield await _purse(visit, market)


def _rules(section: SpotSection, market: SpotMarket) -> Check:
    """Return whether the market can be traded within the owner's limits."""
    place = "spot.limits"
    text = (
        f"{market.ticker}: price tick {_plain(market.price_tick)}, quantity tick"
        f" {_plain(market.quantity_tick)}, least order {_plain(market.notional_min)},"
        f" taker's fee {_plain(market.taker_fee)}"
    )
    if not market.active:
        return Check("spot-market", Status.BAD, f"{text}; it is not traded", "another one", place)
    if section.limits.trade_min < market.notional_min:
        remedy = f"trade_min: {_plain(market.notional_min)} or more"
        return Check("spot-market", Status.BAD, f"{text}; trade_min is less", remedy, place)
    if section.subject.casefold() != market.ticker.partition("/")[0].casefold():
        text = f"{text}; predictors speak of {section.subject}"
        remedy = "see that it is the same asset, and the market the right one"
        return Check("spot-market", Status.NOTE, text, remedy, place)
    return Check("spot-market", Status.GOOD, text, place=place)


async def _stream(visit: _Visit, stream_s: float) -> Check:
    place = visit.section.venue.stream

    async def block() -> int:
        try:
            async with asyncio.timeout(stream_s):
                return (await visit.venue.check_stream(visit.market_id)).block
        except TimeoutError as error:
            text = f"no block in {stream_s:g} s"
            raise UnreachableError(text, number=_SILENT, remedy="another endpoint") from error

    found, bad = await _tried(block, "spot-stream", place)
    return bad or Check("spot-stream", Status.GOOD, f"it tells block {found}", place=place)


async def _events(visit: _Visit, height: int) -> Check:
    rpc = visit.section.venue.rpc
    if rpc is None:
        text = "none: what became of an order waits for the indexer"
        return Check("spot-rpc", Status.NOTE, text, "name CometBFT's URL", "spot.venue.rpc")
    _, bad = await _tried(
        lambda: visit.venue.check_events(visit.market_id, height), "spot-rpc", "spot.venue.rpc"
    )
    return bad or Check("spot-rpc", Status.GOOD, "it tells what a block traded",
                        place="spot.venue.rpc")  # fmt: skip


async def _purse(visit: _Visit, market: SpotMarket) -> Check:
    """Return whether there is enough to buy with, and to pay the fees of getting out."""
    section, least = visit.section, visit.section.limits.trade_min
    if section.orders == "paper":
        assert section.paper is not None, "the form check wants it"
        status = Status.GOOD if section.paper.quote >= least else Status.BAD
        text = f"{section.paper.quote:f} on paper; one purchase is {least:f} at least"
        return Check("spot-purse", status, text, place="spot.paper.quote")
    if visit.signer is None:
        return Check("spot-purse", Status.NOTE, "not looked into: the key is not there to open it")
    account = visit.signer.address
    purses, bad = await _tried(visit.venue.purses, "spot-purse", account)
    if purses is None:
        assert bad is not None, "one of both"
        return bad
    nothing, kept = Purse(0, 0), reserve(section)[_INJ]
    gas = purses.get(_INJ, nothing).available
    quote = _whole(purses.get(market.quote, nothing).available, market.quote_decimals)
    text = f"{_plain(quote)} of the quote to spend, {_plain(_whole(gas, 18))} INJ for fees"
    if gas < kept:
        remedy = f"send it {_plain(_whole(kept - gas, 18))} INJ or more: fees of getting out"
        return Check("spot-purse", Status.BAD, text, remedy, account)
    if quote < least:
        remedy = f"send it quote: one purchase is {least:f} at least"
        return Check("spot-purse", Status.NOTE, f"{text}; nothing can be bought", remedy, account)
    return Check("spot-purse", Status.GOOD, text, place=account)


async def _tried(
    ask: Callable[[], Awaitable[T]], code: str, place: str
) -> tuple[T | None, Check | None]:
    """Return the answer, or what is bad about it."""
    try:
        return await ask(), None
    except LeverdError as error:
        return None, _bad(error, place, code)


def _bad(error: LeverdError, place: str, what: str = "") -> Check:
    message = f"{what}: {error.message}" if what else error.message
    return Check(error.code, Status.BAD, message, error.remedy, error.place or place)


def _plain(value: Decimal) -> str:
    """Return it without zeros behind the point."""
    return f"{value.normalize():f}"


def _whole(raw: int, decimals: int) -> Decimal:
    return Decimal(f"{raw}e-{decimals}")
