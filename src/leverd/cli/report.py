"""`leverd report`: what became of a position, from its journal, on screen or as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leverd.cli.given import Config, Mode, one_position, settings_of
from leverd.cli.output import Json, busy, emit_json, say, show
from leverd.domain.spot import SPOT
from leverd.errors import DataError, OwnerError

if TYPE_CHECKING:
    from leverd.adapters.sql_journal import SqlLedger
    from leverd.backtest.run_record import Band, RunRecord
    from leverd.domain.days import Day
    from leverd.interfaces.journal import Binding, Entry
    from leverd.settings import Settings

_BATCH: Final = 1000
_NO_NUMPY: Final = 26
_NO_PAGE: Final = 100
_PICTURE: Final = Path("leverd-report.png")


def report(
    config: Config = None,
    mode: Mode = "",
    position: Annotated[str, typer.Option("-p", "--position", help="Which, of several.")] = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the page there: FILE.html.")
    ] = None,
    png: Annotated[  # noqa: FBT002 -- Typer's way to declare a flag
        bool, typer.Option("--png", help=f"Write a picture: FILE.png, or {_PICTURE}.")
    ] = False,
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """What became of a position: figures, where the money went, every action and why."""
    if out is not None and out.suffix.lower() not in {".html", ".htm"}:
        raise OwnerError(
            "a page is an .html file; nothing else is written over",
            number=_NO_PAGE,
            place=f"--out {out}",
            remedy=f"--out {out.with_suffix('.html')}",
        )
    settings = settings_of(config, mode)
    if position == SPOT and settings.spot is not None:
        _of_spot(settings, files=out is not None or png, as_json=as_json)
        return
    name = one_position(settings, position)
    reports = _reports()
    with busy("reading the journal"):
        record = _record(settings, name)
        answer = reports.facts_of(record) if as_json else reports.summary_of(record)
        files = _files(reports, record, out, png=png)
    if as_json:
        emit_json({**answer, "files": [str(file) for file in files]})
        return
    show(answer)
    for file in files:
        say(f"{file} is written")
    if not files:
        say("as a page with plots: leverd report --out report.html")


def _of_spot(settings: Settings, *, files: bool, as_json: bool) -> None:
    """Tell what became of trading on an order book.

    Raises:
        OwnerError: files are wanted; there are none of it.
    """
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.cli import spot_now, spot_report  # noqa: PLC0415 -- as below

    if files:
        raise OwnerError(
            "of spot there is no page and no picture",
            number=_NO_PAGE,
            place="--out, --png",
            remedy="leverd api draws it, /api/v1/spot/series has its line",
        )
    path = file_of(settings.journal.path)
    with busy("reading the journal"):
        story = spot_report.told(_entries(settings, SPOT)[1])
    found = spot_report.data(settings, story, spot_now.seen(settings, path))
    if as_json:
        emit_json(found)
    else:
        spot_report.show(found)


def _reports() -> ModuleType:
    """Return the room that makes reports.

    Raises:
        DataError: numpy is not installed.
    """
    try:
        import numpy  # noqa: F401, ICN001, PLC0415 -- only whether it is there
    except ImportError as error:
        raise DataError(
            "a report needs numpy, which is not installed",
            number=_NO_NUMPY,
            remedy="pip install 'leverd[report]'",
        ) from error
    from leverd.backtest import report as reports  # noqa: PLC0415 -- loads numpy

    return reports


def _files(
    reports: ModuleType, record: RunRecord, out: Path | None, *, png: bool
) -> tuple[Path, ...]:
    """Write what was asked for, and return where."""
    written: list[Path] = []
    if out is not None:
        reports.write_page(record, out)
        written.append(out)
    if png:
        picture = _PICTURE if out is None else out.with_suffix(".png")
        reports.write_picture(record, picture)
        written.append(picture)
    return tuple(written)


def _record(settings: Settings, position: str) -> RunRecord:
    from leverd.backtest.report import journal_record  # noqa: PLC0415 -- loads numpy
    from leverd.bootstrap.order_levels import named_mandate  # noqa: PLC0415 -- loads agents

    binding, entries, days = _entries(settings, days_of=position)
    mode = settings.mode if binding is None else binding.mode
    named = named_mandate(settings, position)
    return journal_record(entries, named, mode, _band(settings, position), days)


def _entries(
    settings: Settings, position: str = "", *, days_of: str = ""
) -> tuple[Binding | None, Sequence[Entry], Sequence[Day]]:
    """Return what the journal belongs to, its entries, and the days that pruning left of one.

    Of the entries those of one position, if one is named.
    """
    from leverd.adapters.sql_journal import SqlLedger  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- as above

    ledger = SqlLedger(file_of(settings.journal.path))
    try:
        days = ledger.pruned_days(days_of)[1] if days_of else ()
        return ledger.binding(), list(_all(ledger, position)), days
    finally:
        ledger.close()


def _all(ledger: SqlLedger, position: str) -> Iterator[Entry]:
    after = 0
    while batch := ledger.entries(position_id=position, after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].seq


def _band(settings: Settings, position: str) -> Band:
    """Return where the agents act, as far as the settings say; a guardian's own choice is not."""
    from leverd.backtest.run_record import Band  # noqa: PLC0415 -- loads numpy
    from leverd.bootstrap.seating import envelope_of  # noqa: PLC0415 -- loads agents

    asked = envelope_of(settings, position)
    guard = settings.positions[position].agents.get("guardian")
    trigger = getattr(guard, "deleverage_below", None)
    if asked is None:
        return Band(health_trigger=trigger)
    return Band(asked.band_low, asked.band_high, asked.leverage_target, trigger)
