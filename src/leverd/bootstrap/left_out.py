"""Positions that a start left out are asked about again and again, beside the daemon.

What could not be read then may be read now: a node was behind, or an owner mended the account. The
daemon that guards the others goes on meanwhile, and is begun anew only once that would change who
is guarded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from loguru import logger

from leverd.bootstrap import start_checks
from leverd.bootstrap.chain import venue_config
from leverd.bootstrap.daemon import Opened
from leverd.bootstrap.places import homeless, resolve
from leverd.errors import LeverdError
from leverd.interfaces.clock import Clock
from leverd.settings import Settings

AGAIN_S: Final = 300.0


def names(settings: Settings, opened: Opened) -> Sequence[str]:
    """Return whom `opened` leaves out."""
    return sorted(
        settings.positions.keys() - {each.position_id for each in opened.charter.mandates}
    )


@asynccontextmanager
async def until(
    had: asyncio.Event, settings: Settings, opened: Opened, ending: asyncio.Event, clock: Clock
) -> AsyncIterator[asyncio.Event]:
    """Yield the event that ends the daemon: with `ending`, or with `had`.

    That is set once somebody whom `opened` leaves out can be looked at.
    """
    nowhere = homeless(settings)  # until the settings say otherwise, at a start
    out = [name for name in names(settings, opened) if name not in nowhere]
    if not out:
        yield ending
        return
    over = asyncio.Event()

    async def ask() -> None:
        there = await _first_had(settings, opened, out, clock)
        logger.warning("{} can be looked at: begun anew with it", ", ".join(there))
        had.set()
        over.set()

    async def follow() -> None:
        await ending.wait()
        over.set()

    tasks = [asyncio.create_task(each()) for each in (ask, follow)]
    try:
        yield over
    finally:
        for each in tasks:
            each.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                logger.error("who was left out was not asked about to the end: {}", ended)


async def _first_had(
    settings: Settings, opened: Opened, out: Sequence[str], clock: Clock
) -> Sequence[str]:
    """Return who of `out` is not to be left out any more, as soon as there is anybody."""
    places = resolve(settings, apart=homeless(settings))
    whole = venue_config(settings, places, settings.limits.limits())
    while True:
        await clock.sleep(AGAIN_S)
        try:
            found = await start_checks.findings(opened.chain, places.mandates, whole)
            apart = start_checks.barred_by(found, places.mandates).apart
        except LeverdError as error:
            logger.warning("{} cannot be asked about: {}", ", ".join(out), error)
            continue
        if there := [name for name in out if name not in apart]:
            return there
