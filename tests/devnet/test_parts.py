"""The devnet's smaller parts, each at its edges."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from fractions import Fraction

import pytest
from eth_account import Account

from leverd.devnet import artifacts, base_fee, places
from leverd.devnet.chain import created
from leverd.devnet.feeds import OracleRule
from leverd.devnet.multicall import assemble
from leverd.devnet.node import Node, NodeOptions
from leverd.devnet.path import PricePath
from leverd.devnet.pool_price import Pair
from leverd.devnet.rpc import Rpc
from leverd.devnet.throwaway_keys import write_keystores
from leverd.devnet.wire import Wire
from leverd.errors import OwnerError, UnreachableError

GWEI = 10**9
LOW, HIGH = "0x" + "11" * 20, "0x" + "ee" * 20


@pytest.mark.parametrize(
    ("answer", "age", "seen", "due"),
    [
        (10_000, 0, 10_049, False),
        (10_000, 0, 10_050, True),
        (10_000, 0, 9_950, True),
        (10_000, 0, 9_951, False),
        (10_000, 3_599, 10_000, False),
        (10_000, 3_600, 10_000, True),
    ],
)
def test_the_oracle_is_due_on_deviation_or_heartbeat(answer, age, seen, due):
    assert OracleRule().due(answer=answer, answered_at=0, seen=seen, now=age) is due


def test_a_base_fee_moves_by_an_eighth_and_stops_at_its_goal():
    assert base_fee.towards(80 * GWEI, 200 * GWEI, 12) == 90 * GWEI
    assert base_fee.towards(80 * GWEI, 10 * GWEI, 12) == 70 * GWEI
    assert base_fee.towards(80 * GWEI, 85 * GWEI, 12) == 85 * GWEI
    assert base_fee.towards(80 * GWEI, 200 * GWEI, 3_600) == 200 * GWEI
    assert base_fee.towards(1, 0, 12) == 1


def test_gas_is_dear_only_while_prices_fall():
    path = PricePath.of([(0, 3_000), (7_200, 3_000), (10_800, 2_400), (100_000, 2_400)])
    assert base_fee.target(1, path, 10_800) > 5 * base_fee.target(1, path, 7_000)
    assert base_fee.target(1, path, 90_000) < 60 * GWEI


def test_gas_on_record_is_the_days_own_and_dear_while_prices_fall():
    path = PricePath.of([(0, 3_000), (7_200, 3_000), (10_800, 2_400), (100_000, 2_400)])
    days = {"1970-01-01": "77.5"}
    assert base_fee.target(1, path, 7_000, days) == 77_500_000_000
    assert base_fee.target(1, path, 10_800, days) == pytest.approx(77.5 * GWEI * (1 + 20 * 0.2))
    assert base_fee.target(1, path, 10_800, {"1970-01-01": "900"}) == 1_500 * GWEI
    assert base_fee.target(1, path, 90_000, days) == base_fee.target(1, path, 90_000)


@pytest.mark.parametrize("base", [LOW, HIGH])
def test_a_price_survives_the_pools_order_of_tokens(base):
    pair = Pair(base, HIGH if base == LOW else LOW, 18, 6)
    price = Fraction(299_731, 100)
    assert pair.base_first is (base == LOW)
    assert float(pair.price(pair.sqrt_price(price))) == pytest.approx(float(price), rel=1e-12)
    low, high = pair.ticks(Fraction(2_000), Fraction(4_000), 10)
    assert low < high
    assert (low % 10, high % 10) == (0, 0)


def test_an_address_is_known_before_its_contract_is_made():
    deployer = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert created(deployer, 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert created(deployer, 1) == "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
    assert len({created(deployer, nonce) for nonce in (127, 128, 255, 256, 70_000)}) == 5


def test_the_assembler_knows_numbers_labels_and_nothing_else():
    code = assemble("1 0x0100 add here: @here jump ; words")
    assert code == bytes.fromhex("6001 610100 01 5b 610006 56")
    with pytest.raises(OwnerError, match="neither opcode nor number"):
        assemble("pushh 1")
    with pytest.raises(OwnerError, match="no label there"):
        assemble("here: @there jump")


def test_what_set_up_has_not_fetched_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("LEVERD_ANVIL", str(tmp_path / "anvil"))
    with pytest.raises(OwnerError, match="npm ci"):
        places.anvil()
    with pytest.raises(OwnerError, match="npm ci"):
        artifacts.published(artifacts.AAVE, "protocol/pool/Puddle")
    with pytest.raises(OwnerError, match="no contract source"):
        artifacts.ours("Nothing")


def serving(*answers: bytes) -> tuple[str, threading.Thread]:
    """Return where a server stands that gives each connection one of `answers` and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            for answer in answers:
                client, _ = listener.accept()
                with client:
                    client.recv(65_536)
                    client.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/", thread


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    ],
)
def test_what_is_no_answer_is_said_and_the_next_one_asked_anew(answer):
    url, server = serving(answer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    wire = Wire(url, deadline_s=5)
    with pytest.raises(OSError, match=r"hung up|not an answer|invalid literal"):
        wire.post(b"{}")
    assert wire.post(b"{}") == b"{}"
    wire.close()
    server.join(5)


def test_outside_a_checkout_the_root_is_asked_for(tmp_path):
    script = "from leverd.devnet import places; places.root()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={"LEVERD_HOME": str(tmp_path)},
        cwd=tmp_path,
    )
    assert "name it in LEVERD_HOME" in done.stderr


def test_a_contract_is_compiled_again_only_when_its_source_changed(monkeypatch, tmp_path):
    sources, builds = tmp_path / "sources", tmp_path / "builds"
    sources.mkdir()
    monkeypatch.setattr(places, "contract_sources", lambda: sources)
    monkeypatch.setattr(places, "contract_builds", lambda: builds)
    text = "# pragma version ~=0.4.3\n@external\n@view\ndef one() -> uint256:\n    return {}\n"
    (sources / "One.vy").write_text(text.format(1))
    first = artifacts.ours("One")
    stamp = (builds / "devnet" / "One.json").stat().st_mtime_ns
    assert artifacts.ours("One") == first
    assert (builds / "devnet" / "One.json").stat().st_mtime_ns == stamp
    (sources / "One.vy").write_text(text.format(2))
    assert artifacts.ours("One") != first
    (builds / "devnet" / "One.json").write_text("{")  # a torn build is made again
    assert artifacts.ours("One").runtime


def test_a_node_that_does_not_come_up_is_said(monkeypatch):
    monkeypatch.setenv("LEVERD_ANVIL", "/bin/false")
    with pytest.raises(UnreachableError, match="did not come up"):
        Node.start(NodeOptions(1_700_000_000))


def test_nobody_there_is_unreachable():
    with pytest.raises(UnreachableError):
        Rpc("http://127.0.0.1:1").ask("eth_chainId")


def test_keystores_open_with_their_passwords_and_are_written_once(tmp_path):
    write_keystores(tmp_path)
    first = (tmp_path / "operator.json").read_text()
    write_keystores(tmp_path)
    assert (tmp_path / "operator.json").read_text() == first
    for name, address in (
        ("owner", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        ("operator", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
    ):
        password = (tmp_path / f"{name}.password").read_text().strip()
        key = Account.decrypt(json.loads((tmp_path / f"{name}.json").read_text()), password)
        assert Account.from_key(key).address == address
