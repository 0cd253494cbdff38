"""`leverd db`: look after the journal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from leverd.cli.given import Config, JournalFile, Mode, journal_of
from leverd.cli.output import Json, emit_json, progress, say
from leverd.errors import OwnerError

app = typer.Typer(help="Look after the journal.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Read every entry and the file's own structure; exit 5 if anything is damaged."""
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- loads SQLAlchemy

    path = journal_of(config, mode, journal)
    with progress("reading"):
        found = upkeep.verify(path)
    if as_json:
        emit_json({"journal": str(path), "entries": found.entries, "last_seq": found.last_seq})
    else:
        say(f"{path}: {found.entries} entries, the last is {found.last_seq}; nothing is damaged")


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A new file.")],
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Copy the journal, also while the daemon writes it, and verify the copy."""
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- loads SQLAlchemy

    path = journal_of(config, mode, journal)
    with progress("copying") as advance:
        found = upkeep.backup(path, to, lambda left, total: advance(total - left, total))
    if as_json:
        emit_json({"backup": str(to), "entries": found.entries, "last_seq": found.last_seq})
    else:
        say(f"{to}: {found.entries} entries, verified")


@app.command()
def export(
    to: Annotated[Path | None, typer.Argument(help="A new file; stdout if not given.")] = None,
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Write every entry as one JSON object a line."""
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- loads SQLAlchemy

    path = journal_of(config, mode, journal)
    if to is None:
        upkeep.export(path, sys.stdout)
        return
    try:
        with to.open("x", encoding="utf-8") as file, progress("writing"):
            count = upkeep.export(path, file)
    except FileExistsError:
        raise OwnerError("something is there already", number=20, place=str(to)) from None
    if as_json:
        emit_json({"export": str(to), "entries": count})
    else:
        say(f"{to}: {count} entries")


@app.command()
def prune(
    keep_days: Annotated[int, typer.Option(min=2, help="Days of chain time kept whole.")] = 90,
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Drop old entries that nothing depends on. No daemon may be running; make a backup first."""
    from leverd.adapters.sql_journal import acquire_lock, lock_path  # noqa: PLC0415 -- as above
    from leverd.adapters.sql_journal.prune import prune as drop  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    path = journal_of(config, mode, journal)
    with acquire_lock(lock_path(path), what=f"the journal {path}"), progress("pruning"):
        done = drop(path, SystemClock(), keep_days=keep_days)
    if as_json:
        emit_json({"dropped": done.dropped, "kept": done.kept, "through": done.through})
    else:
        say(f"{done.dropped} entries dropped, {done.kept} kept up to entry {done.through}")


@app.command()
def upgrade(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Bring the journal's tables to this version's shape. No daemon may be running."""
    from leverd.adapters.sql_journal import acquire_lock, lock_path, upkeep  # noqa: PLC0415 -- as above
    from leverd.adapters.sql_journal.schema import HEAD  # noqa: PLC0415 -- as above

    path = journal_of(config, mode, journal)
    with acquire_lock(lock_path(path), what=f"the journal {path}"):
        upkeep.upgrade(path)
    if as_json:
        emit_json({"journal": str(path), "tables": HEAD})
    else:
        say(f"{path}: tables are at {HEAD}")


@app.command()
def salvage(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Keep the whole entries of a damaged journal and set everything else aside."""
    from leverd.adapters.sql_journal import salvage as rescue  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    path = journal_of(config, mode, journal)
    with progress("salvaging"):
        done = rescue(path, SystemClock())
    if as_json:
        emit_json(
            {
                "damaged": done is not None,
                "kept": done.kept if done else None,
                "quarantine": str(done.quarantine) if done else None,
            }
        )
    elif done is None:
        say(f"{path}: nothing is damaged, nothing was changed")
    else:
        say(f"{path}: {done.kept} whole entries kept ({done.reason})")
        say(f"  the damaged files are in {done.quarantine}")
