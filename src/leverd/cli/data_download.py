"""`leverd data download`: bars and funding from exchanges, the rest from a chain."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from leverd.cli.data_fetched import fetched, now, snippet, span
from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import Json
from leverd.cli.typed import address
from leverd.errors import DataError

app = typer.Typer(
    help="Fetch the past; killed, the same command goes on where it was.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_REQUEST = 30

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

    lengths = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400}
    if bar not in lengths:
        raise DataError(f"no bar is {bar}", number=_REQUEST, remedy=f"one of {', '.join(lengths)}")
    wanted, opened = venue.Wanted(symbol, *times), venue.open_exchange(exchange)

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return venue.download_bars(
            opened, wanted, bar, lengths[bar], partial, now=now(), advance=advance
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


@app.command()
def reserve(
    to: To,
    token: Annotated[str, typer.Option("--token", help="A token of the settings.")],
    since: Since,
    until: Until = "",
    venue: Annotated[
        str, typer.Option("--venue", help="A lending venue of the settings.")
    ] = "aave",
    step: Step = 300,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Rates and indexes of an Aave reserve, from the chain of the settings."""
    what = {"venue": venue, "token": token}
    _from_chain("reserve", to, what, (since, until, step), config, mode, as_json=as_json)


@app.command()
def oracle(
    to: To,
    feed: Annotated[str, typer.Option("--feed", help="A Chainlink feed's address.")],
    token: Annotated[str, typer.Option("--token", help="The asset that it prices in USD.")],
    since: Since,
    until: Until = "",
    step: Step = 100,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Answers of a Chainlink feed, from the chain of the settings."""
    what = {"feed": address(feed, "--feed"), "token": token}
    _from_chain("oracle", to, what, (since, until, step), config, mode, as_json=as_json)


@app.command()
def lst(
    to: To,
    contract: Annotated[str, typer.Option("--contract", help="The staked token's address.")],
    token: Annotated[str, typer.Option("--token", help="What it is called, e.g. wstETH.")],
    since: Since,
    until: Until = "",
    getter: Annotated[str, typer.Option("--getter", help="What tells the rate.")] = (
        "stEthPerToken()"
    ),
    step: Step = 300,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """What one staked token is worth, from the chain of the settings."""
    what = {"contract": address(contract, "--contract"), "token": token, "getter": getter}
    _from_chain("lst", to, what, (since, until, step), config, mode, as_json=as_json)


@app.command()
def gas(
    to: To,
    since: Since,
    until: Until = "",
    step: Step = 25,
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- as above
) -> None:
    """Base fees, from the chain of the settings."""
    _from_chain("gas", to, {}, (since, until, step), config, mode, as_json=as_json)


def _from_chain(
    kind: str,
    to: Path,
    what: dict[str, str],
    times: tuple[str, str, int],
    config: list[Path] | None,
    mode: str,
    *,
    as_json: bool,
) -> None:
    since, until = span(times[0], times[1])
    from leverd.backtest.download import chain_errand  # noqa: PLC0415 -- loads web3

    settings = settings_of(config, mode)
    plan = chain_errand.prepare(settings, kind, what, since, until, times[2])

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return chain_errand.fetch(plan, partial, advance)

    sources = {name: snippet(to, said) for name, said in plan.sources.items()}
    fetched(to, plan.request, fetch, sources, as_json=as_json)
