"""What most commands are given: settings files, and the journal they lead to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.settings import Settings

DEFAULT: Final = Path("config/settings.yaml")
PAPER: Final = "paper"
_ON_PAPER: Final = 95

Config: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "-c", "--config", help=f"Settings file; repeatable, later wins. [default: {DEFAULT}]"
    ),
]
Mode: TypeAlias = Annotated[
    str, typer.Option("--mode", help="devnet, fork, paper or live, over the file's.")
]
JournalFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--journal", help="The journal's file, where settings cannot be read."),
]


def settings_of(config: list[Path] | None, mode: str = "") -> Settings:
    """Return the settings in the files `config`, or in the default one.

    Raises:
        SettingsError: they are malformed.
    """
    from leverd.bootstrap.agents import find_agents  # noqa: PLC0415 -- loads pydantic
    from leverd.settings import agents_path, load_settings  # noqa: PLC0415 -- as above

    files = config or [DEFAULT]
    own = [Path(each) for each in agents_path(files, os.environ)]
    return load_settings(files, os.environ, find_agents(own), mode=mode)


def journal_of(config: list[Path] | None, mode: str, journal: Path | None) -> Path:
    """Return the journal's file: as said, else by the settings."""
    from leverd.adapters.sql_journal.database import file_of  # noqa: PLC0415 -- loads SQLAlchemy

    return journal or file_of(settings_of(config, mode).journal.path)


def check_not_paper(settings: Settings) -> None:
    """Check that the position is on a chain, where a command is about what is there.

    Raises:
        OwnerError: it is on paper.
    """
    if settings.mode == PAPER:
        raise OwnerError(
            "mode paper has neither account nor key: its position is in the journal alone",
            number=_ON_PAPER,
            place="mode",
            remedy="say --mode live or --mode fork; leverd status shows the paper position",
        )


def check_known(settings: Settings, position: str) -> None:
    """Check that `position` is one of the settings', or "" for all.

    Raises:
        OwnerError: it is not; the nearest one is named.
    """
    from leverd.settings.problems import nearest  # noqa: PLC0415 -- loads pydantic

    if position and position not in settings.positions:
        raise OwnerError(
            f"no position is called {position}",
            number=1,
            remedy=nearest(position, settings.positions),
        )


def one_position(settings: Settings, position: str) -> str:
    """Return `position`, or the only one there is where none is named.

    Raises:
        OwnerError: it is not one of the settings', or there are several to choose from.
    """
    check_known(settings, position)
    if position:
        return position
    if len(settings.positions) == 1:
        return next(iter(settings.positions))
    raise OwnerError("which position?", number=6, remedy=f"one of {', '.join(settings.positions)}")


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person, unless `yes` says so already.

    Raises:
        OwnerError: nobody is here to be asked, or the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise OwnerError("nobody is here to confirm", number=3, remedy="say --yes")
    if not typer.confirm(question):
        raise OwnerError("not confirmed; nothing was done", number=7)
