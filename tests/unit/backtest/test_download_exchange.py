"""Bars and funding from an exchange: every page, each bar once, whatever happens on the way."""

from __future__ import annotations

import csv
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import ccxt
import pytest
from tests.unit.backtest.described import bars_source, describe
from tests.unit.backtest.exchanges import (
    HOUR,
    START,
    WANTED,
    Exchange,
    Sleeper,
    busy,
    fetch_bars,
    fetch_funding,
)

from leverd.backtest.download.exchange import Wanted, intervals, open_exchange
from leverd.backtest.history import BarsKey, load_history
from leverd.errors import DataError, UnreachableError


def times(file):
    with file.open() as lines:
        return [int(row["ts"]) for row in csv.DictReader(lines)]


def test_every_page_is_fetched_and_loads_as_history(tmp_path):
    told = []
    count = fetch_bars(
        tmp_path / "bars.csv", Exchange(), advance=lambda done, total: told.append(done / total)
    )
    assert count == 1200
    assert told == sorted(told)
    assert told[-1] == 1
    history = load_history(describe(tmp_path, price=bars_source())).history
    assert len(history) == 1200
    assert history.bars_of(BarsKey("x", "ETH")).open.tolist()[7] == 10007 * 10**6
    assert not list(tmp_path.glob("*.part"))


def test_parquet_holds_the_same(tmp_path):
    fetch_bars(tmp_path / "bars.parquet", Exchange())
    fetch_bars(tmp_path / "bars.csv", Exchange())
    typed = bars_source("bars.parquet", time_format="timestamp")
    one = load_history(describe(tmp_path, price=typed)).history.digest()
    assert load_history(describe(tmp_path, price=bars_source())).history.digest() == one


@pytest.mark.parametrize(("late", "count"), [(0, 9), (59, 9), (60, 10), (HOUR - 1, 10)])
def test_a_bar_that_is_not_over_for_a_minute_is_left_out(tmp_path, late, count):
    now = START + 10 * HOUR + late
    assert fetch_bars(tmp_path / "bars.csv", Exchange(), now=now) == count
    assert times(tmp_path / "bars.csv")[-1] == START + (count - 1) * HOUR


def test_a_long_outage_is_stepped_over_and_stays_a_gap(tmp_path):
    class Shy(Exchange):
        """Answers nothing for a page that begins in an outage."""

        def fetch_ohlcv(self, symbol, timeframe, since, limit):
            rows = super().fetch_ohlcv(symbol, timeframe, since, limit)
            end = since + limit * HOUR * 1000
            return [row for row in rows if row[0] < end]

    exchange = Shy(skip=range(100, 800))
    assert fetch_bars(tmp_path / "bars.csv", exchange) == 500
    found = times(tmp_path / "bars.csv")
    assert found[99:101] == [START + 99 * HOUR, START + 800 * HOUR]


@pytest.mark.parametrize("size", [100, 300])
def test_no_bar_is_lost_behind_an_outage_longer_than_an_exchanges_own_page(tmp_path, size):
    """However many are asked for, it answers for a span of `size` bars and no more."""

    class Mean(Exchange):
        def fetch_ohlcv(self, symbol, timeframe, since, limit):
            rows = super().fetch_ohlcv(symbol, timeframe, since, size)
            return [row for row in rows if row[0] < since + size * HOUR * 1000]

    for name, outage in (("inside", range(350, 800)), ("at first", range(450))):
        exchange = Mean(skip=outage)
        assert fetch_bars(tmp_path / f"{name}.csv", exchange) == 1200 - len(outage)
        there = [START + i * HOUR for i in range(1200) if i not in outage]
        assert times(tmp_path / f"{name}.csv") == there


def test_pages_that_overlap_or_come_unsorted_are_put_in_order(tmp_path):
    class Sloppy(Exchange):
        def fetch_ohlcv(self, symbol, timeframe, since, limit):
            rows = super().fetch_ohlcv(symbol, timeframe, since - 5 * HOUR * 1000, limit)
            return [*reversed(rows), *rows[:3]]

    assert fetch_bars(tmp_path / "bars.csv", Sloppy()) == 1200
    assert times(tmp_path / "bars.csv") == [START + i * HOUR for i in range(1200)]


