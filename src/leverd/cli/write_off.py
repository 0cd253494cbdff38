"""`leverd write-off`: give up what spot holds, where it left the account by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leverd.cli.given import Config, JournalFile, Mode, confirm, journal_of
from leverd.cli.orders import Yes
from leverd.cli.output import Json, emit_json, say
from leverd.domain.atto import of_atto
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from pathlib import Path

    from leverd.cli.spot_report import Story

_CHANGED: Final = 139


def command(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    yes: Yes = False,  # noqa: FBT002 -- Typer's way to declare a flag
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Count what spot holds as lost: it is gone, or its key is. Stop the daemon first.

    Nothing is sold and nothing is sent; what is still in the account is yours from then on.
    """
    from leverd.adapters.sql_journal import SqlJournal, database  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above
    from leverd.engine.spot_home import given_up  # noqa: PLC0415 -- loads the engine

    path = journal_of(config, mode, journal)
    database.check_exists(path)
    lost = given_up(_story(path).spot)
    what = f"{of_atto(lost.base):f} that cost {of_atto(lost.cost):f}"
    confirm(f"spot holds {what}: counted as lost, and never sold. Write it off?", yes=yes)
    held = SqlJournal(path, SystemClock())  # nobody trades from here on
    try:
        story = _story(path)
        if given_up(story.spot) != lost:
            raise OwnerError(
                "something was traded since you were asked; nothing was done",
                number=_CHANGED,
                remedy="ask again",
            )
        seq = held.append_now(lost, chain_at=story.last)
    finally:
        held.close()
    if as_json:
        emit_json({"base": of_atto(lost.base), "cost": of_atto(lost.cost), "entry": seq})
    else:
        say(f"{what} is written off (entry {seq}); spot holds nothing")


def _story(path: Path) -> Story:
    """Return what the journal at `path` tells of spot."""
    from leverd.adapters.sql_journal import doors, rows  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.cli import spot_report  # noqa: PLC0415 -- as above

    door = doors.checked(path)
    try:
        with door.begin() as connection:
            return spot_report.told(rows.entry_of(row) for row in rows.scan(connection))
    finally:
        door.close()
