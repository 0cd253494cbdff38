"""What the agent would do now, without doing it: the daemon's own turn, on a look of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.daemon import is_live
from leverd.bootstrap.looking import Memory, check_binding, remembered, watching
from leverd.bootstrap.order_levels import levels_seen
from leverd.bootstrap.places import resolve
from leverd.bootstrap.seating import seats_of
from leverd.bootstrap.timing import timing_of
from leverd.domain.orders import Level
from leverd.domain.view import View
from leverd.engine import whereabouts
from leverd.engine.book import pending_of
from leverd.engine.collect import views
from leverd.engine.noting import noted
from leverd.engine.preview import Preview, previewed, seat_for
from leverd.engine.turn import Seat, turn
from leverd.errors import RevertedError
from leverd.risk import breakers
from leverd.risk.limits import Limits
from leverd.risk.staleness import age_s
from leverd.settings import Settings


@dataclass(frozen=True, slots=True)
class Planned:
    """The turn that would be taken now for one position."""

    preview: Preview
    gas: int | None  # of the first transaction, played on the newest block; None if it reverts
    reverts: str  # why it would revert, "" if it would not or there is none
    levels: tuple[Level, ...] = ()  # the orders kept on it


@dataclass(frozen=True, slots=True)
class Planning:
    """The turn of every position asked for."""

    turns: Sequence[Planned]
    open_slots: int  # transactions under way, by the journal
    journaled: bool  # there is a journal; else nothing is remembered


def planned(settings: Settings, position: str = "", target: Decimal | None = None) -> Planning:
    """Return what would be done now for `position` ("" all); with `target`, to get there.

    A target stands in for the agents' wish; limits, gate and costs are the same.

    Raises:
        UnreachableError: no node answers.
        JournalError: the journal cannot be read, or tells of another chain.
    """
    return asyncio.run(_planned(settings, position, target))


async def _planned(settings: Settings, position: str, target: Decimal | None) -> Planning:
    places = resolve(settings)
    async with watching(settings, places) as chain:
        memory = remembered(settings, chain.venue.signer)
        await check_binding(settings, memory, chain)
        chain.hold(whereabouts.kept(memory.book, places.mandates))
        observation = await chain.venue.observe(places.mandates)
        found = views(observation, memory.book, open_slots=memory.open_slots)
        previews = [
            preview_of(settings, name, view, memory, target)
            for name, view in found.items()
            if position in {"", name}
        ]
        turns = [_with_orders(settings, await _tried(chain, preview)) for preview in previews]
    return Planning(turns, memory.open_slots, memory.binding is not None)


def _with_orders(settings: Settings, planned: Planned) -> Planned:
    view = planned.preview.outcome.view
    name = view.state.position.mandate.position_id
    return replace(planned, levels=levels_seen(settings, name, view))


async def _tried(chain: Chain, preview: Preview) -> Planned:
    """Return the preview with what the chain says of its first transaction."""
    plan, view = preview.outcome.plan, preview.outcome.view
    if plan is None:
        return Planned(preview, None, "")
    mandate = view.state.position.mandate
    try:
        gas = await chain.venue.rehearse(mandate, plan.steps[0], view.sequence, plan.deadline)
    except RevertedError as error:
        return Planned(preview, None, error.reason)
    return Planned(preview, gas, "")


def preview_of(
    settings: Settings, name: str, view: View, memory: Memory, target: Decimal | None
) -> Preview:
    """Return the turn that the daemon would take of `view`, thought through to its end."""
    limits, delay_s = settings.limits.limits(), settings.engine.inclusion_delay_s
    view = _watched(view, limits, memory.book.page(name).failures)
    view = noted(view, seats_of(settings, name), memory.book)
    outcome = turn(
        view,
        _seats(settings, name, target),
        limits,
        timing_of(delay_s),
        age_s=age_s(view, SystemClock().now(), live=is_live(settings)),
        pending=pending_of(memory.book),
    )
    return previewed(outcome, delay_s)


def _seats(settings: Settings, name: str, target: Decimal | None) -> Sequence[Seat]:
    return seats_of(settings, name) if target is None else (seat_for(target),)


def _watched(view: View, limits: Limits, failures: int) -> View:
    """Return the view with the breakers that one look opens; a daemon's own have seen more."""
    opened = breakers.watch(
        breakers.Breakers.standing(view.record.breakers), view, limits, failures=failures
    ).opened
    return replace(view, record=replace(view.record, breakers=tuple(opened)))