def test_a_rate_limit_is_waited_out_with_pauses_that_grow(tmp_path):
    exchange, sleeper = Exchange(page=600), Sleeper()
    first = exchange.fetch_ohlcv

    def then_busy(*arguments):
        rows = first(*arguments)
        if len(exchange.asked) == 1:
            exchange.failures = [busy(), ccxt.RequestTimeout("slow"), busy()]
        return rows

    exchange.fetch_ohlcv = then_busy
    assert fetch_bars(tmp_path / "bars.csv", exchange, sleep=sleeper) == 1200
    assert len(sleeper.slept) == 3
    assert sleeper.slept[0] >= 5
    assert sleeper.slept == sorted(sleeper.slept)


def test_without_a_network_it_refuses_soon_with_a_remedy(tmp_path):
    exchange, sleeper = Exchange(), Sleeper()
    exchange.failures = [ccxt.ExchangeNotAvailable("no route") for _ in range(9)]
    with pytest.raises(UnreachableError, match="no route") as caught:
        fetch_bars(tmp_path / "bars.csv", exchange, sleep=sleeper)
    assert caught.value.exit_code == 3
    assert "say the same again" in caught.value.remedy
    assert len(sleeper.slept) == 1
    assert not (tmp_path / "bars.csv").exists()


def test_killed_it_goes_on_where_it_was(tmp_path):
    exchange = Exchange()
    ask = exchange.fetch_ohlcv

    def killed(*arguments):
        if len(exchange.asked) == 2:
            raise KeyboardInterrupt
        return ask(*arguments)

    exchange.fetch_ohlcv = killed
    with pytest.raises(KeyboardInterrupt):
        fetch_bars(tmp_path / "bars.csv", exchange)
    part = tmp_path / "bars.csv.part"
    assert len(part.read_text().splitlines()) == 1001
    with part.open("a") as lines:
        lines.write("17000")  # a line that the kill cut short
    again = Exchange()
    assert fetch_bars(tmp_path / "bars.csv", again) == 1200
    assert again.asked[0] == START + 999 * HOUR + 1
    assert times(tmp_path / "bars.csv") == [START + i * HOUR for i in range(1200)]


def test_what_was_begun_belongs_to_one_request(tmp_path):
    exchange = Exchange()
    exchange.failures = [ccxt.BadSymbol("no such market")]
    with pytest.raises(DataError, match="no such market") as caught:
        fetch_bars(tmp_path / "bars.csv", exchange)
    assert caught.value.code == "LVD-DAT-028"
    other = Wanted("ETH/USDT", START + HOUR, WANTED.until)
    with pytest.raises(DataError, match="another request is there") as caught:
        fetch_bars(tmp_path / "bars.csv", exchange, wanted=other)
    assert caught.value.place.endswith("bars.csv.part")


def test_nothing_is_overwritten_and_two_do_not_write_one(tmp_path):
    fetch_bars(tmp_path / "bars.csv", Exchange())
    with pytest.raises(DataError, match="not overwritten"):
        fetch_bars(tmp_path / "bars.csv", Exchange())
    with pytest.raises(DataError, match=r"neither a \.csv nor a \.parquet"):
        fetch_bars(tmp_path / "bars.txt", Exchange())

    class Greedy(Exchange):
        def fetch_ohlcv(self, *arguments):
            with pytest.raises(DataError, match="another download writes it"):
                fetch_bars(tmp_path / "two.csv", Exchange())
            return super().fetch_ohlcv(*arguments)

    fetch_bars(tmp_path / "two.csv", Greedy())


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        fetch_bars(tmp_path / "file" / "bars.csv", Exchange())


def test_nothing_in_that_time_is_said(tmp_path):
    wanted = Wanted("ETH/USDT", START - 100 * HOUR, START - 50 * HOUR)
    with pytest.raises(DataError, match="nothing was found"):
        fetch_bars(tmp_path / "bars.csv", Exchange(), wanted=wanted)


@pytest.mark.parametrize(
    "row",
    [
        [],
        [None],
        ["x", 1, 1, 1, 1],
        [START * 1000, 1, None, 1, 1],
        [START * 1000, 1, float("nan"), 1, 1],
        [START * 1000 + 1, 1, 1, 1, 1],
    ],
)
def test_nonsense_of_an_exchange_is_named(tmp_path, row):
    exchange = Exchange()
    exchange.bars = [row]
    exchange.fetch_ohlcv = lambda *_: [row]
    with pytest.raises(DataError, match="the exchange answers"):
        fetch_bars(tmp_path / "bars.csv", exchange)


