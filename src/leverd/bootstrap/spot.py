"""The trader of spot, by settings. Nothing of Injective is imported unless they name it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loguru import logger

from leverd.adapters.sight_file import SpotSightFile, spot_sight_path
from leverd.adapters.simulated.spot_exchange import SpotExchange, nameless
from leverd.adapters.simulated.spot_venue import Beginning, SimulatedSpot
from leverd.adapters.sql_journal import Heartbeat
from leverd.adapters.sql_journal.database import file_of
from leverd.agents.mispricing import Mispricing
from leverd.agents.signal_trader import SignalTrader
from leverd.bootstrap.daemon import STOP_GRACE_S, Opened
from leverd.bootstrap.feeds import OutsideFeeds
from leverd.bootstrap.remembering import foresight_remembering
from leverd.bootstrap.signing_alone import SignerLock, nobody_signs, spot_lock
from leverd.bootstrap.spot_key import SpotKeyHolder, check_account, signer_of
from leverd.bootstrap.spot_references import references_of
from leverd.bootstrap.subjects import is_the_loops
from leverd.domain.atto import atto
from leverd.domain.events import AlertRaised
from leverd.domain.spot import SPOT
from leverd.engine.recorder import Recorder
from leverd.engine.spot_desk import SpotCharter, SpotDesk, SpotWorld
from leverd.errors import LeverdError, OwnerError
from leverd.interfaces.clock import Clock
from leverd.interfaces.notifier import Notifier
from leverd.interfaces.spot_venue import SpotVenue
from leverd.settings import Settings
from leverd.settings.spot import InjectiveSection, SpotSection

if TYPE_CHECKING:
    from leverd.adapters.injective.venue import Where

ENDED: Final = "LVD-SPT-004"
_NOT_INSTALLED: Final = 135
_ON_PAPER: Final = "paper:spot"
_FEES_KEPT: Final = 10
"""Highest fees of a transaction that the purse keeps: enough to get out and to cancel."""
_INJ: Final = 10**18


@dataclass(frozen=True, slots=True)
class Trading:
    """The desk, and what has to be closed after it."""

    desk: SpotDesk
    venue: SpotVenue
    lock: SignerLock
    notifier: Notifier
    holder: SpotKeyHolder | None = None  # None: nothing is signed

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set. Whatever happens here, the daemon goes on guarding."""
        try:
            await self.desk.run(stop)
        except Exception as error:  # noqa: BLE001 -- a bug here must not leave loans unguarded
            text = f"trading spot ended until the next start: {error!r}"
            logger.opt(exception=error).error("{}", text)
            self.notifier.notify(AlertRaised(SPOT, ENDED, text))
        finally:
            await self.venue.close()
            self.lock.release()


def heart(settings: Settings) -> Heartbeat:
    """Return the sign of life of the trader, beside the journal."""
    journal = file_of(settings.journal.path)
    return Heartbeat(journal.with_name(f"{journal.name}.{SPOT}"))


def open_trading(settings: Settings, begun: Opened, clock: Clock) -> Trading | None:
    """Return the trader, None where the settings want none or it cannot be had; then it says why.

    Nothing is asked of the venue yet.
    """
    section = settings.spot
    if section is None:
        return None
    try:
        return _opened(settings, section, begun, clock)
    except LeverdError as error:
        text = f"no spot is traded until the next start: {error}"
        logger.error("{}", text)
        begun.beside.notifier.notify(AlertRaised(SPOT, error.code, text))
        return None


