"""`leverd data download`: bars and funding from exchanges, the rest from a chain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from leverd.cli.data_fetched import fetched, now, snippet, span
from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import Json
from leverd.cli.typed import address
from leverd.errors import DataError

if TYPE_CHECKING:
    from leverd.settings import Settings

app = typer.Typer(
    help="Fetch the past; killed, the same command goes on where it was.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_BARS: Final = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400}
"""What ccxt calls bars, and their seconds."""

To: TypeAlias = Annotated[Path, typer.Argument(help="A new file, .csv or .parquet.")]
Exchange: TypeAlias = Annotated[str, typer.Option("--exchange", help="As ccxt calls it.")]
Symbol: TypeAlias = Annotated[
    str, typer.Option("--symbol", help="As ccxt writes it: ETH/USDT, ETH/USDT:USDT.")
]
Since: TypeAlias = Annotated[
    str, typer.Option("--since", help="From when on, with an offset: 2024-01-01T00:00:00Z.")
]
Until: TypeAlias = Annotated[str, typer.Option("--until", help="Up to when; now if not said.")]
Step: TypeAlias = Annotated[int, typer.Option("--step", min=1, help="Every how many blocks.")]


@app.command()
def bars(
    to: To,
    exchange: Exchange,
    symbol: Symbol,
    since: Since,
    until: Until = "",
    bar: Annotated[str, typer.Option("--bar", help="1m, 5m, 15m, 1h, 4h or 1d.")] = "1h",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Open, high, low and close of a market, from an exchange."""
    times = span(since, until)
    from leverd.backtest.download import exchange as venue  # noqa: PLC0415 -- loads numpy
    from leverd.backtest.history import codes  # noqa: PLC0415 -- as above

    if bar not in _BARS:
        known = f"one of {', '.join(_BARS)}"
        raise DataError(f"no bar is {bar}", number=codes.REQUEST, remedy=known)
    wanted, opened = venue.Wanted(symbol, *times), venue.open_exchange(exchange)

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return venue.download_bars(
            opened, wanted, bar, _BARS[bar], partial, now=now(), advance=advance
        )

    request = venue.bars_request(exchange, wanted, bar)
    base, _, quote = symbol.partition(":")[0].partition("/")
    said: dict[str, object] = {"kind": "bars", "venue": exchange, "asset": base, "unit": "usd"}
    source = snippet(to, {**said, "quote": quote or "USD"})
    fetched(to, request, fetch, {"price": source}, as_json=as_json)


@app.command()
def funding(
    to: To,
    exchange: Exchange,
    symbol: Symbol,
    since: Since,
    until: Until = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Funding rates of a perpetual, from an exchange."""
    times = span(since, until)
    from leverd.backtest.download import exchange as venue  # noqa: PLC0415 -- loads numpy

    wanted, opened = venue.Wanted(symbol, *times), venue.open_exchange(exchange)

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return venue.download_funding(opened, wanted, partial, now=now(), advance=advance)

    request = venue.funding_request(exchange, wanted)
    source = snippet(
        to,
        {
            "kind": "funding",
            "venue": exchange,
            "asset": symbol.partition("/")[0],
            "value": "rate",
            "interval_column": "interval_h",
        },
    )
    fetched(to, request, fetch, {"funding": source}, as_json=as_json, beside=venue.intervals)


def _from_chain(step: int) -> Callable[[Callable[..., dict[str, str]]], None]:
    """Return what makes a command that reads the chain, every `step` blocks if not said.

    The function under it has the command's own options, and returns what is to be read. All of
    them are given the same beside: file, times, step and settings.
    """

    def made(own: Callable[..., dict[str, str]]) -> None:
        def command(
            *,
            to: To,
            since: Since,
            until: Until = "",
            step: Step = step,
            config: Config = None,
            mode: Mode = "",
            as_json: Json = False,
            **chosen: str,
        ) -> None:
            times, what = span(since, until), own(**chosen)
            _fetch(own.__name__, to, what, times, step, settings_of(config, mode), as_json=as_json)

        _give(command, own)
        app.command(own.__name__, help=own.__doc__)(command)

    return made


def _give(command: Callable[..., None], own: Callable[..., dict[str, str]]) -> None:
    """Let `command` be asked for its own parameters, and for those of `own` after the first."""
    first, *others = signature(command, eval_str=True).parameters.values()
    named = [each for each in others if each.kind is not Parameter.VAR_KEYWORD]
    mine = [
        each.replace(kind=Parameter.KEYWORD_ONLY)
        for each in signature(own, eval_str=True).parameters.values()
    ]
    given = [first, *mine, *named]
    command.__signature__ = Signature(given)  # type: ignore[attr-defined]  # Typer asks for it
    command.__annotations__ = {each.name: each.annotation for each in given}


@_from_chain(step=300)
def reserve(
    token: Annotated[str, typer.Option("--token", help="A token of the settings.")],
    venue: Annotated[
        str, typer.Option("--venue", help="A lending venue of the settings.")
    ] = "aave",
) -> dict[str, str]:
    """Rates and indexes of an Aave reserve, from the chain of the settings."""
    return {"venue": venue, "token": token}


@_from_chain(step=100)
def oracle(
    feed: Annotated[str, typer.Option("--feed", help="A Chainlink feed's address.")],
    token: Annotated[str, typer.Option("--token", help="The asset that it prices in USD.")],
) -> dict[str, str]:
    """Answers of a Chainlink feed, from the chain of the settings."""
    return {"feed": address(feed, "--feed"), "token": token}


@_from_chain(step=300)
def lst(
    contract: Annotated[str, typer.Option("--contract", help="The staked token's address.")],
    token: Annotated[str, typer.Option("--token", help="What it is called, e.g. wstETH.")],
    getter: Annotated[str, typer.Option("--getter", help="What tells the rate.")] = (
        "stEthPerToken()"
    ),
) -> dict[str, str]:
    """What one staked token is worth, from the chain of the settings."""
    return {"contract": address(contract, "--contract"), "token": token, "getter": getter}


@_from_chain(step=25)
def gas() -> dict[str, str]:
    """Base fees, from the chain of the settings."""
    return {}


def _fetch(
    kind: str,
    to: Path,
    what: dict[str, str],
    times: tuple[int, int],
    step: int,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    from leverd.backtest.download import chain_errand  # noqa: PLC0415 -- loads web3

    plan = chain_errand.prepare(settings, kind, what, *times, step)

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return chain_errand.fetch(plan, partial, advance)

    sources = {name: snippet(to, said) for name, said in plan.sources.items()}
    fetched(to, plan.request, fetch, sources, as_json=as_json)
