"""pause, reduce, resume, halt, unwind: ask the daemon, or act where none runs."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from leverd.cli.given import Config, JournalFile, Mode, check_known, confirm, settings_of
from leverd.cli.output import Json, busy, emit_json, say
from leverd.domain.spot import SPOT
from leverd.errors import JournalLockedError, OwnerError
from leverd.interfaces.requests import Request, RequestKind

if TYPE_CHECKING:
    from leverd.settings import Settings

_ELSEWHERE: Final = 134

Position: TypeAlias = Annotated[str, typer.Argument(help="A position's name; all if not given.")]
ForS: TypeAlias = Annotated[
    float,
    typer.Option(
        "--for", help="Chain seconds to try here where no daemon runs; run_agent goes on.", min=1
    ),
]
Now: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--now", help="Do not wait for gas or a better price: pay what saving it is worth."
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def pause(
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Only lower risk, and do not ask the agents that may raise it. The guardian stays awake."""
    _order(RequestKind.PAUSE, position, config, mode, journal, as_json=as_json)


def reduce(
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Only lower risk: agents are asked, what would raise risk is denied."""
    _order(RequestKind.REDUCE, position, config, mode, journal, as_json=as_json)


def resume(
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Lift pause, reduce, halt, unwind, a portfolio stop or an unexplained change."""
    _order(RequestKind.RESUME, position, config, mode, journal, as_json=as_json)


def halt(
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    yes: Yes = False,  # noqa: FBT002 -- as below
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Do nothing at all until resumed, not even deleverage. For a compromised key."""
    what = position or "every position"
    confirm(f"halt also stops the guardian: nothing will lower risk. Halt {what}?", yes=yes)
    _order(RequestKind.HALT, position, config, mode, journal, as_json=as_json)


def unwind(
    position: Position = "",
    config: Config = None,
    mode: Mode = "",
    journal: JournalFile = None,
    for_s: ForS = 600,
    now: Now = False,  # noqa: FBT002 -- as below
    yes: Yes = False,  # noqa: FBT002 -- as below
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Repay everything, down to zero, and stay out until resumed; lasts across restarts."""
    what = position or "every position"
    how = "at any price up to what a liquidation would cost, " if now else ""
    confirm(f"unwind sells collateral, {how}to repay every debt. Unwind {what}?", yes=yes)
    kind = RequestKind.UNWIND_NOW if now else RequestKind.UNWIND
    given = _give(kind, position, config, mode, journal)
    # A journal that is named has no settings, and spot is sold by run_agent alone.
    act = given.number is None and journal is None and position != SPOT
    if not as_json:
        say(given.said)
    if act:
        _act_now(settings_of(config, mode), position, for_s, as_json=as_json)
    if as_json:
        emit_json({**given.data(), "closed": act})


@dataclass(frozen=True, slots=True)
class _Given:
    """An order that was given."""

    kind: RequestKind
    position: str
    number: int | None  # of the request; None: it was journaled here, for no daemon runs
    said: str

    def data(self) -> dict[str, Any]:
        """Return it for programs."""
        where = self.position or "all"
        return {"order": self.kind, "position": where, "request": self.number, "said": self.said}


def _order(
    kind: RequestKind,
    position: str,
    config: list[Path] | None,
    mode: str,
    journal: Path | None,
    *,
    as_json: bool,
) -> None:
    """Give the order, and say what became of it."""
    given = _give(kind, position, config, mode, journal)
    if as_json:
        emit_json(given.data())
    else:
        say(given.said)


def _give(
    kind: RequestKind, position: str, config: list[Path] | None, mode: str, journal: Path | None
) -> _Given:
    """Return the order, once it is in the journal or in the daemon's letter box."""
    from leverd.adapters.sql_journal import database  # noqa: PLC0415 -- loads SQLAlchemy

    if journal is None:
        settings = settings_of(config, mode)
        if position != SPOT or settings.spot is None:
            check_known(settings, position)
        journal = database.file_of(settings.journal.path)
        if settings.shares_its_key and not _acts_here(journal):
            return _Given(kind, position, *_ask_afar(settings, kind, position))
    database.check_exists(journal)
    try:
        seq = _journal_it(journal, kind, position)
    except JournalLockedError:
        return _Given(kind, position, *_ask(journal, kind, position))
    said = f"{kind.value} is in the journal (entry {seq}); no daemon runs"
    return _Given(kind, position, None, said)


def _acts_here(journal: Path) -> bool:
    """Return whether the daemon of this machine is the one that acts, or guards alone."""
    from leverd.adapters.sql_journal import LeaseFile, holder, lock_path  # noqa: PLC0415 -- as above
    from leverd.adapters.sql_journal.lease_file import STANDBY  # noqa: PLC0415 -- as above

    said = LeaseFile(journal).last()
    return holder(lock_path(journal)) is not None and not (said and said[0].state == STANDBY)


def _ask_afar(settings: Settings, kind: RequestKind, position: str) -> tuple[int, str]:
    """Return the request's number, put where the daemon that acts looks for it, and what to tell.

    Raises:
        OwnerError: it is for who is on the machine that acts.
        UnreachableError: the server does not answer.
    """
    from leverd.adapters.sql_journal import SqlRequests  # noqa: PLC0415 -- as above
    from leverd.adapters.sql_journal.copier import SAFER  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above
    from leverd.bootstrap.beside import server_of  # noqa: PLC0415 -- as above

    if kind not in SAFER:
        raise OwnerError(
            f"{kind.value} is said on the machine that acts, and here none does",
            number=_ELSEWHERE,
            place="standby",
            remedy="leverd db lease says which it is",
        )
    server = server_of(settings)
    assert server is not None, "the form check wants it"
    requests = SqlRequests(server, SystemClock())
    try:
        number = requests.put(kind, position, "cli")
    finally:
        requests.close()
    return number, f"{kind.value} is request {number} at the copy; the daemon that acts takes it"


def _journal_it(path: Path, kind: RequestKind, position: str) -> int:
    """Return the entry the order became; needs the lock, so no daemon can be running.

    What waits for a daemon was said before it, and is journaled and marked as taken before it:
    no daemon that comes hears an older word after the last one.
    """
    from leverd.adapters.sql_journal import SqlJournal, SqlRequests  # noqa: PLC0415 -- loads SQLAlchemy
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above
    from leverd.engine.orders import events_of  # noqa: PLC0415 -- loads the engine

    journal = SqlJournal(path, SystemClock())
    try:
        with closing(SqlRequests(path, SystemClock())) as box:
            for each in box.pending():
                journal.append_now(*events_of(each))
                box.taken(each.request_id)
        return journal.append_now(*events_of(Request(0, kind, position, "cli")))
    finally:
        journal.close()


def _ask(path: Path, kind: RequestKind, position: str) -> tuple[int, str]:
    """Return the request's number, and what to tell the owner."""
    from leverd.adapters.sql_journal import SqlRequests, holder, lock_path  # noqa: PLC0415 -- as above
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above

    requests = SqlRequests(path, SystemClock())
    try:
        number = requests.put(kind, position, "cli")
    finally:
        requests.close()
    pid = holder(lock_path(path))
    who = f"the daemon (process {pid})" if pid else "the next daemon"
    return number, f"{kind.value} is request {number}; {who} takes it before its next turn"


def _act_now(settings: Settings, position: str, for_s: float, *, as_json: bool) -> None:
    """Unwind through the engine, here and now; the log goes to its file, not over the answer."""
    from leverd.cli import logs  # noqa: PLC0415 -- loads loguru
    from leverd.cli.hooks import hook  # noqa: PLC0415 -- looks for the composition root

    act = hook("one_shot", "unwind")
    if act is None:
        _aside("the next run_agent unwinds before anything else")
        return
    logs.set_up(settings.logs.model_copy(update={"console": False}))
    with busy("unwinding"):
        act(settings, position, for_s=for_s, tell=_aside if as_json else say)


def _aside(text: str) -> None:
    sys.stderr.write(f"{text}\n")
