"""The record of a run that was lived and not replayed: a journal, and a sparse curve of it.

A journal keeps balances where something happened and at least once a day, so its curve has a
row for each mark and each decision; between them nothing is known, nor made up. Of what was
pruned it has what is left: the days, each by its last mark, the marks that its falls rest on,
lowest health and highest leverage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from math import inf

import numpy as np

from leverd.backtest.report.books import UNLIKE, unmarked
from leverd.backtest.report.standing import Standing, standing_of, worth
from leverd.backtest.run_record import Band, Curve, Grain, RunRecord
from leverd.domain.days import DAY_S, Day
from leverd.domain.events import (
    DaemonStarted,
    DecisionTaken,
    ExternalChanged,
    PnlRecorded,
    SettingsChanged,
)
from leverd.domain.fixed_point import WAD
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.money import USD, Asset
from leverd.domain.plan_events import PlanApproved
from leverd.domain.position import Mandate
from leverd.domain.snapshot import Snapshot
from leverd.errors import OwnerError
from leverd.interfaces.journal import Entry


def journal_record(
    entries: Sequence[Entry],
    named: Mandate,
    mode: str,
    band: Band | None = None,
    days: Iterable[Day] = (),
) -> RunRecord:
    """Return what `entries`, a whole journal, tell of the position that `named` names.

    `named` knows tokens by symbol alone; the journal tells their decimals. `days` are what
    pruning left of what it dropped, oldest first.

    Raises:
        OwnerError: nothing of it was marked yet (97), or of other tokens (98).
    """
    marks = _marks(entries, named.position_id)
    mandate = _whole(named, marks)
    ours = {named.position_id, ""}
    known = [each for each in days if each.position_id == named.position_id and each.marks]
    since = _fine_from(entries)
    told = [each for each in entries if getattr(each.event, "position_id", "") in ours]
    return RunRecord(
        mandate=mandate,
        mode=mode,
        settings_hash=_settings_hash(entries),
        data_digest="",
        entries=tuple(told),
        curve=_curve(entries, mandate, known),
        band=band or Band(),
        grain=Grain(utc_days=True, fine_from=since),
        models={
            "curve": "a row for each P&L mark and each decision; between them nothing is known",
            "lowest health": "of those rows only: what was between two looks is not in a journal",
            **_pruned(since, marks[0], known),
        },
    )


def _fine_from(entries: Sequence[Entry]) -> int:
    """Return the chain time from which no entry is missing, 0 where none ever was."""
    last = at = found = 0
    for entry in entries:
        at = max(at, entry.chain_at)
        if entry.seq != last + 1:
            found = at
        last = entry.seq
    return found


def _pruned(since: int, first: PnlRecorded, days: Sequence[Day]) -> dict[str, str]:
    """Return up to when the story is known by its days only, where entries were pruned."""
    if not since:
        return {}
    until = f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d}"
    if not days or days[0].day > first.snapshot.at // DAY_S:
        return {
            "pruned": f"up to {until} marks were added up by a leverd that kept no days: falls, "
            "low health and daily returns of then are not in the figures"
        }
    return {
        "pruned": f"up to {until} a day is its last mark, those its falls rest on, lowest health "
        "and highest leverage; what a decision alone saw is not known; "
        "time near liquidation, mean leverage, time with debt and turnover are of what came after"
    }


def _marks(entries: Sequence[Entry], position_id: str) -> list[PnlRecorded]:
    found = [each.event for each in entries if isinstance(each.event, PnlRecorded)]
    marks = [mark for mark in found if mark.position_id == position_id]
    if not marks:
        raise unmarked(position_id)
    return marks


def _whole(named: Mandate, marks: Sequence[PnlRecorded]) -> Mandate:
    """Return `named` with the decimals that the journal knows."""
    last = marks[-1]
    known = {**last.snapshot.decimals, last.share_class: last.share_decimals}

    def whole(asset: Asset) -> Asset:
        if asset == USD:
            return asset
        if asset.symbol not in known or asset.symbol not in last.snapshot.prices:
            raise OwnerError(
                f"the journal tells nothing of {asset.symbol}",
                number=UNLIKE,
                place=f"positions.{named.position_id}",
                remedy="say the settings that the journal was written with",
            )
        return Asset(asset.symbol, known[asset.symbol])

    return replace(
        named,
        collateral=whole(named.collateral),
        debt=whole(named.debt),
        share_class=whole(named.share_class),
    )


def _settings_hash(entries: Sequence[Entry]) -> str:
    found = ""
    for entry in entries:
        if isinstance(entry.event, DaemonStarted):
            found = entry.event.settings_hash
        elif isinstance(entry.event, SettingsChanged):
            found = entry.event.after
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """One snapshot, and what a unit and the same money held were worth then."""

    snapshot: Snapshot
    unit: Fraction  # share class raw per WAD units
    held: Fraction  # collateral, raw units
    health_low: int  # wad, since the row before
    leverage_high: float = 0.0  # the same, beside what the snapshot shows


def _curve(entries: Sequence[Entry], mandate: Mandate, days: Sequence[Day]) -> Curve:
    """Return a row for each second that was seen; of several looks at one the last counts."""
    newest: dict[int, _Row] = {}
    lowest: dict[int, int] = {}
    highest: dict[int, float] = {}
    for row in _rows(entries, mandate, days):
        at, seen = row.snapshot.at, _leverage(standing_of(row.snapshot, mandate))
        newest[at] = row
        highest[at] = max(seen, row.leverage_high, highest.get(at, 0.0))
        lowest[at] = min(row.health_low, lowest.get(at, row.health_low))
    times = sorted(newest)
    rows = [newest[at] for at in times]
    standings = [standing_of(row.snapshot, mandate) for row in rows]
    first = next((row.unit for row in rows if row.unit), Fraction(1))
    return Curve(
        ts=np.array(times, dtype=np.int64),
        price=np.array([float(each.price or 0) for each in standings]),
        equity=np.array([each.equity / mandate.share_class.unit for each in standings]),
        unit=np.array([float(row.unit / first) for row in rows]),
        holding=np.array([_holding(row, mandate) for row in rows]),
        leverage=np.array([_leverage(each) for each in standings]),
        leverage_high=np.array([highest[at] for at in times]),
        health=np.array([_health(row.snapshot.health) for row in rows]),
        health_low=np.array([_health(lowest[at]) for at in times]),
    )


def _rows(entries: Sequence[Entry], mandate: Mandate, days: Sequence[Day]) -> Iterator[_Row]:
    """Yield what each mark and decision shows, from the first mark on, and how each day ended.

    Between marks a unit moves as equity does, unless money came or went since: then nothing is
    said of it until the next mark.
    """
    mark: PnlRecorded | None = None
    held, moved = Fraction(0), False
    left = deque(_left(days))
    for entry in entries:
        event = entry.event
        if getattr(event, "position_id", None) != mandate.position_id:
            continue
        snapshot = getattr(event, "snapshot", None)
        while left and snapshot is not None and left[0].mark.snapshot.at < snapshot.at:
            mark = left[0].mark
            yield _of_then(left.popleft(), held)
        match event:
            case PnlRecorded():
                mark, moved = event, False
                held += _bought(event, mandate)
                yield _Row(event.snapshot, Fraction(event.unit_price), held, event.snapshot.health)
            case ExternalChanged():
                moved = True
            case DecisionTaken() | PlanApproved() if mark is not None and not moved:
                base = mark.snapshot.equity
                grown = Fraction(event.snapshot.equity, base) if base > 0 else Fraction(1)
                unit = mark.unit_price * max(grown, Fraction(0))
                yield _Row(event.snapshot, unit, held, event.snapshot.health)
            case _:
                pass
    for each in left:
        yield _of_then(each, held)


@dataclass(frozen=True, slots=True)
class _Left:
    """A mark that a pruned day left, with the worst it stands for."""

    mark: PnlRecorded
    health_low: int  # wad
    leverage_high: float = 0.0


def _left(days: Iterable[Day]) -> Iterator[_Left]:
    """Yield what is left of `days`: the marks that falls rest on, and how each day ended."""
    for day in days:
        for each in day.turns:
            yield _Left(each, each.snapshot.health)
        for last in day.marks:
            yield _Left(last, day.health_low, day.leverage_high / WAD)


def _of_then(left: _Left, held: Fraction) -> _Row:
    """Return the row of what is left; flows are in the entries, which are kept."""
    mark = left.mark
    unit = Fraction(mark.unit_price)
    return _Row(mark.snapshot, unit, held, left.health_low, left.leverage_high)


def _bought(mark: PnlRecorded, mandate: Mandate) -> Fraction:
    """Return how much collateral (raw) the money that came with `mark` would have bought."""
    one = worth(mark.snapshot, mandate.collateral, mandate.collateral.unit, mandate.share_class)
    return Fraction(mark.flow * mandate.collateral.unit) / one if one else Fraction(0)


def _holding(row: _Row, mandate: Mandate) -> float:
    one = worth(row.snapshot, mandate.collateral, mandate.collateral.unit, mandate.share_class)
    value = row.held * (one or 0) / mandate.collateral.unit
    return float(value / mandate.share_class.unit)


def _leverage(standing: Standing) -> float:
    return inf if standing.leverage is None else float(standing.leverage)


def _health(wad: int) -> float:
    return inf if wad >= INFINITE_HEALTH else wad / WAD
