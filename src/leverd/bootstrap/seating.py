"""Who sits at a position: its agents as the settings name them, and what they may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from leverd.agents import guardian
from leverd.bootstrap.agents import find_agents
from leverd.domain import headroom
from leverd.domain.state import State
from leverd.engine.turn import Seat
from leverd.interfaces.agent import AgentKind, Envelope
from leverd.settings import Settings


def own_agents(settings: Settings) -> Mapping[str, AgentKind[Any]]:
    """Return every agent kind the settings can name; code is loaded once for a process."""
    return _kinds(settings.agents_path)


def seats_of(
    settings: Settings, position: str, wrap: Callable[[Any], Any] = lambda agent: agent
) -> Sequence[Seat]:
    """Return the agents of a position, guards first; guards learn what the others ask for."""
    kinds = own_agents(settings)
    named = settings.positions[position].agents
    envelopes = [kinds[name].envelope(params) for name, params in named.items()]
    asked = [envelope for envelope in envelopes if envelope is not None]
    seats = []
    for (name, params), envelope in zip(named.items(), envelopes, strict=True):
        guards = envelope is None
        told = _told(params, asked) if guards else params
        seats.append(Seat(wrap(kinds[name].make(told)), guards))
    return sorted(seats, key=lambda seat: not seat.guards)


def envelope_of(settings: Settings, position: str) -> Envelope | None:
    """Return the riskiest envelope of a position's agents, None if all only lower risk."""
    kinds = own_agents(settings)
    named = settings.positions[position].agents.items()
    asked = [kinds[name].envelope(params) for name, params in named]
    risky = [envelope for envelope in asked if envelope is not None]
    return max(risky, key=lambda envelope: envelope.band_high, default=None)


def guards_only(
    settings: Settings, seats: Mapping[str, Sequence[Seat]]
) -> Mapping[str, Sequence[Seat]]:
    """Return `seats` with those only that lower risk; an unguarded position gets a guardian.

    That one has the triggers of an empty section, told what the other agents ask for.
    """
    return {
        name: [seat for seat in each if seat.guards] or [_guardian(settings, name)]
        for name, each in seats.items()
    }


def guardian_trigger(settings: Settings, name: str, state: State) -> int:
    """Return the health (wad) below which the guardian of position `name` deleverages."""
    params = _guardian_params(settings, name)
    return guardian.triggers(params, headroom.threshold_of(state)).deleverage_wad


def _guardian(settings: Settings, name: str) -> Seat:
    return Seat(guardian.Guardian(_guardian_params(settings, name)), guards=True)


def _guardian_params(settings: Settings, name: str) -> guardian.Params:
    """Return what the position's own guardian was given, else those of an empty section."""
    own = settings.positions[name].agents.get(guardian.NAME)
    asked = envelope_of(settings, name)
    given = own if isinstance(own, guardian.Params) else guardian.Params()
    told = _told(given, [] if asked is None else [asked])
    assert isinstance(told, guardian.Params), "what is told is what was given"
    return told


@cache
def _kinds(agents_path: tuple[str, ...]) -> Mapping[str, AgentKind[Any]]:
    return find_agents(Path(each) for each in agents_path)


def _told(params: Any, asked: Sequence[Envelope]) -> Any:
    """Return a guard's parameters with what the others ask for, where it leaves that open."""
    fields = type(params).model_fields
    if not asked or not {"target", "band_high"} <= fields.keys():
        return params
    top = max(asked, key=lambda envelope: envelope.band_high)
    known: dict[str, Decimal] = {"target": top.leverage_target, "band_high": top.band_high}
    missing = {name: value for name, value in known.items() if getattr(params, name) is None}
    return params.model_copy(update=missing)
