"""`leverd db`: look after the journal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO, TypeAlias

import typer

from leverd.cli.db_lease import lease
from leverd.cli.db_sample import sample
from leverd.cli.given import Config, JournalFile, Mode, journal_of, settings_of
from leverd.cli.new_file import check_place, new_file, unwritten
from leverd.cli.output import Json, emit_json, progress, say
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.adapters.sql_journal import Server
    from leverd.settings import Settings

COPY: Final = "copy"
"""What stands for the copy where a backup may be named."""

_SHARED: Final = 133

OfCopy: TypeAlias = Annotated[
    bool, typer.Option("--copy", help="Of the copy that journal.copy_to names, not of the file.")
]

app = typer.Typer(help="Look after the journal.", no_args_is_help=True, rich_markup_mode=None)
app.command()(sample)
app.command()(lease)


@app.command()
def verify(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    of_copy: OfCopy = False,  # noqa: FBT002 -- Typer's way to declare a flag
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Read every entry and the file's own structure; exit 5 if anything is damaged."""
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- loads SQLAlchemy

    place = _place(config, mode, journal, of_copy=of_copy)
    with progress("reading"):
        found = upkeep.verify(place) if isinstance(place, Path) else upkeep.verify_copy(place)
    _tell(
        as_json,
        {"journal": _named(place), "entries": found.entries, "last_seq": found.last_seq},
        f"{_named(place)}: {found.entries} entries, the last is {found.last_seq};"
        " nothing is damaged",
    )


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A new file.")],
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    of_copy: OfCopy = False,  # noqa: FBT002 -- Typer's way to declare a flag
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Copy the journal, also while the daemon writes it, and verify the copy."""
    from leverd.adapters.sql_journal import restoring, upkeep  # noqa: PLC0415 -- loads SQLAlchemy

    place = _place(config, mode, journal, of_copy=of_copy)
    check_place(to)
    with progress("copying") as advance:
        if isinstance(place, Path):
            found = upkeep.backup(place, to, lambda left, total: advance(total - left, total))
        else:
            found = restoring.restore_copy(place, to)
    _tell(
        as_json,
        {"backup": str(to), "entries": found.entries, "last_seq": found.last_seq},
        f"{to}: {found.entries} entries, verified",
    )


@app.command()
def export(
    to: Annotated[Path | None, typer.Argument(help="A new file; stdout if not given.")] = None,
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    of_copy: OfCopy = False,  # noqa: FBT002 -- Typer's way to declare a flag
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Write every entry as one JSON object a line."""
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- loads SQLAlchemy

    place = _place(config, mode, journal, of_copy=of_copy)
    if to is None:
        with _to_stdout() as file:
            upkeep.export(place, file)
        return
    with new_file(to) as file, progress("writing"):
        count = upkeep.export(place, file)
    _tell(as_json, {"export": str(to), "entries": count}, f"{to}: {count} entries")


