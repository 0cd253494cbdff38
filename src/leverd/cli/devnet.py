"""`leverd devnet up|down|reset|status`: a local chain with real markets, to try everything on."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from leverd.cli.output import Json, emit_json, pairs, progress, say
from leverd.cli.typed import above_zero

if TYPE_CHECKING:
    from leverd.devnet.devnet import Conduct
    from leverd.devnet.recipe import Recipe

app = typer.Typer(
    help="A local chain with real markets, to try everything on.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
_USUAL_SPEED: Final = 60.0

Folder: TypeAlias = Annotated[Path, typer.Option("--dir", help="Where the devnet lives.")]
_FOLDER: Final = Path("var/devnet")
# What the devnet is made of: counts only for a new one, and must not differ from a saved one.
Seed: TypeAlias = Annotated[int | None, typer.Option(help="Tells a market from another. [new: 1]")]
PathOption: TypeAlias = Annotated[
    str | None, typer.Option("--path", help="synthetic, or a CSV or parquet file. [new: synthetic]")
]
TimeColumn: TypeAlias = Annotated[str | None, typer.Option(help="The file's time. [new: ts]")]
PriceColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="The file's dollars per ether, or: bar. [new: close]")
]
Where: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="Only rows with COLUMN=VALUE; repeatable.")
]
Since: TypeAlias = Annotated[str | None, typer.Option(help="Only rows from this UTC time on.")]
Until: TypeAlias = Annotated[str | None, typer.Option(help="Only rows up to this UTC time.")]
Price: TypeAlias = Annotated[
    str | None, typer.Option(help="Dollars per ether a synthetic path starts at. [new: 3000]")
]
Calm: TypeAlias = Annotated[
    float | None, typer.Option("--calm-hours", help="Before a synthetic crash. [new: 3]")
]
# How it runs today.
Speed: TypeAlias = Annotated[float, typer.Option(help="Chain seconds a wall second.", min=0.01)]
Port: TypeAlias = Annotated[int, typer.Option(help="Where it answers; 0: any free port.")]
BlockTime: TypeAlias = Annotated[int, typer.Option("--block", help="Seconds a block.", min=1)]
Lag: TypeAlias = Annotated[int, typer.Option(help="Seconds the oracle is late.", min=0)]
Deviation: TypeAlias = Annotated[
    int, typer.Option(help="Basis points that make the oracle speak.", min=1)
]
Heartbeat: TypeAlias = Annotated[
    int, typer.Option(help="Seconds after which the oracle speaks anyway.", min=1)
]
DelayChance: TypeAlias = Annotated[
    float, typer.Option(help="How often a block leaves a transaction out.", min=0, max=1)
]
Detach: TypeAlias = Annotated[
    bool, typer.Option("--detach", help="Let it run on by itself once it answers.")
]


@app.command()
def up(
    folder: Folder = _FOLDER,
    seed: Seed = None,
    path: PathOption = None,
    time_column: TimeColumn = None,
    price_column: PriceColumn = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    price: Price = None,
    calm_hours: Calm = None,
    speed: Speed = _USUAL_SPEED,
    port: Port = 0,
    block: BlockTime = 12,
    oracle_lag: Lag = 12,
    oracle_deviation: Deviation = 50,
    oracle_heartbeat: Heartbeat = 3600,
    delay_chance: DelayChance = 0.1,
    detach: Detach = False,  # noqa: FBT002 -- Typer
    as_json: Json = False,  # noqa: FBT002 -- Typer
) -> None:
    """Start the devnet, or go on with a saved one; says so if it already runs."""
    from leverd.devnet import control  # noqa: PLC0415 -- loads what --help does not need
    from leverd.devnet.directory import Directory  # noqa: PLC0415 -- as above
    from leverd.devnet.service import Service  # noqa: PLC0415 -- as above

    found = control.running(Directory(folder))
    if found is None and detach:
        with progress("starting the devnet") if sys.stderr.isatty() else nullcontext():
            control.ensure_running(folder, _again(sys.argv))
    if found or detach:
        _show(folder, as_json=as_json, already=found is not None)
        return
    recipe = _recipe(
        seed=seed, path=path, price=price, calm_hours=calm_hours,
        columns={"time": time_column, "price": price_column, "where": _wheres(where),
                 "since": _moment(since), "until": _moment(until)},
    )  # fmt: skip
    conduct = _conduct(
        block=block, lag=oracle_lag, deviation=oracle_deviation, heartbeat=oracle_heartbeat,
        delay_chance=delay_chance, port=port,
    )  # fmt: skip
    Service(Directory(folder), recipe, conduct, speed).run(_say_now)


@app.command()
def down(folder: Folder = _FOLDER) -> None:
    """Save the devnet and end it; `up` goes on from there."""
    from leverd.devnet import control  # noqa: PLC0415 -- as above
    from leverd.devnet.directory import Directory  # noqa: PLC0415 -- as above

    if not control.end(folder):
        say(f"no devnet runs in {folder}")
    elif Directory(folder).endpoint():  # left there by one that could not save
        say(f"stopped, but not saved: see {Directory(folder).log}; `up` goes on from the last save")
    else:
        say("stopped; saved")


@app.command()
def reset(folder: Folder = _FOLDER) -> None:
    """End the devnet and forget its chain; the next `up` begins another."""
    from leverd.devnet import control  # noqa: PLC0415 -- as above

    ran = control.reset(folder)
    say(f"{'stopped, and ' if ran else ''}forgotten; `leverd devnet up` begins another chain")


@app.command()
def status(folder: Folder = _FOLDER, as_json: Json = False) -> None:  # noqa: FBT002 -- Typer
    """Where the devnet answers, and how far it is; exit 3 if none runs."""
    told = _show(folder, as_json=as_json)
    if not told["running"]:
        raise typer.Exit(3)


def _show(folder: Path, *, as_json: bool, already: bool | None = None) -> dict[str, Any]:
    from leverd.devnet.directory import Directory  # noqa: PLC0415 -- as above
    from leverd.devnet.service import describe  # noqa: PLC0415 -- as above

    told = describe(Directory(folder))
    if as_json:
        emit_json(told)
    elif told["running"]:
        say("the devnet already runs" if already else "the devnet runs")
        last = told.get("last") or {}
        pairs(
            {
                "answers at": told["url"],
                "process": str(told["pid"]),
                "speed": f"{told['speed']:g} chain seconds a second",
                "block": str(told["block"]),
                "chain time": datetime.fromtimestamp(told["at"], UTC).isoformat(),
                "market": f"{last.get('market_usd', '-')} USD per ETH",
                "oracle": f"{last.get('oracle_usd', '-')} USD per ETH",
                "base fee": f"{last.get('base_fee_gwei', '-')} gwei",
                "path": "over: the price stands still" if told["path_over"] else "under way",
            }
        )
    elif told["state"] == "killed":
        say(f"no devnet runs in {folder}; the last one was killed, `up` goes on from its last save")
    else:
        say(f"no devnet runs in {folder}")
    return told


def _recipe(
    *, columns: dict[str, Any], seed: int | None, path: str | None, price: str | None,
    calm_hours: float | None,
) -> Recipe | None:  # fmt: skip
    """Return the recipe that was asked for, None if no word of one was said."""
    from leverd.devnet.path import UNIT  # noqa: PLC0415 -- as above
    from leverd.devnet.recipe import SYNTHETIC, Recipe  # noqa: PLC0415 -- as above
    from leverd.devnet.recorded import Columns  # noqa: PLC0415 -- as above

    said_columns = {name: value for name, value in columns.items() if value is not None}
    said: dict[str, Any] = {
        "seed": seed,
        "path": str(Path(path).resolve()) if path and path != SYNTHETIC else path,
        "price": int(above_zero(price, "--price") * UNIT) if price else None,
        "calm_s": int(calm_hours * 3600) if calm_hours is not None else None,
        "columns": Columns(**said_columns) if said_columns else None,
    }
    said = {name: value for name, value in said.items() if value is not None}
    return Recipe(**said) if said else None


def _conduct(
    *, block: int, lag: int, deviation: int, heartbeat: int, delay_chance: float, port: int
) -> Conduct:
    from leverd.devnet.devnet import Conduct  # noqa: PLC0415 -- as above
    from leverd.devnet.driver import Habits  # noqa: PLC0415 -- as above
    from leverd.devnet.feeds import OracleRule  # noqa: PLC0415 -- as above

    rule = OracleRule(deviation_bp=deviation, heartbeat_s=heartbeat, lag_s=lag)
    return Conduct(Habits(block_s=block, oracle=rule), delay_chance=delay_chance, port=port)


def _wheres(where: list[str] | None) -> dict[str, str] | None:
    if not where:
        return None
    wanted = [each.partition("=") for each in where]
    if any(not sign for _, sign, _ in wanted):
        raise typer.BadParameter("is COLUMN=VALUE", param_hint="--where")
    return {column: value for column, _, value in wanted}


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no time, e.g. 2020-03-11") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _again(arguments: list[str]) -> list[str]:
    """Return what follows `up` on the command line, without what only the first process heeds."""
    after = arguments[arguments.index("up") + 1 :]
    kept: list[str] = []
    skip = False
    for word in after:
        if skip:
            skip = False
        elif word == "--dir":
            skip = True
        elif word not in {"--detach", "--json"} and not word.startswith("--dir="):
            kept.append(word)
    return kept


def _say_now(text: str) -> None:
    say(text)
    sys.stdout.flush()  # a log file is looked into while it grows
