"""Real recorded data: what is really missing is found, and what is there is taken exactly."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from pyarrow import compute, parquet

from leverd.backtest.history import (
    BarsKey,
    Kind,
    MalformedDataError,
    SeriesKey,
    Side,
    codes,
    load_history,
)

pytestmark = pytest.mark.data
RESERVE = {"file": "aave_reserve_1d.parquet", "venue": "aave", "asset": "WETH"}


@pytest.fixture
def folder():
    named = os.environ.get("LEVERD_DATA", "")
    if not (Path(named) / "spot_1h.parquet").is_file():
        pytest.skip("LEVERD_DATA names no recorded market data")
    return Path(named)


def described(tmp_path, folder, since="2017-01-01", **sources):
    for source in sources.values():
        source["file"] = str(folder / source["file"])
    file = tmp_path / "history.yaml"
    file.write_text(
        yaml.safe_dump({"bar": "1h", "since": f"{since}T00:00:00Z", "sources": sources})
    )
    return file


def spot(symbol, **said):
    where = {"symbol": f"{symbol}USDT", "venue": "binance"}
    base = {"kind": "bars", "venue": "binance", "asset": symbol, "file": "spot_1h.parquet"}
    return {**base, "where": where, **said}


def reserve(kind, value, unit, **said):
    return {
        **RESERVE,
        "kind": kind,
        "value": value,
        "unit": unit,
        "where": {"reserve": "WETH"},
        **said,
    }


@pytest.mark.parametrize("symbol", ["ETH", "BTC"])
def test_the_outages_of_binance_are_found_and_named(tmp_path, folder, symbol):
    with pytest.raises(MalformedDataError, match="gaps: 28, ") as caught:
        load_history(described(tmp_path, folder, price=spot(symbol)))
    gaps = [each for each in caught.value.problems if each.place.line]
    assert {each.number for each in gaps} == {codes.GAP}
    assert len(gaps) == 28
    assert "33, 2018-02-08T01:00:00Z to 2018-02-09T10:00:00Z, 1 d 9 h" in gaps[2].message


def test_outages_and_the_two_windows_left_out_of_the_file_are_counted_apart(tmp_path, folder):
    found = load_history(described(tmp_path, folder, price=spot("ETH", fill="hold")))
    missing = sorted(gap.bars for gap in found.parts["price"].gaps)
    assert missing[-2:] == [92 * 24, 122 * 24]  # 2022-10 to 12, 2021-04 to 07
    assert (len(missing[:-2]), sum(missing[:-2]), missing[-3]) == (26, 123, 33)
    record = found.manifest.sources["price"]
    assert (record.gaps, record.held) == (28, sum(missing))
    assert len(found.history) == record.rows + sum(missing)


def test_everything_a_loop_needs_is_taken_together_and_exactly(tmp_path, folder):
    file = described(
        tmp_path,
        folder,
        since="2024-06-01",
        price=spot("ETH", fill="hold"),
        rate={
            "kind": "rate",
            "side": "borrow",
            "venue": "aave",
            "asset": "USDC",
            "file": "aave_rates_1h.parquet",
            "where": {"market": "aave_v3_ethereum", "reserve": "USDC"},
            "value": "borrow_apr",
        },
        supply=reserve("index", "liquidity_index", "one", side="supply"),
        borrow=reserve("index", "variable_borrow_index", "one", side="borrow"),
        oracle=reserve("oracle", "oracle_price_usd", "usd"),
        lst={
            "kind": "lst_rate",
            "venue": "lido",
            "asset": "wstETH",
            "file": "lst_rates.parquet",
            "where": {"symbol": "wstETH/ETH", "kind": "protocol_oracle_1d"},
            "value": "value",
            "unit": "one",
        },
        funding={
            "kind": "funding",
            "venue": "binance",
            "asset": "ETH",
            "file": "funding.parquet",
            "where": {"venue": "binance", "symbol": "ETHUSDT"},
            "value": "rate",
            "interval_column": "interval_h",
        },
        gas={
            "kind": "gas",
            "side": "base_fee",
            "venue": "ethereum",
            "file": "gas_eth_blocks.parquet",
            "value": "base_fee_gwei",
            "unit": "gwei",
        },
    )
    found = load_history(file)
    assert {each.number for each in found.warnings} <= {codes.OUTLIER, codes.GAP}
    history = found.history
    table = parquet.read_table(folder / "aave_reserve_1d.parquet")
    weth = table.filter(compute.equal(table["reserve"].cast("string"), "WETH"))
    index = history.series_of(SeriesKey(Kind.INDEX, "aave", "WETH", Side.BORROW))
    row = weth.slice(200, 1).to_pylist()[0]
    at = int(row["ts"].timestamp())
    exact = int(Decimal(repr(row["variable_borrow_index"])).scaleb(27))
    assert index.value(index.row_at(at)) == exact
    assert history.as_of(SeriesKey(Kind.ORACLE, "aave", "WETH"), at) == int(
        Decimal(repr(row["oracle_price_usd"])).scaleb(8)
    )
    assert history.close_as_of(BarsKey("binance", "ETH"), at) > 1000 * 10**8
    assert history.size() < 5_000_000
