"""The trader of spot, by settings. Nothing of Injective is imported unless they name it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
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
from leverd.bootstrap.spot_home import check_home, home_of
from leverd.bootstrap.spot_key import SpotKeyHolder, signer_of
from leverd.bootstrap.spot_references import references_of
from leverd.bootstrap.subjects import is_the_loops
from leverd.domain.atto import atto
from leverd.domain.events import AlertRaised
from leverd.domain.spot import SPOT, at_home
from leverd.domain.spot_home import PAPER
from leverd.engine.foresight import Foresight
from leverd.engine.recorder import Recorder
from leverd.engine.spot_desk import SpotCharter, SpotDesk, SpotWorld
from leverd.errors import LeverdError, OwnerError
from leverd.interfaces.clock import Clock
from leverd.interfaces.notifier import Notifier
from leverd.interfaces.spot_venue import SpotVenue
from leverd.settings import Settings
from leverd.settings.spot import InjectiveSection, SpotSection

if TYPE_CHECKING:
    from leverd.adapters.injective.signer import InjectiveSigner
    from leverd.adapters.injective.venue import Where

ENDED: Final = "LVD-SPT-004"
_NOT_INSTALLED: Final = 135
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
            tell_bug(self.notifier, error)
        finally:
            await self.venue.close()
            self.lock.release()


def heart(settings: Settings) -> Heartbeat:
    """Return the sign of life of the trader, beside the journal."""
    journal = file_of(settings.journal.path)
    return Heartbeat(journal.with_name(f"{journal.name}.{SPOT}"))


def tell_bug(notifier: Notifier, error: Exception) -> None:
    """Say that a bug ended the trading of spot, and that alone."""
    text = f"trading spot ended until the next start: {error!r}"
    logger.opt(exception=error).error("{}", text)
    notifier.notify(AlertRaised(SPOT, ENDED, text))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What of a trader may take its time to be had."""

    signer: InjectiveSigner | None  # None: nothing is signed
    foresight: Foresight | None


def prepared(
    settings: Settings,
    section: SpotSection,
    feeds: OutsideFeeds,
    signer: InjectiveSigner | None = None,
) -> Prepared:
    """Return what a trader begins with; `signer` is its own if it is known already.

    It loads libraries, reads the journal, and asks the places of keys: not for a running loop.

    Raises:
        OwnerError: the client library is not installed.
        SecretError: the key is missing or wrong.
        UnreachableError: its place does not answer.
    """
    try:
        for each in ("signer", "venue"):  # they load injective-py
            import_module(f"leverd.adapters.injective.{each}")
    except ModuleNotFoundError as error:
        raise OwnerError(
            f"{error.name} is not installed",
            number=_NOT_INSTALLED,
            remedy="pip install 'leverd[injective]'",
        ) from error
    if section.orders == "sent" and signer is None:
        signer = signer_of(section)
    foresight = foresight_remembering(
        settings,
        file_of(settings.journal.path),
        feeds,
        about=lambda subject: not is_the_loops(settings, subject),
    )
    return Prepared(signer, foresight)


def open_trading(
    settings: Settings, section: SpotSection, begun: Opened, clock: Clock, ready: Prepared
) -> Trading:
    """Return the trader. Nothing is asked of the venue yet; where it is refused nothing is open.

    Raises:
        SecretError: the journal knows of what another account holds.
        JournalForeignError: it knows of what is held on another market, subaccount or chain.
        JournalLockedError: another process trades for the account.
    """
    recorder, notifier = begun.recorder, begun.beside.notifier
    home = home_of(section, _account(section, ready.signer))
    try:
        check_home(recorder.book.spot, home)
        lock = nobody_signs() if home.account == PAPER else spot_lock(home.chain_id, home.account)
    except LeverdError:
        if ready.foresight is not None:
            ready.foresight.close()
        raise
    venue = venue_of(section, recorder, begun.feeds, clock, ready.signer)
    limits = section.bounds()
    references = references_of(section, clock)
    world = SpotWorld(
        clock,
        venue,
        recorder,
        SignalTrader(limits) if limits.fair is None else Mispricing(limits),
        notifier,
        heart(settings).beat,
        ready.foresight,
        SpotSightFile(spot_sight_path(file_of(settings.journal.path))),
        references,
    )
    begun.feeds.besides.append(venue.circuits)
    if references is not None:
        begun.feeds.besides.append(references.circuits)
    charter = SpotCharter(
        section.subject,
        limits,
        reserve(section),
        STOP_GRACE_S,
        chain_id=home.chain_id,
        subaccount=home.subaccount,
    )
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


def _account(section: SpotSection, signer: InjectiveSigner | None) -> str:
    if section.orders == "paper":
        return PAPER
    assert signer is not None, "what is sent is signed"
    return str(signer.address)


def venue_of(
    section: SpotSection,
    recorder: Recorder,
    feeds: OutsideFeeds,
    clock: Clock,
    signer: InjectiveSigner | None,
) -> SpotVenue:
    """Return the venue; who signs there holds its lock by now."""
    real = _injective(section, feeds, clock, signer)
    return real if section.orders == "sent" else _on_paper(section, recorder, real)


def _injective(
    section: SpotSection, feeds: OutsideFeeds, clock: Clock, signer: InjectiveSigner | None
) -> SpotVenue:
    from leverd.adapters.injective.signer import Onlooker  # noqa: PLC0415 -- loads injective-py
    from leverd.adapters.injective.venue import InjectiveSpot, Manners  # noqa: PLC0415 -- as above

    told, signs = section.venue, signer or Onlooker()
    manners = Manners(subaccount=told.subaccount)
    return InjectiveSpot(where_of(told), signs, clock, http=feeds.client(), manners=manners)


def where_of(told: InjectiveSection) -> Where:
    """Return the endpoints that the settings name."""
    from leverd.adapters.injective.venue import Where  # noqa: PLC0415 -- loads injective-py

    return Where(
        told.chain_id, told.chain, told.stream, told.indexer, tls=told.tls, rpc=told.rpc or ""
    )


def _on_paper(section: SpotSection, recorder: Recorder, real: SpotVenue) -> SpotVenue:
    """Return a venue in memory that goes on from what the journal knows."""
    assert section.paper is not None, "the form check wants it"
    spot = at_home(recorder.book.spot, home_of(section, PAPER), 0)
    begins = Beginning(
        quote=atto(section.paper.quote) + spot.realised - spot.cost,
        base=spot.base,
        sequence=spot.slots,
    )
    unknown = nameless(section.limits.market_id)
    return SimulatedSpot(SpotExchange(unknown), PAPER, real=real, beginning=begins)


def reserve(section: SpotSection) -> Mapping[str, int]:
    """Return what the purse keeps for fees, by denomination."""
    if section.orders == "paper":
        return {}
    return {"inj": int(section.venue.fee_inj_max * _INJ) * _FEES_KEPT}
