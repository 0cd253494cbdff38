"""`leverd predict`: train models, score them on what they have not seen, show what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from leverd.cli.output import Json, emit_json, pairs, progress, say, table

if TYPE_CHECKING:
    from leverd.cli.predict_run import Asked

app = typer.Typer(
    help="Models that predict: train, score and show them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Past: TypeAlias = Annotated[str, typer.Argument(help="A description of recorded history, YAML.")]
Prices: TypeAlias = Annotated[str, typer.Option("--bars", help='Whose prices: "VENUE ASSET".')]
Rates: TypeAlias = Annotated[str, typer.Option("--rates", help='Lending rates: "VENUE ASSET".')]
Gas: TypeAlias = Annotated[str, typer.Option("--gas", help="Base fees of this chain.")]
Funding: TypeAlias = Annotated[str, typer.Option("--funding", help='"VENUE ASSET".')]
Folder: TypeAlias = Annotated[Path, typer.Argument(help="A model's folder.")]


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="The model's folder.")],
    history: Past = "synthetic",
    bars: Prices = "synthetic ETH",
    rates: Rates = "",
    gas: Gas = "",
    funding: Funding = "",
    subject: Annotated[str, typer.Option(help="The token's symbol in the settings.")] = "WETH",
    quantity: Annotated[
        str, typer.Option(help="volatility, direction, borrow_rate or funding.")
    ] = "volatility",
    horizon: Annotated[int, typer.Option(min=1, max=720, help="Hours ahead.")] = 24,
    learn: Annotated[int, typer.Option(min=30, help="Days it is fitted to, at most.")] = 730,
    step: Annotated[int, typer.Option(min=1, help="Days until it is fitted anew.")] = 30,
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Fit a model and judge it by walking forward; one without skill may do nothing."""
    from leverd.cli import predict_run  # noqa: PLC0415 -- loads NumPy

    predict_run.need_models()
    asked = _asked(history, (bars, rates, gas, funding), subject, (quantity, horizon, learn, step))
    with progress("reading the past") as advance:
        samples = predict_run.samples(asked, advance)
    with progress("walking forward") as advance:
        trained = predict_run.trained(asked, samples, out, advance)
    if as_json:
        emit_json(predict_run.as_data(trained))
        return
    _tell(predict_run.as_data(trained))
    say(f"{out} is written")


@app.command()
def score(
    model: Folder,
    history: Past = "synthetic",
    bars: Prices = "synthetic ETH",
    rates: Rates = "",
    gas: Gas = "",
    funding: Funding = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Score a stored model on what came after all it was made from."""
    from leverd.cli import predict_run  # noqa: PLC0415 -- as above

    predict_run.need_models()
    with progress("reading the past") as advance:
        found = predict_run.scored(model, history, (bars, rates, gas, funding), advance)
    if as_json:
        emit_json(found)
        return
    _tell(found)


@app.command()
def show(model: Folder, as_json: Json = False) -> None:  # noqa: FBT002 -- as above
    """What a stored model is for, what it was made from, and how good it was."""
    from leverd.cli import predict_run  # noqa: PLC0415 -- as above

    predict_run.need_models()
    found = predict_run.as_data(predict_run.shown(model))
    if as_json:
        emit_json(found)
        return
    _tell(found)


def _asked(
    history: str,
    sources: tuple[str, str, str, str],
    subject: str,
    how: tuple[str, int, int, int],
) -> Asked:
    from leverd.cli import predict_run  # noqa: PLC0415 -- as above

    quantity, horizon, learn, step = how
    return predict_run.Asked(
        history,
        predict_run.sources_of(*sources),
        subject,
        predict_run.quantity_of(quantity),
        horizon * 3_600,
        learn * 86_400,
        step * 86_400,
    )


def _tell(found: dict[str, object]) -> None:
    scores = found["scores"]
    assert isinstance(scores, dict), "the scores are a mapping"
    pairs({name: str(value) for name, value in found.items() if name != "scores"})
    table(
        ("forecast", "mean loss"),
        [
            ("the model", f"{scores['loss']:.6f}"),
            *((name, f"{value:.6f}") for name, value in scores["baselines"].items()),
        ],
        title=f"{scores['scored']} forecasts out of sample that do not overlap",
    )
    say(
        f"skill {scores['skill']:+.4f} over {scores['best']}, {scores['t']:+.2f} standard errors: "
        f"{'earned' if scores['earned'] else 'may be luck, so it may do nothing'}"
    )
    say(f"{scores['coverage']:.1%} of outcomes fell inside its intervals")
    for said, inside in scores["calibration"].items():
        say(f"  of {said} intervals: {inside:.1%}")
