"""Whether the market lets the settings be kept: asked of the chain, or of a recorded market."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from leverd.agents import guardian
from leverd.bootstrap.looking import watching
from leverd.bootstrap.order_levels import named_mandate
from leverd.bootstrap.places import NOWHERE, resolve
from leverd.bootstrap.seating import envelope_of, seats_of
from leverd.domain import side
from leverd.domain.money import USD
from leverd.domain.view import View
from leverd.engine.book import Book
from leverd.engine.collect import views
from leverd.errors import ImpossibleError, SettingsError
from leverd.interfaces.agent import Ordering
from leverd.risk.feasibility import judge
from leverd.risk.findings import Check, Finding, Findings, Watch
from leverd.risk.market_facts import MarketFacts, facts_from_json, facts_of
from leverd.risk.order_feasibility import Scene, judge_orders
from leverd.settings import Settings


def check(settings: Settings, market: Path | None = None) -> Sequence[str]:
    """Return what was found for every position, each line one judgement that passed.

    `market` is a recorded market file (docs/risk.md); without it the chain is asked.

    Raises:
        InfeasibleError: a position cannot be kept; it says why and what could.
        UnreachableError: no chain answered.
    """
    found = _recorded(settings, market) if market else asyncio.run(_asked(settings))
    lines = []
    for name, findings in found.items():
        findings.require(f"positions.{name}")
        lines += [f"{name}: {finding}" for finding in findings.all]
    return lines


def judged(settings: Settings, name: str, view: View) -> Findings:
    """Return what the market of `view` says of position `name`.

    Where no account is deployed yet, it is judged as the one that will be: ours, which is atomic.
    A market that cannot be judged, as one where nobody buys, is refused.
    """
    try:
        return _judged(settings, name, view)
    except ImpossibleError as error:
        message = f"the market cannot be judged: {error.message}"
        nearest = "wait until it trades and its oracle answers"
        return Findings((Finding(Check.MARKET, passes=False, message=message, nearest=nearest),))


def judged_by(settings: Settings, name: str, facts: MarketFacts) -> Findings:
    """Return what the market of these `facts` says of position `name`."""
    envelope = envelope_of(settings, name)
    if envelope is None:
        return Findings(())
    engine = settings.engine
    watch = Watch(engine.look_s_max, engine.inclusion_delay_s, engine.gap)
    trigger = _trigger(settings, name, facts.threshold)
    return judge(envelope, settings.limits.limits(), facts, watch, trigger)


def _judged(settings: Settings, name: str, view: View) -> Findings:
    facts = facts_of(view)
    if view.state.position.mandate.account == NOWHERE:
        facts = replace(facts, atomic=True)
    price = side.price(view.state)
    scene = Scene(
        side.side_of(view.state.position.mandate),
        facts.threshold,
        Decimal(price.numerator) / price.denominator,
        view.now,
        is_begun=any(view.state.position.loan.debts.values()) or view.record.ended is not None,
    )
    loops, ordered = judged_by(settings, name, facts), _orders_judged(settings, name, scene)
    return Findings((*loops.all, *ordered.all))


def _orders_judged(settings: Settings, name: str, scene: Scene) -> Findings:
    """Return what is found of the orders that the position's agents keep."""
    engine, envelope = settings.engine, envelope_of(settings, name)
    watch = Watch(engine.look_s_max, engine.inclusion_delay_s, engine.gap)
    kept = [each.agent for each in seats_of(settings, name) if isinstance(each.agent, Ordering)]
    found = [judge_orders(agent.orders, envelope, scene, watch).all for agent in kept]
    return Findings(tuple(finding for each in found for finding in each))


def _on_paper(settings: Settings, name: str, facts: MarketFacts) -> Scene:
    """Return what a recorded market tells orders: no time, and no price of a short's debt."""
    named = named_mandate(settings, name)
    which = side.side_of(named)
    known = which is side.Side.LONG and side.counted_in(named) == USD
    return Scene(which, facts.threshold, facts.price if known else None, None, is_begun=False)


def _trigger(settings: Settings, name: str, threshold: Decimal) -> Decimal:
    """Return the health below which the position's guardian acts, 1 when it has none."""
    for seat in seats_of(settings, name):
        if isinstance(seat.agent, guardian.Guardian):
            found = guardian.triggers(seat.agent.params, Fraction(threshold)).deleverage_below
            return Decimal(found.numerator) / found.denominator
    return Decimal(1)


def _recorded(settings: Settings, market: Path) -> dict[str, Findings]:
    try:
        text = market.read_text("utf-8")
    except OSError as error:
        raise SettingsError(
            f"the market file cannot be read: {error.strerror}", number=80, place=str(market)
        ) from error
    facts = facts_from_json(text)
    return {
        name: Findings(
            (
                *judged_by(settings, name, _sided(settings, name, facts)).all,
                *_orders_judged(settings, name, _on_paper(settings, name, facts)).all,
            )
        )
        for name in settings.positions
    }


def _sided(settings: Settings, name: str, facts: MarketFacts) -> MarketFacts:
    """Return `facts` as a position of this side is hurt there; a recorded file may not say."""
    return replace(facts, side=side.side_of(named_mandate(settings, name)))


async def _asked(settings: Settings) -> dict[str, Findings]:
    places = resolve(settings, undeployed=NOWHERE)
    async with watching(settings, places) as chain:
        observation = await chain.venue.observe(places.mandates)
    seen = views(observation, Book(), open_slots=0)
    return {name: judged(settings, name, view) for name, view in seen.items()}
