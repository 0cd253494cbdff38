"""`leverd data download`: bars and funding from exchanges, the rest from a chain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from leverd.cli.given import Config, Mode, settings_of
from leverd.cli.output import Json, emit_json, progress, say
from leverd.cli.typed import address
from leverd.errors import DataError, OwnerError

if TYPE_CHECKING:
    from leverd.backtest.download.exchange import Wanted
    from leverd.backtest.download.partial import Request

app = typer.Typer(
    help="Fetch the past; killed, the same command goes on where it was.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_NO_MOMENT = 5
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
    from leverd.backtest.download import exchange as venue  # noqa: PLC0415 -- loads numpy

    lengths = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400}
    if bar not in lengths:
        raise DataError(f"no bar is {bar}", number=_REQUEST, remedy=f"one of {', '.join(lengths)}")
    wanted, opened = _wanted(symbol, since, until), venue.open_exchange(exchange)

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return venue.download_bars(
            opened, wanted, bar, lengths[bar], partial, now=_now(), advance=advance
        )

    request = venue.bars_request(exchange, wanted, bar)
    source = _snippet(
        to, {"kind": "bars", "venue": exchange, "asset": symbol.partition("/")[0], "unit": "usd"}
    )
    _fetched(to, request, fetch, {"price": source}, as_json=as_json)


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
    from leverd.backtest.download import exchange as venue  # noqa: PLC0415 -- loads numpy

    wanted, opened = _wanted(symbol, since, until), venue.open_exchange(exchange)

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return venue.download_funding(opened, wanted, partial, now=_now(), advance=advance)

    request = venue.funding_request(exchange, wanted)
    source = _snippet(
        to,
        {
            "kind": "funding",
            "venue": exchange,
            "asset": symbol.partition("/")[0],
            "value": "rate",
            "interval_column": "interval_h",
        },
    )
    _fetched(to, request, fetch, {"funding": source}, as_json=as_json, beside=venue.intervals)


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
    span: tuple[str, str, int],
    config: list[Path] | None,
    mode: str,
    *,
    as_json: bool,
) -> None:
    from leverd.backtest.download import chain_errand  # noqa: PLC0415 -- loads web3

    since, until = _span(span[0], span[1])
    settings = settings_of(config, mode)
    plan = chain_errand.prepare(settings, kind, what, since, until, span[2])

    def fetch(partial: Any, advance: Any) -> Awaitable[None]:
        return chain_errand.fetch(plan, partial, advance)

    sources = {name: _snippet(to, said) for name, said in plan.sources.items()}
    _fetched(to, plan.request, fetch, sources, as_json=as_json)


def _fetched(
    to: Path,
    request: Request,
    fetch: Callable[[Any, Any], Awaitable[None]],
    sources: dict[str, dict[str, object]],
    *,
    as_json: bool,
    beside: Callable[[list[int]], dict[str, list[int]]] | None = None,
) -> None:
    """Run `fetch`, finish the file, and tell how a description names it."""
    from leverd.backtest.download.partial import Partial  # noqa: PLC0415 -- loads numpy

    partial = Partial(to, request)
    resumed = partial.last is not None
    try:
        with progress(f"fetching {to.name}") as advance:
            asyncio.run(_awaited(fetch(partial, advance)))
        rows = partial.finish(beside)
    finally:
        partial.close()
    if as_json:
        emit_json({"file": str(to), "rows": rows, "resumed": resumed, "sources": sources})
        return
    import yaml  # noqa: PLC0415 -- not for --help

    say(f"{to}: {rows} rows{', begun by an earlier run' if resumed else ''}; to describe it:")
    say(yaml.safe_dump({"sources": sources}, sort_keys=False).rstrip())


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


def _snippet(to: Path, said: dict[str, object]) -> dict[str, object]:
    form = "timestamp" if to.suffix == ".parquet" else "unix_s"
    return {**said, "file": to.name, "time": "ts", "time_format": form}


def _wanted(symbol: str, since: str, until: str) -> Wanted:
    from leverd.backtest.download.exchange import Wanted  # noqa: PLC0415 -- loads numpy

    return Wanted(symbol, *_span(since, until))


def _now() -> int:
    from leverd.adapters.system_clock import SystemClock  # noqa: PLC0415 -- loads asyncio

    return int(SystemClock().now().timestamp())


def _span(since: str, until: str) -> tuple[int, int]:
    """Return both times of the command line; where no end is said, that of all times."""
    from leverd.backtest.history.times import LATEST  # noqa: PLC0415 -- loads numpy

    first, last = _moment(since), _moment(until) if until else LATEST
    if first >= last:
        raise OwnerError("--since is not before --until", number=_NO_MOMENT)
    return first, last


def _moment(text: str) -> int:
    """Return a time of the command line as unix seconds."""
    from leverd.backtest.history.times import Naive, iso_seconds  # noqa: PLC0415 -- loads numpy

    try:
        return iso_seconds(text)
    except Naive:
        said = "names no offset from UTC"
    except (ValueError, OverflowError):
        said = "is no time"
    raise OwnerError(f"{text!a} {said}", number=_NO_MOMENT, remedy="e.g. 2024-01-01T00:00:00Z")
