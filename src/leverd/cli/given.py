"""What most commands are given: settings files, and the journal they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.settings import Settings

DEFAULT: Final = Path("config/settings.yaml")

Config: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "-c", "--config", help=f"Settings file; repeatable, later wins. [default: {DEFAULT}]"
    ),
]
Mode: TypeAlias = Annotated[str, typer.Option("--mode", help="devnet or live, over the file's.")]
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
