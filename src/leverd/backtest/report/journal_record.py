"""The record of a run that was lived and not replayed: a journal, and a sparse curve of it.

A journal keeps balances where something happened and at least once a day, so its curve has a
row for each mark and each decision; between them nothing is known, nor made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from math import inf

import numpy as np

from leverd.backtest.report.books import UNLIKE, unmarked
from leverd.backtest.report.standing import Standing, standing_of, worth
from leverd.backtest.run_record import Band, Curve, RunRecord
from leverd.domain.events import (
    DaemonStarted,
    DecisionTaken,
    ExternalChanged,
    JournalPruned,
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
    entries: Sequence[Entry], named: Mandate, mode: str, band: Band | None = None
) -> RunRecord:
    """Return what `entries`, a whole journal, tell of the position that `named` names.

    `named` knows tokens by symbol alone; the journal tells their decimals.

    Raises:
        OwnerError: nothing of it was marked yet (97), or of other tokens (98).
    """
    marks = _marks(entries, named.position_id)
    mandate = _whole(named, marks)
    ours = {named.position_id, ""}
    told = [each for each in entries if getattr(each.event, "position_id", "") in ours]
    return RunRecord(
        mandate=mandate,
        mode=mode,
        settings_hash=_settings_hash(entries),
        data_digest="",
        entries=tuple(told),
        curve=_curve(entries, mandate),
        band=band or Band(),
        models={
            "curve": "a row for each P&L mark and each decision; between them nothing is known",
            "lowest health": "of those rows only: what was between two looks is not in a journal",
            **_pruned(entries),
        },
    )


def _pruned(entries: Sequence[Entry]) -> dict[str, str]:
    """Return up to when the story is known by its days only, where entries were pruned."""
    cuts = [each.event.through for each in entries if isinstance(each.event, JournalPruned)]
    through = max(cuts, default=0)
    at = max((each.chain_at for each in entries if each.seq <= through), default=0)
    if not at:
        return {}
    day = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
    return {
        "pruned": f"up to {day} quiet marks were added up and stories dropped; "
        "leverd's API tells that part by whole days (/api/v1/daily)"
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


def _curve(entries: Sequence[Entry], mandate: Mandate) -> Curve:
    """Return a row for each second that was seen; of several looks at one the last counts."""
    newest: dict[int, _Row] = {}
    lowest: dict[int, int] = {}
    highest: dict[int, float] = {}
    for row in _rows(entries, mandate):
        at = row.snapshot.at
        newest[at] = row
        highest[at] = max(_leverage(standing_of(row.snapshot, mandate)), highest.get(at, 0.0))
        lowest[at] = min(row.snapshot.health, lowest.get(at, row.snapshot.health))
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


def _rows(entries: Sequence[Entry], mandate: Mandate) -> Iterator[_Row]:
    """Yield what each mark and decision shows, from the first mark on.

    Between marks a unit moves as equity does, unless money came or went since: then nothing is
    said of it until the next mark.
    """
    mark: PnlRecorded | None = None
    held, moved = Fraction(0), False
    for entry in entries:
        event = entry.event
        if getattr(event, "position_id", None) != mandate.position_id:
            continue
        match event:
            case PnlRecorded():
                mark, moved = event, False
                held += _bought(event, mandate)
                yield _Row(event.snapshot, Fraction(event.unit_price), held)
            case ExternalChanged():
                moved = True
            case DecisionTaken() | PlanApproved() if mark is not None and not moved:
                base = mark.snapshot.equity
                grown = Fraction(event.snapshot.equity, base) if base > 0 else Fraction(1)
                yield _Row(event.snapshot, mark.unit_price * max(grown, Fraction(0)), held)
            case _:
                pass


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
