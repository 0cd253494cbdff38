"""`leverd data download` from a chain: real contracts, block by block, and the history of it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest
import yaml
from tests.e2e.stage import Stage

from leverd.adapters.evm.abi import Function
from leverd.backtest.download import chain as downloads
from leverd.backtest.history import load_history
from leverd.devnet.chain import Chain
from leverd.devnet.rpc import Rpc
from leverd.errors import UnreachableError

pytestmark = pytest.mark.chain
INCOME = "getReserveNormalizedIncome(address)->(uint256)"
DEBT = "getReserveNormalizedVariableDebt(address)->(uint256)"
LAST_S = 240


@pytest.fixture
def chain(world: Stage):
    """The chain of `world`, some minutes on, in blocks of twelve seconds."""
    made = Chain(Rpc(world.devnet.node.url))
    at = int(made.rpc.block()["timestamp"], 16)
    for _ in range(LAST_S // 12 + 3):
        at += 12
        made.rpc.ask("evm_setNextBlockTimestamp", at)
        made.rpc.ask("evm_mine")
    yield made
    made.rpc.close()


def header(chain, number):
    found = chain.rpc.ask("eth_getBlockByNumber", number, False)
    return {"at": int(found["timestamp"], 16), "number": int(found["number"], 16), **found}


def iso(at):
    return datetime.fromtimestamp(at, UTC).isoformat()


def span(chain):
    """Return --since and --until of the last `LAST_S` seconds, without the newest blocks."""
    last = header(chain, "latest")["at"] - 24
    return ("--since", iso(last - LAST_S), "--until", iso(last))


def rows_of(file):
    with file.open() as lines:
        return [{name: int(cell) for name, cell in row.items()} for row in csv.DictReader(lines)]


def download(owner, *arguments):
    answer = owner("data", "download", *arguments, "--json", mining=False)
    assert answer.code == 0, answer.err
    return answer.data


def test_a_reserve_is_fetched_with_the_indexes_of_each_block(owner, world, chain, tmp_path):
    file = tmp_path / "reserve.csv"
    told = download(
        owner,
        "reserve",
        str(file),
        "--token",
        "USDC",
        "--venue",
        "aave",
        "--step",
        "5",
        *span(chain),
    )
    rows = rows_of(file)
    assert told["rows"] == len(rows) == 4
    assert [row["block"] - rows[0]["block"] for row in rows] == [0, 5, 10, 15]
    for row in rows:
        assert row["ts"] == header(chain, hex(row["block"]))["at"]
    usdc = world.deployment.tokens["USDC"].address
    last = hex(rows[-1]["block"])
    for column, function in (("supply_index", INCOME), ("borrow_index", DEBT)):
        assert row_value(chain, world, function, usdc, last) == rows[-1][column]
    assert rows[0]["borrow_index"] < rows[-1]["borrow_index"]

    # What it says of itself is a description: with bars beside it, it loads.
    bars = tmp_path / "bars.csv"
    first = rows[-1]["ts"] // 60 * 60
    bars.write_text(f"ts,open,high,low,close\n{first + 60},3000,3000,3000,3000\n")
    price = {
        "kind": "bars",
        "venue": "x",
        "asset": "ETH",
        "file": "bars.csv",
        "time_format": "unix_s",
    }
    described = tmp_path / "history.yaml"
    described.write_text(yaml.safe_dump({"bar": "1m", "sources": {"p": price, **told["sources"]}}))
    history = load_history(described).history
    index = next(key for key in history.series if (key.kind, key.side) == ("index", "borrow"))
    assert history.as_of(index, history.since) == rows[-1]["borrow_index"]


def row_value(chain, world, function, token, block):
    data = "0x" + Function(function.partition("->")[0]).encode(token).hex()
    found = chain.rpc.ask("eth_call", {"to": world.deployment.pool, "data": data}, block)
    return int(found, 16)


def test_base_fees_answers_and_staking_rates_are_fetched(owner, world, chain, tmp_path):
    gas = tmp_path / "gas.parquet"
    assert download(owner, "gas", str(gas), "--step", "7", *span(chain))["rows"] == 3
    answers = tmp_path / "oracle.csv"
    feed = world.deployment.feeds["WETH"]
    download(
        owner,
        "oracle",
        str(answers),
        "--feed",
        feed,
        "--token",
        "WETH",
        "--step",
        "9",
        *span(chain),
    )
    for row in rows_of(answers):
        assert row["answer"] == 3000 * 10**8
        assert row["updated_at"] <= row["ts"]
    rates = tmp_path / "lst.csv"
    staked = world.deployment.tokens["wstETH"].address
    download(
        owner,
        "lst",
        str(rates),
        "--contract",
        staked,
        "--token",
        "wstETH",
        "--step",
        "9",
        *span(chain),
    )
    assert all(10**18 <= row["rate"] < 2 * 10**18 for row in rows_of(rates))


async def _cut(*_arguments, **_named):
    raise UnreachableError("cut off", number=1)


def test_cut_off_it_goes_on_where_it_was(owner, chain, tmp_path, monkeypatch):
    file = tmp_path / "gas.csv"
    asked = ("data", "download", "gas", str(file), "--step", "1", *span(chain))
    real, calls = downloads._rows, []

    async def then_cut(client, sample, numbers):
        calls.append(numbers[0])
        return await (real if len(calls) < 2 else _cut)(client, sample, numbers)

    with monkeypatch.context() as patched:
        patched.setattr(downloads, "_rows", then_cut)
        patched.setattr("leverd.backtest.download.patience._FIRST_S", 0.001)
        patched.setattr("leverd.backtest.download.patience._JITTER_S", 0.001)
        answer = owner(*asked, mining=False)
    assert answer.code == 3
    assert len((tmp_path / "gas.csv.part").read_text().splitlines()) == 1 + downloads.AT_ONCE
    told = owner(*asked, "--json", mining=False).data
    assert told["resumed"]
    blocks = [row["block"] for row in rows_of(file)]
    assert blocks == list(range(calls[0], calls[0] + LAST_S // 12))


def test_what_cannot_be_asked_for_is_refused(owner, chain, tmp_path):
    file, when = str(tmp_path / "x.csv"), span(chain)
    for arguments, code, said in (
        (("reserve", file, "--token", "USDX", *when), 2, "Did you mean 'USDC'?"),
        (("reserve", file, "--token", "USDC", "--venue", "aav", *when), 2, "Did you mean 'aave'?"),
        (("lst", file, "--contract", "0x12", "--token", "x", *when), 1, "is no address"),
        (("gas", file, "--since", "2023-01-01"), 1, "names no offset"),
        (("gas", file, "--since", "soon"), 1, "is no time"),
        (("gas", file, "--since", "2090-01-01T00:00Z"), 2, "no final block"),
        (("gas", file, when[0], when[1], "--until", when[1]), 1, "is not before"),
    ):
        answer = owner("data", "download", *arguments, mining=False)
        assert (answer.code, said in answer.err) == (code, True), answer.err
        assert not (tmp_path / "x.csv").exists()


def test_a_getter_with_arguments_is_refused_before_anything_is_asked(owner, world, chain, tmp_path):
    staked = world.deployment.tokens["wstETH"].address
    answer = owner(
        "data", "download", "lst", str(tmp_path / "x.csv"), "--contract", staked, "--token", "w",
        "--getter", "balanceOf(address)", *span(chain), mining=False,
    )  # fmt: skip
    assert answer.code == 2
    assert "without arguments" in answer.err
