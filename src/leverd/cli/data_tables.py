"""A history as a table for people, and as data for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leverd.backtest.history import Loaded
from leverd.backtest.history.price_rows import PriceRows
from leverd.backtest.history.value_rows import ValueRows
from leverd.backtest.history.words import moment, span
from leverd.cli.output import pairs, say, table

_HASH_SHOWN = 12


def tell(file: Path, loaded: Loaded, manifest: Path, stood: str) -> None:
    """Write what was loaded: its bars, its sources, and what is worth knowing."""
    history = loaded.history
    pairs(
        {
            "bars": f"{len(history)} of {span(history.bar_s)}",
            "from": moment(history.since),
            "to": moment(history.until),
            "held in": f"{history.size() / 1e6:.1f} MB",
            "digest": loaded.manifest.digest,
            "manifest": f"{manifest}: {stood}",
        },
        title=str(file),
    )
    table(
        ("source", "of", "rows", "from", "to", "gaps", "filled", "sha256"),
        [_row(name, loaded) for name in loaded.parts],
    )
    for each in loaded.warnings:
        say(f"  {each.code} {each}")


def as_data(file: Path, loaded: Loaded, manifest: Path, stood: str) -> dict[str, Any]:
    """Return the same as plain values; times are ISO 8601, spans seconds."""
    history = loaded.history
    return {
        "description": str(file),
        "bars": len(history),
        "bar_s": history.bar_s,
        "since": moment(history.since),
        "until": moment(history.until),
        "bytes": history.size(),
        "digest": loaded.manifest.digest,
        "manifest": {"file": str(manifest), "state": stood},
        "sources": {name: _source(name, loaded) for name in loaded.parts},
        "warnings": [
            {"code": each.code, "place": str(each.place), "message": each.message}
            for each in loaded.warnings
        ],
    }


def _source(name: str, loaded: Loaded) -> dict[str, Any]:
    record, part = loaded.manifest.sources[name], loaded.parts[name]
    told: dict[str, Any] = {
        "of": _of(name, loaded),
        "file": record.file,
        "sha256": record.sha256,
        "rows": record.rows,
        "since": moment(record.since),
        "until": moment(record.until),
        "gaps": [
            {"line": gap.line, "since": moment(gap.since), "until": moment(gap.until)}
            | ({"bars": gap.bars} if gap.bars else {})
            for gap in part.gaps
        ],
        "gap_s": sum(gap.seconds for gap in part.gaps),
        "held": record.held,
        "dropped": record.dropped,
    }
    if isinstance(part, ValueRows):
        told["longest_hold_s"] = part.longest.seconds
        told["longest_hold_line"] = part.longest.line
    else:
        told["cut"] = loaded.cut[name]
    return told


def _row(name: str, loaded: Loaded) -> tuple[str, ...]:
    record, part = loaded.manifest.sources[name], loaded.parts[name]
    missing = span(sum(gap.seconds for gap in part.gaps))
    return (
        name,
        _of(name, loaded),
        str(record.rows),
        moment(record.since),
        moment(record.until),
        f"{record.gaps}, {missing}" if record.gaps else "none",
        _filled(name, loaded),
        record.sha256[:_HASH_SHOWN],
    )


def _of(name: str, loaded: Loaded) -> str:
    part, said = loaded.parts[name], loaded.manifest.sources[name].described
    if isinstance(part, ValueRows):
        return str(part.series.key)
    quote = "" if said["quote"] == "USD" else f" in {said['quote']}, taken as USD"
    return f"bars {said['venue']} {said['asset']}{quote}"


def _filled(name: str, loaded: Loaded) -> str:
    record, part = loaded.manifest.sources[name], loaded.parts[name]
    if not isinstance(part, PriceRows):
        return f"held at most {span(part.longest.seconds)}"
    said = [f"{record.held} held"] if record.held else []
    said += [f"{record.dropped} left out"] if record.dropped else []
    said += [f"{loaded.cut[name]} others lack"] if loaded.cut[name] else []
    return ", ".join(said) or "none"
