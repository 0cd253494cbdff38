"""`leverd db sample`: a folder with a journal to look at, and the settings that lead to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from leverd.cli.given import settings_of
from leverd.cli.new_file import write_new
from leverd.cli.output import Json, busy, emit_json, say
from leverd.errors import OwnerError

_THERE: Final = 20
SETTINGS: Final = "settings.yaml"


def sample(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Make sample data to look at: six weeks that never were, lived through by the real agents."""
    with busy("living through six weeks"):
        entries = write_sample(folder)
    file = folder / SETTINGS
    if as_json:
        emit_json({"settings": str(file), "entries": entries})
        return
    say(f"{folder}: sample data, {entries} entries of a past that never was")
    say(f"  the page: leverd api -c {file} --link read")
    say(f"  or: leverd status -c {file}, leverd history -c {file}, leverd report -c {file}")


def write_sample(folder: Path) -> int:
    """Make `folder` with a sample's settings and journal; return how many entries it has.

    Raises:
        OwnerError: something is there already, or numpy is not installed.
    """
    from leverd.cli.data_fetched import need_numpy  # noqa: PLC0415 -- loads asyncio

    need_numpy()
    from importlib import metadata  # noqa: PLC0415 -- only where it is asked for

    from leverd.adapters.sql_journal.filling import write_journal  # noqa: PLC0415 -- SQLAlchemy
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- as above
    from leverd.backtest import sample as made_up  # noqa: PLC0415 -- loads numpy

    if folder.exists() or folder.is_symlink():
        raise OwnerError(
            "something is there already", number=_THERE, place=str(folder), remedy="name a new one"
        )
    write_new(folder / SETTINGS, made_up.settings_text(folder))
    settings, version = settings_of([folder / SETTINGS]), metadata.version("leverd")
    binding, entries = made_up.sample(settings, version, SystemClock().now())
    return write_journal(folder / "journal.db", binding, entries).entries