def _opened(settings: Settings, section: SpotSection, begun: Opened, clock: Clock) -> Trading:
    recorder, notifier = begun.recorder, begun.beside.notifier
    venue, lock = venue_of(section, recorder, begun.feeds, clock)
    try:
        check_account(recorder.book.spot, venue.account)
    except LeverdError:
        lock.release()
        raise
    limits = section.bounds()
    references = references_of(section, clock)
    world = SpotWorld(
        clock,
        venue,
        recorder,
        SignalTrader(limits) if limits.fair is None else Mispricing(limits),
        notifier,
        heart(settings).beat,
        foresight_remembering(
            settings,
            file_of(settings.journal.path),
            begun.feeds,
            about=lambda subject: not is_the_loops(settings, subject),
        ),
        SpotSightFile(spot_sight_path(file_of(settings.journal.path))),
        references,
    )
    begun.feeds.besides.append(venue.circuits)
    if references is not None:
        begun.feeds.besides.append(references.circuits)
    charter = SpotCharter(section.subject, limits, reserve(section), STOP_GRACE_S)
    desk = SpotDesk(charter, world)
    return Trading(desk, venue, lock, notifier, _holder(section, venue, desk, lock, recorder))


def _holder(
    section: SpotSection, venue: SpotVenue, desk: SpotDesk, lock: SignerLock, recorder: Recorder
) -> SpotKeyHolder | None:
    """Return who has the key, None where none was read."""
    if section.orders == "paper":
        return None
    from leverd.adapters.injective.venue import InjectiveSpot  # noqa: PLC0415 -- loads injective-py

    assert isinstance(venue, InjectiveSpot), "what is sent is sent there"
    return SpotKeyHolder(venue, desk, lock, lambda: recorder.book.spot)


def venue_of(
    section: SpotSection, recorder: Recorder, feeds: OutsideFeeds, clock: Clock
) -> tuple[SpotVenue, SignerLock]:
    """Return the venue, and the right to sign for its account.

    Raises:
        OwnerError: the client library is not installed.
        SecretError: the key is missing or wrong.
        JournalLockedError: another process trades for the account.
    """
    try:
        real = _injective(section, section.venue, feeds, clock)
    except ModuleNotFoundError as error:
        raise OwnerError(
            f"{error.name} is not installed",
            number=_NOT_INSTALLED,
            remedy="pip install 'leverd[injective]'",
        ) from error
    if section.orders == "sent":
        return real, spot_lock(section.venue.chain_id, real.account)
    return _on_paper(section, recorder, real), nobody_signs()


def _injective(
    section: SpotSection, told: InjectiveSection, feeds: OutsideFeeds, clock: Clock
) -> SpotVenue:
    from leverd.adapters.injective.signer import (  # noqa: PLC0415 -- loads injective-py
        InjectiveSigner,
        Onlooker,
    )
    from leverd.adapters.injective.venue import InjectiveSpot, Manners  # noqa: PLC0415 -- as above

    signer: InjectiveSigner | Onlooker = Onlooker()
    if section.orders == "sent":
        signer = signer_of(section)
    manners = Manners(subaccount=told.subaccount)
    return InjectiveSpot(where_of(told), signer, clock, http=feeds.client(), manners=manners)


def where_of(told: InjectiveSection) -> Where:
    """Return the endpoints that the settings name."""
    from leverd.adapters.injective.venue import Where  # noqa: PLC0415 -- loads injective-py

    return Where(
        told.chain_id, told.chain, told.stream, told.indexer, tls=told.tls, rpc=told.rpc or ""
    )


def _on_paper(section: SpotSection, recorder: Recorder, real: SpotVenue) -> SpotVenue:
    """Return a venue in memory that goes on from what the journal knows."""
    assert section.paper is not None, "the form check wants it"
    spot = recorder.book.spot
    begins = Beginning(
        quote=atto(section.paper.quote) + spot.realised - spot.cost,
        base=spot.base,
        sequence=spot.slots,
    )
    unknown = nameless(section.limits.market_id)
    return SimulatedSpot(SpotExchange(unknown), _ON_PAPER, real=real, beginning=begins)


def reserve(section: SpotSection) -> Mapping[str, int]:
    """Return what the purse keeps for fees, by denomination."""
    if section.orders == "paper":
        return {}
    return {"inj": int(section.venue.fee_inj_max * _INJ) * _FEES_KEPT}
