"""Unwind here and now, where no daemon runs: its own turns, until the debt is gone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from loguru import logger

from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import start_checks
from leverd.bootstrap.daemon import Care, Opened, open_daemon
from leverd.bootstrap.looking import CONNECT_S
from leverd.bootstrap.places import homeless
from leverd.bootstrap.start_checks import Barred
from leverd.bootstrap.undumpable import undumpable
from leverd.domain import loans
from leverd.domain.money import Amount, value_down
from leverd.domain.view import TradingState, View
from leverd.engine.canon import health_text
from leverd.engine.terms import DUST_USD
from leverd.errors import HaltedError, LeverdError, OwnerError
from leverd.interfaces.clock import Clock
from leverd.settings import Settings

FOR_S: Final = 600.0
"""Chain seconds that an unwind may take before it is left to a daemon."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LEFT: Final = 90  # the error's number


@dataclass(slots=True)
class Watch:
    """What is left of the positions, told whenever it changes."""

    tell: Callable[[str], None]
    left: dict[str, str] = field(default_factory=dict)  # by position id, "" when closed
    seen: bool = False

    def closed(self, views: Mapping[str, View]) -> bool:
        """Return whether nothing is owed or posted any more; tell what is new."""
        for name, view in views.items():
            left = _left(view)
            if self.left.get(name) != left:
                self.tell(f"{name}: {left or 'closed, nothing is owed'} (block {view.stamp.block})")
            self.left[name] = left
        self.seen = self.seen or bool(views)
        return self.seen and not any(self.left.values())


def unwind(
    settings: Settings,
    position: str,
    *,
    for_s: float = FOR_S,
    tell: Callable[[str], None] = logger.info,
) -> None:
    """Unwind `position` ("" all), which the journal says is asked for; return once it is closed.

    Takes at most `for_s` chain seconds; a stop by signal settles what is in flight first.

    Raises:
        HaltedError: nothing may be done until a human's resume.
        OwnerError: something is left; it says what.
        JournalLockedError: a daemon runs after all.
        UnreachableError: no node answers.
    """
    undumpable()
    watch = Watch(tell)
    asyncio.run(_unwind(settings, position, SystemClock(), for_s, watch))
    left = [f"{name}: {what}" for name, what in watch.left.items() if what]
    if left or not watch.seen:
        raise OwnerError(
            "; ".join(left) or "nothing could be seen of it",
            number=_LEFT,
            place=position or "every position",
            remedy="the order stands: run_agent goes on with it, or try again with a longer --for",
        )


async def _unwind(
    settings: Settings, position: str, clock: Clock, for_s: float, watch: Watch
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in _SIGNALS:
        loop.add_signal_handler(each, stop.set)
    opened, barred = await _opened(settings, clock, position)
    try:
        _check(opened, barred)
        ending = asyncio.create_task(_end(clock, for_s / opened.charter.speed, stop))
        try:
            await opened.daemon.run(stop, done=watch.closed)
        finally:
            ending.cancel()
    finally:
        await opened.close()


async def _opened(settings: Settings, clock: Clock, position: str) -> tuple[Opened, Barred]:
    """Return a daemon for `position`, and what is wrong; what only others use is left out then.

    Raises:
        LeverdError: it has no account, or nothing can be done about it.
    """
    nowhere = homeless(settings)
    if position in nowhere:
        raise nowhere[position]

    def opening(apart: Mapping[str, LeverdError]) -> Awaitable[Opened]:
        others = settings.positions.keys() - {position} if position and apart else set()
        care = Care(apart={*apart, *others})
        return open_daemon(settings, clock, wait_s=CONNECT_S, only=position, care=care)

    return await start_checks.opened_without(opening, nowhere)


async def _end(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    await clock.sleep(seconds)
    stop.set()


def _check(opened: Opened, barred: Barred) -> None:
    """Check that something may be signed at all; say whom nothing can be done about.

    Raises:
        HaltedError: a human said halt.
        LeverdError: the chain is not as it must be.
    """
    for mandate in opened.charter.mandates:
        state = opened.recorder.book.page(mandate.position_id).record.trading_state
        if state is TradingState.HALTED:
            raise HaltedError(
                f"{mandate.position_id} is halted",
                number=1,
                remedy="leverd resume, then unwind again",
            )
    if all(each.position_id in barred.watched for each in opened.charter.mandates):
        barred.require()
    for name, error in (*barred.apart.items(), *barred.watched.items()):
        logger.error("{}: {}", name or "what no position uses", error)


def _left(view: View) -> str:
    """Return what is still owed, and posted above dust, "" if nothing is."""
    market, loan, now = view.state.market, view.state.position.loan, view.now
    owed = [Amount(asset, loans.owed(market, loan, asset, now)) for asset in loan.debts]
    posted = [Amount(asset, loans.supplied(market, loan, asset, now)) for asset in loan.supplies]
    owes = [f"{_short(each)} owed" for each in owed if each.raw]
    prices = {asset: reserve.price for asset, reserve in market.reserves.items()}
    holds = [
        f"{_short(each)} posted"
        for each in posted
        if value_down(each, prices[each.asset]) > DUST_USD
    ]
    if not owes + holds:
        return ""
    health = loans.summarise(market, loan, now).health
    return ", ".join(owes + holds) + (f", health {health_text(health)}" if owes else "")


def _short(amount: Amount) -> str:
    return f"{amount.whole:,.6f} {amount.asset.symbol}"
