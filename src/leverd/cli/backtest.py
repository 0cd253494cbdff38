"""`leverd backtest`: the settings' positions through the past, with the live agents and gate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias

import typer

from leverd.cli.data_fetched import need_numpy
from leverd.cli.given import Config, check_known, settings_of
from leverd.cli.lookahead import FOUND, check_lookahead
from leverd.cli.output import Json, busy, emit_json, say, show
from leverd.errors import OwnerError

if TYPE_CHECKING:
    from leverd.backtest.replay.running import Ran
    from leverd.backtest.replay.setting import Past
    from leverd.settings import Settings

_NO_FOLDER: Final = 101
_WARNINGS: Final = 3
"""How many of them are said one by one."""

HistoryFile: TypeAlias = Annotated[
    str, typer.Option("--history", help="synthetic, or a description; over the file's.")
]


def command(
    config: Config = None,
    position: Annotated[str, typer.Option("-p", "--position", help="Only this position.")] = "",
    timerange: Annotated[
        str, typer.Option("--timerange", help="Days of the past, as 20240101-20240601.")
    ] = "",
    history: HistoryFile = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for a page of each position.")
    ] = None,
    png: Annotated[  # noqa: FBT002 -- Typer's way to declare a flag
        bool, typer.Option("--png", help="A picture beside each report.")
    ] = False,
    every_point: Annotated[  # noqa: FBT002 -- as above
        bool, typer.Option("--every-point", help="Look at every point; the same result, slower.")
    ] = False,
    lookahead: Annotated[
        int,
        typer.Option(
            "--lookahead",
            min=0,
            max=1_000,
            help="Instead: at so many moments, see whether another future changes the past.",
        ),
    ] = 0,
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Replay the past: what the agents would have done, what it cost, what was left."""
    _check_folder(out)
    need_numpy()
    from leverd.backtest.replay.running import run  # noqa: PLC0415 -- loads numpy
    from leverd.backtest.replay.setting import past_of  # noqa: PLC0415 -- as above
    from leverd.backtest.replay.timerange import part_of  # noqa: PLC0415 -- as above

    settings = with_history(settings_of(config), history)
    check_known(settings, position)
    with busy("reading the past"):
        past = past_of(settings)
        part = part_of(past.history, timerange)
    warn(past)
    names = [position] if position else list(settings.positions)
    if lookahead:
        told = check_lookahead(settings, names, part, lookahead, as_json=as_json)
        raise typer.Exit(0 if told else FOUND)
    found = {}
    for name in names:
        with busy(f"replaying {name}"):
            found[name] = run(settings, name, part, every_point=every_point)
    files = {name: _written(out, name, each, png=png) for name, each in found.items() if out}
    if as_json:
        emit_json({name: _facts(each) for name, each in found.items()})
        return
    for name, each in found.items():
        _tell(each)
        for file in files.get(name, ()):
            say(f"{file} is written")
    if out is None:
        say("as a page with plots: leverd backtest --out reports")


def _check_folder(out: Path | None) -> None:
    """Check that `out` may be a folder: of several positions each has a page of its own.

    Raises:
        OwnerError: it may not; nothing was replayed in vain.
    """
    if out is None:
        return
    stands = next(each for each in (out, *out.absolute().parents) if _is_there(each))
    if stands.is_dir() and not os.access(stands, os.W_OK | os.X_OK):
        _unwritable(out, f"{stands} cannot be written")
    if out.is_dir():
        return
    if not stands.is_dir() and stands != out:
        _unwritable(out, f"{stands} is a file")
    if out.suffix.lower() in {".html", ".htm"} or out.exists():
        raise OwnerError(
            "a backtest writes a page for each position, into a folder",
            number=_NO_FOLDER,
            place=f"--out {out}",
            remedy=f"--out {out.with_suffix('') if out.suffix else f'{out}-reports'}",
        )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that is closed to us
        return False


def _unwritable(out: Path, why: str) -> NoReturn:
    raise OwnerError(
        f"no page can be written there: {why}",
        number=_NO_FOLDER,
        place=f"--out {out}",
        remedy="name a folder that can be written",
    )


def warn(past: Past) -> None:
    """Say on stderr what is to be known of a recorded past: holes, outliers."""
    for text in past.warnings[:_WARNINGS]:
        typer.echo(text, err=True)
    if len(past.warnings) > _WARNINGS:
        more = len(past.warnings) - _WARNINGS
        typer.echo(f"and {more} more warnings: leverd data check names them", err=True)


def with_history(settings: Settings, history: str) -> Settings:
    """Return the settings with that history, if one is said."""
    if not history:
        return settings
    section = settings.backtest.model_copy(update={"history": history})
    return settings.model_copy(update={"backtest": section})


def _written(out: Path, name: str, ran: Ran, *, png: bool) -> list[Path]:
    from leverd.backtest.report import write_page, write_picture  # noqa: PLC0415 -- loads Plotly

    files = [out / f"{name}.html"]
    with busy("writing the report"):
        write_page(ran.record, files[0])
        if png:
            files.append(out / f"{name}.png")
            write_picture(ran.record, files[1])
    return files


def _facts(ran: Ran) -> dict[str, object]:
    from leverd.backtest.report import facts_of  # noqa: PLC0415 -- loads numpy

    replayed = ran.replayed
    return {
        **facts_of(ran.record),
        "points": len(replayed.world.points),
        "looks": replayed.looks,
        "lowest_health_wad": replayed.lowest_health,
        "lowest_health_at": replayed.lowest_at,
        "liquidations": replayed.liquidations,
        "gas_wei": replayed.gas,
        "predictions_added": None if ran.added is None else ran.added.data(),
    }


def _tell(ran: Ran) -> None:
    from leverd.backtest.report import summary_of  # noqa: PLC0415 -- loads numpy
    from leverd.domain.plan_events import PlanCompleted  # noqa: PLC0415 -- as above

    show(summary_of(ran.record))
    replayed = ran.replayed
    points, looks = len(replayed.world.points), replayed.looks
    if ran.added is not None:
        say(f"what predictions added: {ran.added.verdict}")
    say(f"{points} points gone through, {looks} looked at; the others had nothing to say")
    if not any(isinstance(each.event, PlanCompleted) for each in replayed.entries):
        said = "no plan was carried out: the agents wanted none, or none fitted the limits, the"
        say(f"{said} costs that are borne and the market as it is assumed above")
