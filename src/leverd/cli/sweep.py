"""`leverd sweep`: many configurations over recorded history, and whether the best is luck."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leverd.backtest.sweep.choices import Against, By, Kind, Objective, Place
from leverd.cli.data_fetched import need_numpy
from leverd.cli.output import Json, emit_json, progress


def command(
    history: Annotated[str, typer.Argument(help="synthetic, or a description, YAML.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="NAME=2.5 or =2,3 or =1.5:3.5:0.25 or =log:0.001:0.1:5."),
    ] = None,
    params: Annotated[Path | None, typer.Option(help="Parameters as YAML; --param wins.")] = None,
    bars: Annotated[str, typer.Option(help='The collateral\'s bars: "VENUE ASSET".')] = "",
    debt_bars: Annotated[str, typer.Option(help="The debt's bars; else it is one USD.")] = "",
    supply: Annotated[str, typer.Option(help='What earns: "VENUE ASSET"; else nothing.')] = "",
    borrow: Annotated[str, typer.Option(help='What is paid: "VENUE ASSET"; else nothing.')] = "",
    amount: Annotated[str, typer.Option(help="Collateral put in, whole tokens.")] = "10",
    decimals: Annotated[str, typer.Option(help="Of collateral:debt.")] = "18:6",
    bonus: Annotated[str, typer.Option(help="A liquidator's, fraction of the debt.")] = "0.05",
    period: Annotated[str, typer.Option(help="Between two returns, e.g. 1h or 1d.")] = "1d",
    search: Annotated[Kind, typer.Option(help="How configurations are chosen.")] = Kind.GRID,
    trials: Annotated[int, typer.Option(min=1, help="Of random and optuna.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn.")] = 1,
    objective: Annotated[Objective, typer.Option(help="What is best.")] = Objective.SHARPE,
    against: Annotated[Against, typer.Option(help="What returns are above.")] = Against.CASH,
    top: Annotated[int, typer.Option(min=1, max=1_000, help="How many are told.")] = 10,
    sample: Annotated[int, typer.Option(min=1, help="How many are run exactly as well.")] = 4,
    exact: Annotated[By, typer.Option(help="By whom: the agents, or integers.")] = By.AGENTS,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes of ours.")] = 1,
    engine: Annotated[Place, typer.Option(help="Processes here, or Ray.")] = Place.LOCAL,
    address: Annotated[str, typer.Option(help="Of a Ray cluster; else one is begun here.")] = "",
    out: Annotated[Path | None, typer.Option(help="A folder; a killed run goes on there.")] = None,
    walk_forward: Annotated[str, typer.Option(help="TRAIN:TEST, e.g. 180d:30d.")] = "",
    anchored: Annotated[  # noqa: FBT002 -- Typer's way to declare a flag
        bool, typer.Option("--anchored", help="Every window begins with the history.")
    ] = False,
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Run many configurations of loop and guardian over a recorded history."""
    need_numpy()
    from leverd.cli import sweep_run, sweep_said, sweep_tables  # noqa: PLC0415 -- loads numpy

    sweep_said.check_used(address, engine, walk_forward, anchored=anchored)
    asked = sweep_said.Asked(
        history=history,
        parameters=sweep_said.parameters(param or [], params),
        chosen=(bars, debt_bars, supply, borrow),
        amounts=(amount, decimals, bonus, period),
        search=search,
        trials=trials,
        seed=seed,
        objective=objective,
        hold=against is Against.HOLD,
        top=top,
        sample=sample,
        exact=exact,
        workers=workers,
        ray=address if engine is Place.RAY else None,
        out=out,
        walk_forward=walk_forward,
        anchored=anchored,
    )
    try:
        with progress("sweeping") as advance:
            told = sweep_run.run(asked, advance)
    except KeyboardInterrupt:
        if out is not None:
            said = f"stopped; what is done is kept in {out}, and the same command goes on there"
            typer.echo(said, err=True)
        raise
    if as_json:
        emit_json(sweep_tables.as_data(told))
    else:
        sweep_tables.tell(told)
