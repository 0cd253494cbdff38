"""`leverd data`: describe, check, show and download recorded history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from leverd.cli.data_download import app as download
from leverd.cli.data_fetched import need_numpy
from leverd.cli.new_file import write_new
from leverd.cli.output import Json, busy, emit_json, say

if TYPE_CHECKING:
    from leverd.backtest.history import Loaded

app = typer.Typer(
    help="Recorded history: describe, check, show and download it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(download, name="download")

Described: TypeAlias = Annotated[Path, typer.Argument(help="The description, a YAML file.")]


@app.command()
def check(
    file: Described,
    accept: Annotated[  # noqa: FBT002 -- Typer's way to declare a flag
        bool, typer.Option("--accept", help="Take changed files as they are now.")
    ] = False,
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Judge every row, and keep a manifest of the files; exit 2 names each problem's line."""
    loaded, manifest, stood = _loaded(file, verify=not accept)
    if stood != "agrees":
        from leverd.backtest.history import write_manifest  # noqa: PLC0415 -- loads numpy

        write_manifest(loaded.manifest, manifest)
        stood = "written"
    _tell(file, loaded, manifest, stood, as_json=as_json)


@app.command()
def show(file: Described, as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """What a history holds: span, bars, gaps, series, hashes. Writes nothing."""
    loaded, manifest, stood = _loaded(file, verify=True)
    _tell(file, loaded, manifest, stood, as_json=as_json)


@app.command()
def new(to: Annotated[Path, typer.Argument(help="A new file.")] = Path("history.yaml")) -> None:
    """Write a commented description to begin with."""
    need_numpy()
    from leverd.backtest.history import starter  # noqa: PLC0415 -- loads numpy

    write_new(to, starter())
    say(f"{to} is written; name your files in it, then: leverd data check {to}")


def _loaded(file: Path, *, verify: bool) -> tuple[Loaded, Path, str]:
    """Return what `file` describes, where its manifest is, and how that agrees."""
    need_numpy()
    from leverd.backtest.history import load_history, manifest_path  # noqa: PLC0415 -- numpy

    with busy("reading"):
        loaded = load_history(file, verify=verify)
    path = manifest_path(file)
    try:
        stood = "agrees" if path.read_text("utf-8") == loaded.manifest.text() else "differs"
    except (OSError, UnicodeDecodeError):
        stood = "none"
    return loaded, path, stood


def _tell(file: Path, loaded: Loaded, manifest: Path, stood: str, *, as_json: bool) -> None:
    from leverd.cli import data_tables  # noqa: PLC0415 -- loads numpy

    if as_json:
        emit_json(data_tables.as_data(file, loaded, manifest, stood))
    else:
        data_tables.tell(file, loaded, manifest, stood)