def test_funding_tells_its_interval_by_its_neighbours(tmp_path):
    exchange = Exchange()
    exchange.rates[60:] = [
        {"timestamp": (START + 60 * 8 * HOUR + i * 4 * HOUR) * 1000, "fundingRate": 0.5}
        for i in range(50)
    ]
    del exchange.rates[20]
    assert fetch_funding(tmp_path / "funding.csv", exchange) == 109
    with (tmp_path / "funding.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["interval_h"] for row in rows[:60]} == {"8"}  # also the last, of which four follow
    assert {row["interval_h"] for row in rows[60:]} == {"4"}
    assert int(rows[0]["ts"]) == START + 1  # three milliseconds late: rounded up


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ([0, 8], [8, 8]),
        ([0, 8, 16, 24], [8, 8, 8, 8]),
        ([0, 16, 24, 32], [8, 8, 8, 8]),  # the second is missing
        ([0, 8, 16, 32, 40], [8, 8, 8, 8, 8]),
        ([0, 8, 16, 20, 24], [8, 8, 8, 4, 4]),  # paid more often from then on
        ([0, 4, 8, 16, 24], [4, 4, 4, 8, 8]),  # and less often
    ],
)
def test_an_interval_is_what_was_paid_for_also_where_it_changes(hours, told):
    assert intervals([START + each * HOUR for each in hours]) == {"interval_h": told}


def test_one_rate_alone_tells_no_interval(tmp_path):
    exchange = Exchange()
    del exchange.rates[1:]
    with pytest.raises(DataError, match="does not tell its interval"):
        fetch_funding(tmp_path / "funding.csv", exchange)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"timestamp": 1},
        {"timestamp": None, "fundingRate": 1},
        {"timestamp": 1, "fundingRate": float("inf")},
    ],
)
def test_a_nonsense_rate_is_named(tmp_path, row):
    exchange = Exchange()
    exchange.fetch_funding_rate_history = lambda *_: [row]
    with pytest.raises(DataError, match="the exchange answers"):
        fetch_funding(tmp_path / "funding.csv", exchange)


def test_an_exchange_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(DataError) as caught:
        open_exchange("binanc")
    assert caught.value.remedy == "Did you mean 'binance'?"


def test_without_ccxt_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(DataError) as caught:
        open_exchange("binance")
    assert "leverd[cex]" in caught.value.remedy


MARKET = {
    "symbol": "ETHUSDT",
    "status": "TRADING",
    "baseAsset": "ETH",
    "quoteAsset": "USDT",
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "isSpotTradingAllowed": True,
    "permissions": ["SPOT"],
    "filters": [],
}


class Loopback(BaseHTTPRequestHandler):
    """As much of Binance's spot API as ccxt asks for; the second page is refused once."""

    refusals = 1

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path.endswith("exchangeInfo"):
            return self._say(200, {"symbols": [MARKET]})
        query = parse_qs(parts.query)
        since, limit = int(query["startTime"][0]), int(query["limit"][0])
        if since > START * 1000 and type(self).refusals:
            type(self).refusals -= 1
            return self._say(429, {"code": -1003, "msg": "Too many requests"})
        first = max(-(-(since // 1000 - START) // HOUR), 0)
        rows = [
            [
                (START + i * HOUR) * 1000,
                "100.01",
                "104",
                "96",
                "103.5",
                "7",
                0,
                "0",
                0,
                "0",
                "0",
                "0",
            ]
            for i in range(first, min(first + limit, 700))
        ]
        return self._say(200, rows)

    def _say(self, status, data):
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def loopback():
    Loopback.refusals = 1
    server = ThreadingHTTPServer(("127.0.0.1", 0), Loopback)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.sockets
def test_ccxt_itself_fetches_from_a_server_on_loopback(tmp_path, loopback):
    exchange = open_exchange("binance")
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.options["fetchCurrencies"] = False
    exchange.has["fetchCurrencies"] = False
    for name, url in exchange.urls["api"].items():
        exchange.urls["api"][name] = loopback + urlsplit(url).path
    wanted = Wanted("ETH/USDT", START, START + 600 * HOUR)
    sleeper = Sleeper()
    assert fetch_bars(tmp_path / "bars.csv", exchange, wanted=wanted, sleep=sleeper) == 600
    assert len(sleeper.slept) == 1
    history = load_history(describe(tmp_path, price=bars_source())).history
    assert history.bars_of(BarsKey("x", "ETH")).close.tolist() == [10350000000] * 600