@app.command()
def prune(
    keep_days: Annotated[int, typer.Option(min=2, help="Days of chain time kept whole.")] = 90,
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Drop old entries that nothing depends on. No daemon may be running; make a backup first."""
    from leverd.adapters.sql_journal.prune import prune as drop  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    path = journal_of(config, mode, journal)
    with _alone_with(path), progress("pruning"):
        done = drop(path, SystemClock(), keep_days=keep_days)
    line = f"{done.dropped} entries dropped, {done.kept} kept up to entry {done.through}"
    if done.is_behind:
        line = f"nothing to drop: an earlier pruning reached further, to entry {done.through}"
    _tell(as_json, {"dropped": done.dropped, "kept": done.kept, "through": done.through}, line)


@app.command()
def upgrade(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Bring the journal's tables to this version's shape. No daemon may be running."""
    from leverd.adapters.sql_journal import upkeep  # noqa: PLC0415 -- as above
    from leverd.adapters.sql_journal.schema import HEAD  # noqa: PLC0415 -- as above

    path = journal_of(config, mode, journal)
    with _alone_with(path):
        upkeep.upgrade(path)
    _tell(as_json, {"journal": str(path), "tables": HEAD}, f"{path}: tables are at {HEAD}")


@app.command()
def restore(
    source: Annotated[
        str, typer.Argument(help="A backup's file, or `copy`: what journal.copy_to names.")
    ],
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Bring a lost journal back, where none is now. No daemon may be running."""
    from leverd.adapters.sql_journal import restoring  # noqa: PLC0415 -- loads SQLAlchemy

    path = journal_of(config, mode, journal)
    with _alone_with(path), progress("restoring"):
        if source == COPY:
            found = restoring.restore_copy(_copy_of(config, mode), path)
        else:
            found = restoring.restore_backup(Path(source), path)
    _tell(
        as_json,
        {"journal": str(path), "entries": found.entries, "last_seq": found.last_seq},
        f"{path}: {found.entries} entries, verified",
        "  what came after them, the next start finds on chain",
    )


@app.command()
def copy(
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Bring the copy at journal.copy_to up to date, and verify it; a daemon does so by itself."""
    from leverd.adapters.sql_journal import copier, upkeep  # noqa: PLC0415 -- as above

    _check_alone(config, mode)
    path, server = journal_of(config, mode, journal), _copy_of(config, mode)
    shipping = copier.Copier(path, server)
    try:
        with progress("copying"):
            shipped = shipping.ship()
            found = upkeep.verify_copy(server)
    finally:
        shipping.close()
    there = {"entries": found.entries, "last_seq": found.last_seq}
    line = f"{server.name}: {shipped.entries} entries shipped, {found.entries} there, verified"
    _tell(as_json, {"shipped": shipped.entries, **there}, line)


@contextmanager
def _to_stdout() -> Iterator[TextIO]:
    """Return stdout, written to its end. A reader who has seen enough ends it quietly: Typer does.

    Raises:
        OwnerError: it leads to where nothing can be written.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritten("stdout", error.strerror or str(error)) from None


def _place(
    config: list[Path] | None, mode: str, journal: Path | None, *, of_copy: bool
) -> Path | Server:
    """Return what is to be read: the journal's file, or its copy."""
    return _copy_of(config, mode) if of_copy else journal_of(config, mode, journal)


def _named(place: Path | Server) -> str:
    return str(place) if isinstance(place, Path) else place.name


def _copy_of(config: list[Path] | None, mode: str) -> Server:
    return copied_to(settings_of(config, mode))


def copied_to(settings: Settings, *, connections: int = 1) -> Server:
    """Return the server of the journal's copy.

    Raises:
        OwnerError: the settings name none, or its driver is not installed.
    """
    from leverd.bootstrap.beside import server_of  # noqa: PLC0415 -- loads SQLAlchemy

    server = server_of(settings, connections=connections)
    if server is None:
        raise OwnerError(
            "the settings name no copy of the journal",
            number=112,
            place="journal.copy_to",
            remedy="postgresql://USER@HOST:PORT/DATABASE",
        )
    return server


def _check_alone(config: list[Path] | None, mode: str) -> None:
    """Check that no other machine copies to the same place."""
    if settings_of(config, mode).shares_its_key:
        raise OwnerError(
            "where two daemons share a copy, its lease's holder alone writes it",
            number=_SHARED,
            place="standby.enabled",
            remedy="nothing is to be done: the daemon that acts ships what it writes",
        )


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
    told = {
        "damaged": done is not None,
        "kept": done.kept if done else None,
        "quarantine": str(done.quarantine) if done else None,
    }
    if done is None:
        _tell(as_json, told, f"{path}: nothing is damaged, nothing was changed")
        return
    lines = (
        f"{path}: {done.kept} whole entries kept ({done.reason})",
        f"  the damaged files are in {done.quarantine}",
    )
    _tell(as_json, told, *lines)


def _tell(as_json: bool, found: Mapping[str, object], *lines: str) -> None:  # noqa: FBT001 -- a flag of every command, always said first
    """Show what was done: `found` to programs, `lines` to people."""
    if as_json:
        emit_json(found)
        return
    for line in lines:
        say(line)


def _alone_with(path: Path) -> AbstractContextManager[object]:
    """Return what keeps every daemon away from the journal at `path`.

    Raises:
        JournalLockedError: one has it.
    """
    from leverd.adapters.sql_journal import acquire_lock, lock_path  # noqa: PLC0415 -- loads SQLAlchemy

    return acquire_lock(lock_path(path), what=f"the journal {path}")
