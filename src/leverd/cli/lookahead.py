"""`leverd backtest --lookahead`: nothing that is decided may depend on what comes after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from leverd.cli.output import emit_json, progress, say

if TYPE_CHECKING:
    from leverd.backtest.history.history import History
    from leverd.backtest.replay.lookahead import Foresight
    from leverd.interfaces.journal import Entry
    from leverd.settings import Settings

FOUND: Final = 1
"""Exit code where the future changes the past."""


def check_lookahead(
    settings: Settings, names: Sequence[str], part: History, moments: int, *, as_json: bool
) -> bool:
    """Tell of each position what another future changes; return whether nothing does."""
    found = {}
    for name in names:
        with progress(f"other futures of {name}") as advance:
            found[name] = _foresights(settings, name, part, moments, advance)
    if as_json:
        emit_json({name: [_facts(each) for each in seen] for name, seen in found.items()})
    else:
        for name, seen in found.items():
            for each in seen:
                say(f"{name}: {_words(each)}")
    return not any(each.place for seen in found.values() for each in seen)


def _foresights(
    settings: Settings,
    name: str,
    part: History,
    moments: int,
    advance: Callable[[int, int], None],
) -> Sequence[Foresight]:
    from leverd.backtest.replay import lookahead, setting  # noqa: PLC0415 -- loads numpy

    mandate, rules = setting.mandate_of(settings, name), setting.rules_of(settings, name)
    return lookahead.foresights(
        part,
        setting.models_of(settings, mandate),
        mandate,
        lambda _: rules,
        moments=moments,
        seed=settings.backtest.draw,
        advance=advance,
    )


def _words(each: Foresight) -> str:
    when = f"up to {_moment(each.at)}"
    if not each.place:
        return f"{when} {each.compared} entries of the journal are the same in another future"
    return (
        f"{when} another future changes entry {each.place} of {each.compared}: "
        f"{_event(each.known)} becomes {_event(each.instead)}"
    )


def _facts(each: Foresight) -> dict[str, object]:
    return {
        "at": each.at,
        "compared": each.compared,
        "changed": each.place or None,
        "was": _event(each.known) if each.place else None,
        "became": _event(each.instead) if each.place else None,
    }


def _event(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    return f"{type(entry.event).__name__} of {_moment(entry.chain_at)}"


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
