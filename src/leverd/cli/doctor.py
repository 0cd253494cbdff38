"""`leverd doctor`: check everything the agent depends on, and say what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from leverd.bootstrap.checks import Check, Status
from leverd.cli import doctor_api, doctor_beside, doctor_systemd
from leverd.cli.given import PAPER, Config, Mode, settings_of
from leverd.cli.output import Json, emit_json, table
from leverd.errors import LeverdError

if TYPE_CHECKING:
    from leverd.settings import Settings

_FREE_BYTES_MIN: Final = 500 * 1024 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MARKS: Final = {Status.GOOD: "ok", Status.NOTE: "note", Status.BAD: "BAD"}


def doctor(config: Config = None, mode: Mode = "", as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """Check everything the agent depends on; exit 1 if anything is bad."""
    settings = settings_of(config, mode)
    checks = list(_all(settings))
    if as_json:
        emit_json(
            [
                {
                    "code": each.code,
                    "status": each.status,
                    "message": each.message,
                    "place": each.place,
                    "remedy": each.remedy,
                }
                for each in checks
            ]
        )
    else:
        table(
            ("", "code", "where", "found", "remedy"),
            [
                (_MARKS[each.status], each.code, each.place, each.message, each.remedy)
                for each in checks
            ],
        )
    if any(each.status is Status.BAD for each in checks):
        raise typer.Exit(1)


def _all(settings: Settings) -> Iterator[Check]:
    yield Check("settings", Status.GOOD, f"the form is right ({settings.fingerprint()})")
    near = (
        _journal,
        _writable,
        _disk,
        doctor_beside.copy,
        _lease,
        _logs,
        doctor_beside.clock,
        _key,
    )
    beside = (doctor_beside.alerts, doctor_beside.heartbeat, doctor_beside.models)
    for examine in (*near, *beside, doctor_api.examined, doctor_systemd.examined):
        yield from _safely(examine, settings)
    yield from _safely(_chain, settings)
    yield from _safely(_spot, settings)


def _safely(examine: Callable[[Settings], Iterable[Check]], settings: Settings) -> Iterator[Check]:
    """Yield what `examine` finds; an error of ours is a finding, not the end of the visit."""
    try:
        yield from examine(settings)
    except LeverdError as error:
        yield Check(error.code, Status.BAD, error.message, error.remedy, error.place)


def _journal(settings: Settings) -> Iterator[Check]:
    from leverd.adapters.sql_journal import holder, lock_path, upkeep  # noqa: PLC0415 -- heavy
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- heavy

    path = file_of(settings.journal.path)
    pid = holder(lock_path(path))
    daemon = f"process {pid} has it" if pid else "no daemon has it"
    if not path.exists():
        yield Check("journal", Status.NOTE, f"none yet at {path}; the first start makes it")
        return
    found = upkeep.verify(path)
    yield Check("journal", Status.GOOD, f"{found.entries} whole entries, {daemon}")
    yield from _breakers(path)


def _writable(settings: Settings) -> Iterator[Check]:
    """Yield whether the journal, its log and its lock can be written by whoever asks."""
    from leverd.adapters.sql_journal.database import file_of, wal_path  # noqa: PLC0415 -- heavy

    path = file_of(settings.journal.path)
    folder = _existing(path.absolute().parent)
    files = [each for each in (path, wal_path(path)) if each.exists()]
    fixed = [each for each in (folder, *files) if not os.access(each, os.W_OK)]
    if fixed:
        text = f"this user may not write {', '.join(map(str, fixed))}"
        yield Check("journal-write", Status.BAD, text, "ask as the daemon's user", str(path))
    else:
        yield Check("journal-write", Status.GOOD, "it can be written", place=str(path))


def _breakers(path: Path) -> Iterator[Check]:
    """Yield what the journal says of breakers that are not closed."""
    from leverd.adapters.sql_journal import SqlLedger  # noqa: PLC0415 -- heavy
    from leverd.cli import picture  # noqa: PLC0415 -- loads the engine

    ledger = SqlLedger(path)
    try:
        book = picture.read(ledger).book
    finally:
        ledger.close()
    for name, circuit in book.dependencies.items():
        text = f"the daemon found {name} failing; its breaker is {circuit.replace('_', '-')}"
        yield Check("LVD-BRK-002", Status.BAD, text, "see the runbook, LVD-BRK")
    for name, page in book.pages.items():
        if page.record.breakers:
            faults = ", ".join(page.record.breakers)
            yield Check("LVD-BRK-001", Status.NOTE, f"{name} takes no new risk: {faults}")


def _disk(settings: Settings) -> Iterator[Check]:
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- heavy

    folder = _existing(file_of(settings.journal.path).absolute().parent)
    free = shutil.disk_usage(folder).free
    message = f"{free // 2**20} MiB free for the journal in {folder}"
    if free < _FREE_BYTES_MIN:
        yield Check("disk", Status.BAD, message, "free some space; a full disk stops new plans")
    else:
        yield Check("disk", Status.GOOD, message)


def _logs(settings: Settings) -> Iterator[Check]:
    if settings.logs.file is None:
        yield Check("logs", Status.NOTE, "no log file, the console only")
        return
    folder = _existing(Path(settings.logs.file).absolute().parent)
    if os.access(folder, os.W_OK):
        yield Check("logs", Status.GOOD, f"{settings.logs.file} can be written")
    else:
        yield Check("logs", Status.BAD, f"{folder} cannot be written", "choose logs.file elsewhere")


def _key(settings: Settings) -> Iterator[Check]:
    if settings.mode == PAPER:
        yield Check("key", Status.GOOD, "none is read: on paper nothing is signed")
        return
    from leverd.adapters.evm import keystore  # noqa: PLC0415 -- loads eth-account

    key = settings.key
    files = [each for each in (key.keystore, key.password.file if key.password else None) if each]
    for file in files:
        path = Path(file)
        if keystore.HANDED in path.parents and not os.access(path, os.R_OK):
            yield Check("key", Status.NOTE, f"{path} is systemd's to hand to the service")
        elif not path.exists():
            yield Check("key", Status.BAD, f"{path} is not there", "leverd keys new, or devnet up")
        elif path.stat().st_mode & _OTHERS:
            yield Check("key", Status.BAD, f"others may read {path}", f"chmod 600 {path}")
        else:
            yield Check("key", Status.GOOD, f"{path} is there, and only its owner reads it")
    if not files:
        yield from _handed(settings)


def _handed(settings: Settings) -> Iterator[Check]:
    """Yield whether a key that is no file can be had; one that is only the daemon's is said so."""
    from leverd.bootstrap.looking import address_of  # noqa: PLC0415 -- loads web3

    key = settings.key
    if key.aws is None and key.command is None:
        name = key.credential or key.environment
        yield Check("key", Status.NOTE, f"comes from {name} when the daemon starts")
        return
    yield Check("key", Status.GOOD, f"opens as {address_of(key)}", place="key")


def _lease(settings: Settings) -> Iterator[Check]:
    if not settings.shares_its_key:
        return
    from leverd.cli.db_lease import row_of  # noqa: PLC0415 -- loads SQLAlchemy

    row = row_of(settings)
    try:
        seen = row.look()
    finally:
        row.close()
    if seen.is_held and seen.holder:
        text = f"{seen.holder} holds it, epoch {seen.epoch}, for {seen.left_s:.1f} s more"
        yield Check("lease", Status.GOOD, text)
    else:
        text = f"nobody holds it; the last epoch was {seen.epoch}"
        yield Check("lease", Status.NOTE, text, "start run_agent on one of the two machines")


def _chain(settings: Settings) -> Iterable[Check]:
    from leverd.bootstrap import preflight  # noqa: PLC0415 -- loads web3

    return preflight.checks(settings)


def _spot(settings: Settings) -> Iterable[Check]:
    if settings.spot is None:
        return ()
    from leverd.bootstrap import spot_preflight  # noqa: PLC0415 -- loads the engine

    return spot_preflight.checks(settings)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
