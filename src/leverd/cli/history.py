"""`leverd history`: what was decided and done, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leverd.cli.given import Config, JournalFile, Mode, journal_of
from leverd.cli.output import Json, emit_json, table
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.interfaces.journal import Entry


def history(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    position: Annotated[str, typer.Option("-p", "--position", help="Only this position.")] = "",
    kind: Annotated[
        list[str] | None, typer.Option("-k", "--kind", help="Only this kind of event; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=100_000)] = 50,
    after: Annotated[int, typer.Option(help="Only past this entry, oldest first.", min=0)] = 0,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """What was decided and done, and why: the newest entries, oldest of them first."""
    from leverd.adapters.sql_journal import SqlLedger  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.sql_journal.upkeep import as_json as plain  # noqa: PLC0415 -- as above

    ledger = SqlLedger(journal_of(config, mode, journal))
    try:
        entries = ledger.entries(
            kinds=_kinds(kind or []),
            position_id=position,
            after=after,
            limit=limit,
            newest_first=not after,
        )
    finally:
        ledger.close()
    ordered = sorted(entries, key=lambda entry: entry.seq)
    if as_json:
        emit_json([plain(entry) for entry in ordered])
        return
    table(("seq", "chain time", "position", "what", "why"), [_row(entry) for entry in ordered])


def _kinds(asked: list[str]) -> list[str]:
    """Return `asked` as events are called, whatever the case.

    Raises:
        OwnerError: there is no such event; the nearest one is named.
    """
    from leverd.adapters.sql_journal.codec import KINDS  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.settings.problems import nearest  # noqa: PLC0415 -- loads pydantic

    known = {name.lower(): name for name in KINDS}
    for each in asked:
        if each.lower() not in known:
            raise OwnerError(f"no event is called {each}", number=2, remedy=nearest(each, KINDS))
    return [known[each.lower()] for each in asked]


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    from leverd.cli.telling import told  # noqa: PLC0415 -- as above

    at = datetime.fromtimestamp(entry.chain_at, UTC) if entry.chain_at else entry.written_at
    where = getattr(entry.event, "position_id", "") or ""
    kind = type(entry.event).__name__
    return str(entry.seq), f"{at:%Y-%m-%d %H:%M:%S}", where, kind, told(entry.event)
