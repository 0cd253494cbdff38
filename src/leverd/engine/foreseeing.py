"""From a venue's look to what predictors say of it. Pure but for what they keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Final

from leverd.domain.bars import Bar, Tick
from leverd.domain.events import Event
from leverd.domain.prediction_events import BarSeen
from leverd.engine.book import Book
from leverd.engine.foresight import Foresight, ticks_of
from leverd.interfaces.venue import Observation

_BESIDE: Final = tuple(each.name for each in fields(Tick) if each.name not in {"at", "price"})


def foreseen(foresight: Foresight, observation: Observation, book: Book) -> tuple[Event, ...]:
    """Return what `observation` lets predictors say, and the bars that are over by it.

    To be journaled before a view is made.
    """
    ticks: dict[str, Tick] = {}
    fee, at = observation.gas.base_fee, observation.stamp.at
    for _, seen in sorted(observation.positions.items()):
        for market in seen.state.lending.values():
            for name, tick in ticks_of(market, at, fee, foresight.subjects).items():
                ticks.setdefault(name, tick)
    return asked(foresight, ticks, book)


def asked(foresight: Foresight, ticks: Mapping[str, Tick], book: Book) -> tuple[Event, ...]:
    """Return what `ticks` let predictors say, and the bars that are over by them."""
    before = {name: _newest(foresight, name) for name in foresight.subjects}
    facts = foresight.look(ticks, book.outlook)
    return (*_over(foresight, before), *facts)


def recall(foresight: Foresight, seen: Iterable[BarSeen], bar_s: int) -> None:
    """Have `foresight` know the bars of `bar_s` seconds among `seen`, oldest first."""
    for each in seen:
        if each.bar_s == bar_s:
            last = Tick(each.last_at, each.close, **each.known)
            foresight.recall(each.subject, [Bar(each.at, each.open, each.high, each.low, last)])


def _over(foresight: Foresight, before: dict[str, Bar | None]) -> Iterator[BarSeen]:
    for name, old in before.items():
        new = _newest(foresight, name)
        if new is not None and new is not old:
            said = {each: getattr(new.last, each) for each in _BESIDE}
            yield BarSeen(
                name,
                foresight.bar_s,
                at=new.at,
                open=new.open,
                high=new.high,
                low=new.low,
                last_at=new.last.at,
                close=new.close,
                known={each: value for each, value in said.items() if value is not None},
            )


def _newest(foresight: Foresight, name: str) -> Bar | None:
    bars = foresight.bars(name)
    return bars[-1] if bars else None
