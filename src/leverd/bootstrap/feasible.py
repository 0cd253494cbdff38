"""Whether the market lets the settings be kept: asked of the chain, or of a recorded market."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from leverd.agents import guardian
from leverd.bootstrap.looking import watching
from leverd.bootstrap.places import NOWHERE, resolve
from leverd.bootstrap.seating import envelope_of, seats_of
from leverd.domain.view import View
from leverd.engine.collect import views
from leverd.engine.state import Book
from leverd.errors import SettingsError
from leverd.risk.feasibility import judge
from leverd.risk.findings import Findings, Watch
from leverd.risk.market_facts import MarketFacts, facts_from_json, facts_of
from leverd.settings import Settings


def check(settings: Settings, market: Path | None = None) -> Sequence[str]:
    """Return what was found for every position, each line one judgement that passed.

    `market` is a recorded market file (docs/risk.md); without it the chain is asked.

    Raises:
        InfeasibleError: a position cannot be kept; it says why and what could.
        UnreachableError: no chain answered.
    """
    facts = _recorded(settings, market) if market else asyncio.run(_asked(settings))
    lines = []
    for name, each in facts.items():
        findings = judged_by(settings, name, each)
        findings.require(f"positions.{name}")
        lines += [f"{name}: {finding}" for finding in findings.all]
    return lines


def judged(settings: Settings, name: str, view: View) -> Findings:
    """Return what the market of `view` says of position `name`."""
    return judged_by(settings, name, facts_of(view))


def judged_by(settings: Settings, name: str, facts: MarketFacts) -> Findings:
    """Return what the market of these `facts` says of position `name`."""
    envelope = envelope_of(settings, name)
    if envelope is None:
        return Findings(())
    engine = settings.engine
    watch = Watch(engine.look_s_max, engine.inclusion_delay_s, engine.gap)
    trigger = _trigger(settings, name, facts.threshold)
    return judge(envelope, settings.limits.limits(), facts, watch, trigger)


def _trigger(settings: Settings, name: str, threshold: Decimal) -> Decimal:
    """Return the health below which the position's guardian acts, 1 when it has none."""
    for seat in seats_of(settings, name):
        if isinstance(seat.agent, guardian.Guardian):
            found = guardian.triggers(seat.agent.params, Fraction(threshold)).deleverage_below
            return Decimal(found.numerator) / found.denominator
    return Decimal(1)


def _recorded(settings: Settings, market: Path) -> dict[str, MarketFacts]:
    try:
        text = market.read_text("utf-8")
    except OSError as error:
        raise SettingsError(
            f"the market file cannot be read: {error.strerror}", number=80, place=str(market)
        ) from error
    facts = facts_from_json(text)
    return dict.fromkeys(settings.positions, facts)


async def _asked(settings: Settings) -> dict[str, MarketFacts]:
    places = resolve(settings, undeployed=NOWHERE)
    async with watching(settings, places) as chain:
        observation = await chain.venue.observe(places.mandates)
    seen = views(observation, Book(), open_slots=0)
    return {name: facts_of(view) for name, view in seen.items()}
