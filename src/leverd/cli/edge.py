"""The edge of the program: what goes wrong reaches an owner as one screen, never a traceback.

Exit codes: 0 done; 1 not done as asked; 2 settings, arguments or keys; 3 a dependency cannot
be reached; 4 halted; 5 the journal; 6 infeasible; 70 a bug in leverd; 130 interrupted.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from leverd.errors import LeverdError, OwnerError, SecretError
from leverd.interfaces.veil import VEIL, redacted

BUG: Final = 70
INTERRUPTED: Final = 130

_UNUSABLE: Final = 137
_OF_A_PLACE: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
    }
)
_KEY: Final = re.compile(r"(?:.*=)?(?:0x)?[0-9a-fA-F]{64}", re.ASCII)
_WRAPPING: Final = " \t\r\n'\""
# A bare --seed is a devnet's: the number its market is drawn from.
_KEY_OPTION: Final = re.compile(r"--?(private[-_]?key|mnemonic|seed[-_]?phrase)(=.*)?")


def guard(action: Callable[[], int | None], arguments: Sequence[str]) -> int:
    """Run `action` and return the exit code; say on stderr what went wrong, with its remedy."""
    try:
        refuse_keys(arguments)
        return action() or 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except LeverdError as error:
        return show(error, as_json="--json" in arguments)
    except BaseExceptionGroup as group:
        found = next((each for each in _leaves(group) if isinstance(each, LeverdError)), None)
        if found is None:
            return _show_bug(group)
        return show(found, as_json="--json" in arguments)
    except OSError as error:
        if not is_of_a_place(error):
            return _show_bug(error)
        return show(_refused(error), as_json="--json" in arguments)
    except Exception as error:  # noqa: BLE001 -- the last line before the owner
        return _show_bug(error)


def show(error: LeverdError, *, as_json: bool = False) -> int:
    """Write `error` for the owner and return its exit code."""
    if as_json:
        sys.stdout.write(json.dumps({"error": as_data(error)}) + "\n")
        return error.exit_code
    lines = [f"{error.code}  {error.message}"]
    if error.place:
        lines.append(f"  where   {error.place}")
    if error.remedy:
        lines.append(f"  remedy  {error.remedy}")
    sys.stderr.write(VEIL.over("\n".join(lines)) + "\n")
    return error.exit_code


def as_data(error: LeverdError) -> dict[str, object]:
    """Return `error` as plain values, with every problem where it holds several."""
    problems = [
        {
            "code": problem.code,
            "place": str(problem.place),
            "path": ".".join(str(part) for part in problem.path),
            "message": VEIL.over(problem.message),
            "remedy": VEIL.over(problem.remedy),
        }
        for problem in getattr(error, "problems", ())
    ]
    data: dict[str, object] = {
        "code": error.code,
        "message": VEIL.over(error.message),
        "place": VEIL.over(error.place),
        "remedy": VEIL.over(error.remedy),
        "exit_code": error.exit_code,
    }
    return {**data, "problems": problems} if problems else data


def is_of_a_place(error: OSError) -> bool:
    """Return whether a file of the owner's is what is wrong, and no code of ours."""
    return bool(error.filename) and error.errno in _OF_A_PLACE


def _refused(error: OSError) -> OwnerError:
    from leverd.adapters.sql_journal.unusable import remedy  # noqa: PLC0415 -- loads SQLAlchemy

    what = (error.strerror or "refused").lower()
    return OwnerError(
        f"a file or folder cannot be used: {what}",
        number=_UNUSABLE,
        place=str(error.filename),
        remedy=remedy(error),
    )


def refuse_keys(arguments: Sequence[str]) -> None:
    """Check that no argument is, or asks for, a private key.

    Raises:
        SecretError: one is. It is not repeated.
    """
    for argument in arguments:
        if _KEY.fullmatch(argument.strip(_WRAPPING)) or _KEY_OPTION.fullmatch(argument):
            raise SecretError(
                "a private key must not be an argument: other processes and the shell's history"
                " keep arguments",
                number=5,
                place="command line",
                remedy="treat that key as known to others and move its funds; then"
                " `leverd keys import` asks for a key without showing it",
            )


def _show_bug(error: BaseException) -> int:
    report = redacted("".join(traceback.format_exception(error)))
    kept = _keep(report)
    sys.stderr.write(
        f"LVD-BUG  leverd met a state it should not have: {type(error).__name__}\n"
        f"  where   {kept}\n"
        "  remedy  report it with that file; the journal holds what was done, and a restart"
        " begins by settling it\n"
    )
    return BUG


def _keep(report: str) -> Path:
    """Return the file the report is in, its owner's alone; the same bug goes to the same file."""
    raw = report.encode("utf-8", "backslashreplace")
    name = f"bug-{hashlib.sha256(raw).hexdigest()[:12]}.txt"
    for folder in (Path("logs"), Path(tempfile.gettempdir())):
        try:
            _write(folder / name, raw)
        except FileExistsError:
            if not _is_ours(folder / name):
                continue
        except OSError:
            continue
        return folder / name
    return Path("nowhere: no folder could be written")


def _is_ours(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()


def _write(path: Path, raw: bytes) -> None:
    """Write a file that is new: in a folder of everybody's it might be a link to another."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each
