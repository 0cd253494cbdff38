"""A run as plain values for programs: what `--json` answers."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from leverd.backtest.report.acts import Act
from leverd.backtest.report.findings import Findings, findings_of, moment
from leverd.backtest.report.metrics import Metrics
from leverd.backtest.report.standing import Standing
from leverd.backtest.run_record import RunRecord

SCHEMA: Final = 1
"""Grows when a key changes its meaning or goes; new keys may come without."""

_TIMES: Final = frozenset({"since", "until", "recovered", "at"})


def facts_of(record: RunRecord) -> dict[str, Any]:
    """Return everything but the curve: strings, ints, floats, lists and mappings of those.

    Money is exact, as decimal text in the share class; ratios are plain fractions, None where
    they cannot be told; times are ISO 8601 in UTC.

    Raises:
        OwnerError: nothing was marked yet, or the journal counts in another currency.
        ImpossibleError: the P&L does not add up (33).
    """
    found = findings_of(record)
    curve, mandate, band = record.curve, record.mandate, record.band
    return {
        "schema": SCHEMA,
        "position": mandate.position_id,
        "mode": record.mode,
        "collateral": mandate.collateral.symbol,
        "debt": mandate.debt.symbol,
        "share_class": mandate.share_class.symbol,
        "settings_hash": record.settings_hash,
        "data_digest": record.data_digest,
        "models": dict(record.models),
        "band": {name: _text(value) for name, value in asdict(band).items()},
        "since": moment(int(curve.ts[0])) if len(curve) else None,
        "until": moment(int(curve.ts[-1])) if len(curve) else None,
        "rows": len(curve),
        "metrics": {**metric_facts(found.metrics), "held_return": found.held_return},
        "money": _money(found),
        "actions": [_act(found, act) for act in found.acts],
        "notes": [
            {"at": moment(note.at) if note.at else None, "kind": note.kind, "text": note.text}
            for note in found.notes
        ],
    }


def metric_facts(metrics: Metrics) -> dict[str, Any]:
    """Return the figures by name, times as text."""
    return {
        name: {each: _timed(each, part) for each, part in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in asdict(metrics).items()
    }


def _timed(name: str, value: Any) -> Any:
    return moment(value) if name in _TIMES and value is not None else value


def _money(found: Findings) -> dict[str, Any]:
    books = found.books
    return {
        "began": _text(found.whole(books.began)),
        "flows": [[moment(at), _text(found.whole(raw))] for at, raw in books.flows],
        "pnl": {line: _text(found.whole(raw)) for line, raw in books.pnl.lines.items()},
        "pnl_unmarked": _text(found.whole(books.unmarked)),
        "pnl_total": _text(found.whole(books.total)),
        "ended": _text(found.whole(books.equity)),
        "swapped": _text(found.whole(found.swapped)),
        "gas_wei": str(found.gas),
        "trips": [
            [moment(trip.opened), moment(trip.closed), _text(found.whole(trip.pnl))]
            for trip in books.trips
        ],
    }


def _act(found: Findings, act: Act) -> dict[str, Any]:
    return {
        "seq": act.seq,
        "at": moment(act.at),
        "purpose": act.purpose,
        "end": act.end.value,
        "agent": act.agent,
        "target": act.target,
        "reason": act.reason,
        "steps": list(act.steps),
        "note": act.note,
        "before": _standing(act.before),
        "after": _standing(act.after),
        "pnl": {line: _text(found.whole(raw)) for line, raw in act.lines.items()},
        "swapped": _text(found.whole(act.swapped)),
        "gas_wei": str(act.gas),
    }


def _standing(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {
        "block": standing.block,
        "at": moment(standing.at),
        "leverage": _ratio(standing.leverage),
        "health": _text(standing.health),
        "price": _ratio(standing.price),
    }


def _ratio(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
