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
                    "remedy": each.remedy,
                }
                for each in checks
            ]
        )
    else:
        table(
            ("", "code", "found", "remedy"),
            [(_MARKS[each.status], each.code, each.message, each.remedy) for each in checks],
        )
    if any(each.status is Status.BAD for each in checks):
        raise typer.Exit(1)


def _all(settings: Settings) -> Iterator[Check]:
    yield Check("settings", Status.GOOD, f"the form is right ({settings.fingerprint()})")
    for examine in (_journal, _disk, _logs, _key):
        yield from _safely(examine, settings)
    yield from _safely(_chain, settings)


def _safely(examine: Callable[[Settings], Iterable[Check]], settings: Settings) -> Iterator[Check]:
    """Yield what `examine` finds; an error of ours is a finding, not the end of the visit."""
    try:
        yield from examine(settings)
    except LeverdError as error:
        yield Check(error.code, Status.BAD, error.message, error.remedy)


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
        if keystore.HANDED in path.parents:
            yield Check("key", Status.NOTE, f"{path} is systemd's to hand to the service")
        elif not path.exists():
            yield Check("key", Status.BAD, f"{path} is not there", "leverd keys new, or devnet up")
        elif path.stat().st_mode & _OTHERS:
            yield Check("key", Status.BAD, f"others may read {path}", f"chmod 600 {path}")
        else:
            yield Check("key", Status.GOOD, f"{path} is there, and only its owner reads it")
    if not files:
        name = key.credential or key.environment
        yield Check("key", Status.NOTE, f"comes from {name} when the daemon starts")


def _chain(settings: Settings) -> Iterable[Check]:
    from leverd.bootstrap import preflight  # noqa: PLC0415 -- loads web3

    return preflight.checks(settings)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
