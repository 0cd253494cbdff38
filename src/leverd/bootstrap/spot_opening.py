"""The trader of spot is opened beside the daemon: what it waits for delays nobody's turn.

The place of its key may be silent for a while. Then it is asked again and again, without a
restart; a reload of the settings that finds the key, there or at a place named anew, ends that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from loguru import logger

from leverd.bootstrap.daemon import Opened
from leverd.bootstrap.own_thread import in_own_thread
from leverd.bootstrap.renewal import Fresh
from leverd.bootstrap.spot import Trading, open_trading, prepared, tell_bug
from leverd.bootstrap.spot_key import signer_tried
from leverd.domain.events import AlertRaised
from leverd.domain.spot import SPOT
from leverd.errors import LeverdError, UnreachableError
from leverd.interfaces.clock import Clock
from leverd.settings import Settings
from leverd.settings.spot import SpotSection

if TYPE_CHECKING:
    from leverd.adapters.injective.signer import InjectiveSigner

_BACKOFF_S_FIRST: Final = 2.0
_BACKOFF_S_MAX: Final = 60.0
_DOUBLINGS_MAX: Final = 5

_AnswerT = TypeVar("_AnswerT")


def opening_of(settings: Settings, begun: Opened, clock: Clock) -> SpotOpening | None:
    """Return what becomes the trader, None where the settings want none."""
    if settings.spot is None:
        return None
    opening = SpotOpening(settings, settings.spot, begun, clock)
    if settings.spot.orders == "sent" and begun.renewal is not None:
        begun.renewal.add(opening)
    return opening


class SpotOpening:
    """Becomes the trader once its key is there. Until then it tries keys read anew (`Holder`)."""

    path: ClassVar[tuple[str, ...]] = ("spot", "access")

    def __init__(
        self, settings: Settings, section: SpotSection, begun: Opened, clock: Clock
    ) -> None:
        self._settings, self._section = settings, section
        self._begun, self._clock = begun, clock
        self._given: InjectiveSigner | None = None  # by a reload
        self._rung = asyncio.Event()  # set when it is given
        self._trading: Trading | None = None
        self._failed = False

    async def run(self, stop: asyncio.Event) -> None:
        """Trade as soon as may be, until `stop` is set. Whatever happens, the daemon guards on."""
        try:
            self._trading = await self._opened(stop)
        except LeverdError as error:
            self._failed = True
            self._say(error, "no spot is traded until the next start")
        except Exception as error:  # noqa: BLE001 -- a bug here must not leave loans unguarded
            self._failed = True
            tell_bug(self._begun.beside.notifier, error)
        if self._trading is not None:
            await self._trading.run(stop)

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:
        """Return the key that is there now: for who trades, or to begin with.

        Raises:
            LeverdError: it is not there, or not good.
        """
        if self._trading is not None and self._trading.holder is not None:
            return await self._trading.holder.tried(settings, open_)
        section = settings.spot
        if self._failed or section is None or section.access is None:
            return None
        signer = await signer_tried(section, self._begun.recorder.book.spot)
        told = f"spot.access: trades for {signer.address}"
        return Fresh(told, partial(self._take, section, signer))

    def _take(self, section: SpotSection, signer: InjectiveSigner) -> None:
        """Begin with `signer`, or have who trades by now go on with it."""
        if self._trading is None or self._trading.holder is None:
            self._given = signer
            self._rung.set()
            return
        try:
            self._trading.holder.fresh(section, signer).take()
        except LeverdError as error:
            self._say(error, "the key read anew is not taken, the one before stays in use")

    async def _opened(self, stop: asyncio.Event) -> Trading | None:
        """Return the trader as soon as it can be had, None once `stop` is set.

        Raises:
            LeverdError: it cannot be had, however long one waits.
        """
        failures = 0
        while not stop.is_set():
            self._rung.clear()
            feeds, given = self._begun.feeds, self._given
            work = partial(prepared, self._settings, self._section, feeds, given)
            try:
                ready = await self._unless_rung(stop, in_own_thread(work))
            except UnreachableError as error:
                failures += 1
                self._wait_for(error, failures)
                await self._unless_rung(stop, self._clock.sleep(_backoff(failures)))
                continue
            if ready is not None:
                return open_trading(self._settings, self._section, self._begun, self._clock, ready)
        return None

    async def _unless_rung(
        self, stop: asyncio.Event, work: Coroutine[object, object, _AnswerT]
    ) -> _AnswerT | None:
        """Return what `work` returns; None, and leave it, once told to stop or given a key."""
        tasks = [asyncio.create_task(each.wait()) for each in (stop, self._rung)]
        working = asyncio.create_task(work)
        try:
            await asyncio.wait((working, *tasks), return_when=asyncio.FIRST_COMPLETED)
            return None if stop.is_set() or self._rung.is_set() else await working
        finally:
            for task in (working, *tasks):
                task.cancel()
            await asyncio.gather(working, *tasks, return_exceptions=True)

    def _wait_for(self, error: UnreachableError, failures: int) -> None:
        if failures == 1:
            self._say(error, "spot is not traded yet; its key is asked for again and again")
        else:
            logger.warning("spot is not traded yet: {}", error)

    def _say(self, error: LeverdError, what: str) -> None:
        text = f"{what}: {error}"
        logger.error("{}", text)
        self._begun.beside.notifier.notify(AlertRaised(SPOT, error.code, text))


def _backoff(failures: int) -> float:
    return min(_BACKOFF_S_FIRST * 2.0 ** min(failures - 1, _DOUBLINGS_MAX), _BACKOFF_S_MAX)
