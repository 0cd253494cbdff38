"""The YAML that says which file and which columns are which part of the past."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from leverd.backtest.history import codes
from leverd.backtest.history.keys import NAME, SIDES, BarsKey, Kind, SeriesKey, Side
from leverd.errors import DataError
from leverd.settings.checking import check
from leverd.settings.problems import MalformedError
from leverd.settings.source import read_files
from leverd.settings.types import Model, Text, Whole

_SPAN: Final = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DAY_S: Final = 86_400
_DATA_SUFFIXES: Final = frozenset({".csv", ".parquet"})


def _span(value: Any) -> Any:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a span is needed, such as 15m, 1h or 7d")
    return int(found[1]) * _SECONDS[found[2]]


def _bar(seconds: int) -> int:
    if _DAY_S % seconds:
        raise ValueError("a bar is a whole part of a day, such as 1m, 15m, 1h or 1d")
    return seconds


def _name(text: str) -> str:
    if NAME.fullmatch(text) is None:
        raise ValueError("a name of letters, digits and . _ : / + - is needed")
    return text


def _moment(value: Any) -> Any:
    from leverd.backtest.history.times import Naive, iso_seconds  # noqa: PLC0415 -- needs numpy

    try:
        return iso_seconds(value if isinstance(value, str) else "")
    except Naive:
        raise ValueError("a time needs its offset, such as 2024-01-01T00:00:00Z") from None
    except ValueError:
        raise ValueError("a time is needed, such as 2024-01-01T00:00:00Z") from None


Span: TypeAlias = Annotated[int, BeforeValidator(_span, json_schema_input_type=str)]
"""Seconds, written as 15m, 1h or 7d."""
Bar: TypeAlias = Annotated[Span, AfterValidator(_bar)]
Moment: TypeAlias = Annotated[int, BeforeValidator(_moment, json_schema_input_type=str)]
"""Unix seconds, written as ISO 8601 with an offset."""
Name: TypeAlias = Annotated[Text, AfterValidator(_name)]
TimeFormat: TypeAlias = Literal["timestamp", "unix_s", "unix_ms", "iso"]
"""How a file writes its times; `timestamp` is parquet's own type, which must name UTC."""


class Source(Model):
    """What every source says."""

    file: Text  # beside the description, or absolute
    venue: Name
    time: Text = "ts"  # the column of times
    time_format: TimeFormat = "timestamp"
    where: dict[str, Text] = Field(default_factory=dict)  # rows to keep: column: value
    outliers: Literal["warn", "refuse"] = "warn"


class BarsSource(Source):
    """Prices of an asset; each row is a bar and carries the time it opened."""

    kind: Literal["bars"]
    asset: Name
    open: Text = "open"
    high: Text = "high"
    low: Text = "low"
    close: Text = "close"
    unit: Literal["usd", "e8"] = "usd"
    quote: Name = "USD"  # what the prices are really in; it is taken as USD
    fill: Literal["refuse", "hold", "drop"] = "refuse"  # what is done where bars are missing

    @property
    def key(self) -> BarsKey:
        """Whose bars."""
        return BarsKey(self.venue, self.asset)

    @property
    def prices(self) -> tuple[str, str, str, str]:
        """The columns of open, high, low and close."""
        return self.open, self.high, self.low, self.close

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.time, *self.prices)


class SeriesSource(Source):
    """Values that hold until the next row."""

    value: Text  # the column
    gap_max: Span | None = None  # a value held longer is a gap
    fill: Literal["refuse", "hold"] = "refuse"  # what is done about such a gap

    @property
    def beside(self) -> tuple[str, ...]:
        """The columns that are read beside the value."""
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.time, self.value, *self.beside)


class AssetSource(SeriesSource):
    """Values that are of an asset."""

    asset: Name


class LendingSource(AssetSource):
    """Values of one side of a lending market."""

    side: Literal["supply", "borrow"]


class RateSource(LendingSource):
    """What a lending market pays or takes a year, as last set."""

    kind: Literal["rate"]
    unit: Literal["fraction", "percent", "ray"] = "fraction"


class IndexSource(LendingSource):
    """What one unit supplied or borrowed at the start has grown to."""

    kind: Literal["index"]
    unit: Literal["one", "ray"] = "ray"


class LstRateSource(AssetSource):
    """What one staked token is worth in its own asset."""

    kind: Literal["lst_rate"]
    unit: Literal["one", "wad"] = "wad"


class FundingSource(AssetSource):
    """What a perpetual's longs pay its shorts each interval, settled at the row's time."""

    kind: Literal["funding"]
    unit: Literal["fraction", "percent"] = "fraction"
    interval_h: Annotated[Whole, Field(ge=1, le=168)] | None = None  # hours each rate is for
    interval_column: Text | None = None  # or the column that says so

    @property
    def beside(self) -> tuple[str, ...]:
        """The column of intervals, if there is one."""
        return (self.interval_column,) if self.interval_column is not None else ()

    @model_validator(mode="after")
    def _one_interval(self) -> FundingSource:
        if (self.interval_h is None) == (self.interval_column is None):
            raise ValueError("say interval_h or interval_column, one of them")
        return self


class GasSource(SeriesSource):
    """What a chain asks for gas; the venue is the chain."""

    kind: Literal["gas"]
    side: Literal["base_fee", "tip"]
    unit: Literal["wei", "gwei"] = "wei"


class OracleSource(AssetSource):
    """A lending oracle's answers; `updated_at` is when each was given, if not at the row's time."""

    kind: Literal["oracle"]
    unit: Literal["usd", "e8"] = "e8"
    updated_at: Text | None = None  # the column, in the format of `time`

    @property
    def beside(self) -> tuple[str, ...]:
        """The column of when each answer was given, if there is one."""
        return (self.updated_at,) if self.updated_at is not None else ()


AnySeries: TypeAlias = (
    RateSource | IndexSource | LstRateSource | FundingSource | GasSource | OracleSource
)
AnySource: TypeAlias = Annotated[BarsSource | AnySeries, Field(discriminator="kind")]


class Description(Model):
    """The whole file."""

    bar: Bar  # how long a bar is
    since: Moment | None = None  # rows before are left out
    until: Moment | None = None  # rows from here on are left out
    sources: dict[str, AnySource] = Field(min_length=1)


def key_of(source: AnySeries) -> SeriesKey:
    """Return whose values `source` tells."""
    kind = Kind(source.kind)
    side = Side(getattr(source, "side", ""))
    assert side in SIDES[kind], "the form check offers no other"
    return SeriesKey(kind, source.venue, getattr(source, "asset", ""), side)


def read_description(file: Path) -> Description:
    """Return what `file` says.

    Raises:
        DataError: it is not there, or is itself the data.
        MalformedError: it is no description; every problem with its line.
    """
    if file.suffix in _DATA_SUFFIXES:
        raise DataError(
            "this is a file of data; a description names it and its columns",
            number=codes.FOREIGN,
            place=str(file),
            remedy="begin one with leverd data new, and name it instead",
        )
    if not file.is_file():
        raise DataError(
            "no description is there",
            number=codes.NO_FILE,
            place=str(file),
            remedy="name another file, or begin one with leverd data new",
        )
    tree = read_files([file])
    if not tree.values and tree.problems:
        raise MalformedError(tree.problems, str(file))
    checked = check(Description, tree)
    problems = [*tree.problems, *(checked if isinstance(checked, list) else ())]
    if problems or isinstance(checked, list):
        problems.sort(key=lambda each: each.place)
        raise MalformedError(problems, str(file))
    return checked
