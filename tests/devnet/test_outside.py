"""What somebody outside meets: a node with geth's manners, and blocks that leave things out."""

from __future__ import annotations

import socket
import threading

import pytest
from tests.devnet.outside import ADDRESS, GWEI, Outside, legacy, signed

from leverd.devnet import abi
from leverd.devnet.delays import Congestion, Delay
from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.directory import Directory
from leverd.devnet.driver import Habits
from leverd.devnet.raw_transaction import read_raw
from leverd.devnet.recipe import Recipe
from leverd.devnet.rpc import Rpc
from leverd.devnet.service import Service
from leverd.errors import LeverdError, RefusedError

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def devnet():
    habits = Habits(liquidates=False, borrows=False)
    running = Devnet.begin(Recipe(), Conduct(habits, delay_chance=0))
    yield running
    running.stop()


@pytest.fixture
def outside(devnet):
    with Outside(devnet) as there:
        yield there
    devnet.step()  # nothing of ours waits on into the next test
    assert len(devnet.mempool) == 0


def test_a_transaction_waits_is_seen_waiting_and_is_mined(devnet, outside):
    nonce = outside.nonce()
    sent = outside.send(signed(nonce, 100, 1))
    seen = outside.rpc.ask("eth_getTransactionByHash", sent)
    assert seen["blockHash"] is None
    assert seen["from"] == ADDRESS
    assert (outside.nonce("pending"), outside.nonce()) == (nonce + 1, nonce)
    assert not outside.mined(sent)
    devnet.step()
    assert outside.mined(sent)
    assert outside.rpc.ask("eth_getTransactionByHash", sent)["blockHash"] is not None
    assert outside.nonce() == nonce + 1


@pytest.mark.parametrize(
    ("max_fee", "tip"), [(109, 10), (110, 1), (101, 2), (100, 2), (90, 3)], ids=str
)
def test_a_replacement_needs_a_tenth_more_of_both_fees(devnet, outside, max_fee, tip):
    nonce = outside.nonce()
    standing = outside.send(signed(nonce, 100, 1))
    with pytest.raises(RefusedError, match="replacement transaction underpriced"):
        outside.send(signed(nonce, max_fee, tip))
    devnet.step()
    assert outside.mined(standing)


def test_a_replacement_by_a_tenth_takes_the_slot(devnet, outside):
    nonce = outside.nonce()
    old = outside.send(signed(nonce, 100, 10))
    new = outside.send(signed(nonce, 110, 11))
    devnet.step()
    assert outside.mined(new)
    assert not outside.mined(old)
    assert outside.rpc.ask("eth_getTransactionByHash", old) is None


def test_the_same_transaction_twice_is_already_known_and_happens_once(devnet, outside):
    payload = signed(outside.nonce(), 100, 1)
    sent = outside.send(payload)
    with pytest.raises(RefusedError, match="already known"):
        outside.send(payload)
    devnet.step()
    assert outside.mined(sent)
    with pytest.raises(RefusedError, match="nonce too low"):
        outside.send(payload)


def test_what_cannot_pay_the_base_fee_waits_until_it_can(devnet, outside):
    nonce = outside.nonce()
    poor = outside.send(signed(nonce, 2, 1))
    for _ in range(5):
        devnet.step()
    assert not outside.mined(poor)
    assert outside.rpc.ask("eth_getTransactionByHash", poor)["hash"] == poor
    assert outside.nonce("pending") == nonce + 1
    bumped = outside.send(signed(nonce, 200, 2))
    devnet.step()
    assert outside.mined(bumped)


def test_a_nonce_ahead_waits_for_the_one_before_it(devnet, outside):
    nonce = outside.nonce()
    second = outside.send(signed(nonce + 1, 100, 1))
    devnet.step()
    assert not outside.mined(second)
    assert outside.nonce("pending") == nonce
    first = outside.send(signed(nonce, 100, 1))
    devnet.step()
    assert outside.mined(first)
    assert outside.mined(second)


def test_a_legacy_transaction_is_taken_too(devnet, outside):
    sent = outside.send(legacy(outside.nonce(), 100))
    devnet.step()
    assert outside.mined(sent)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": 10**30}, "insufficient funds"),
        ({"gas": 20_000}, "intrinsic gas too low"),
        ({"gas": 16_777_217}, "gas limit too high"),
        ({"maxPriorityFeePerGas": 200 * GWEI}, "higher than max fee"),
        ({"maxPriorityFeePerGas": 0}, "underpriced"),
        ({"chainId": 1}, "invalid chain id"),
        ({"nonce": 0}, "nonce too low"),
    ],
)
def test_what_geth_would_not_take_is_refused_in_its_words(outside, fields, said):
    with pytest.raises(RefusedError, match=said):
        outside.send(signed(**{"nonce": outside.nonce(), "max_fee": 100, "tip": 1, **fields}))


@pytest.mark.parametrize("payload", ["0x", "0x02", "0x05c0", "0xc0", "0x02c101", "zz", "0xf8ff", 7])
def test_bytes_that_are_no_transaction_are_refused(outside, payload):
    with pytest.raises(RefusedError):
        outside.rpc.ask("eth_sendRawTransaction", payload)


@pytest.mark.parametrize(
    "method",
    ["anvil_setBalance", "evm_mine", "evm_snapshot", "eth_sendTransaction", "eth_accounts",
     "hardhat_reset", "personal_sign", "debug_traceTransaction"],
)  # fmt: skip
def test_nobody_outside_has_anvils_powers(outside, method):
    with pytest.raises(RefusedError, match="does not exist"):
        outside.rpc.ask(method)


def test_a_batch_is_answered_in_order_with_each_refusal_its_own(outside):
    number, chain = outside.rpc.ask_all([("eth_blockNumber", []), ("eth_chainId", [])])
    assert int(number, 16) > 0
    assert int(chain, 16) == 31337
    with pytest.raises(LeverdError, match="does not exist"):
        outside.rpc.ask_all([("eth_blockNumber", []), ("evm_mine", [])])


def test_a_revert_comes_through_with_its_data(devnet, outside):
    with pytest.raises(LeverdError, match="revert"):
        outside.rpc.ask(
            "eth_call",
            {"to": devnet.deployment.pool, "data": "0x28530a47" + "ff".rjust(64, "0")},
            "latest",
        )


def raw_request(url: str, body: bytes, head: bytes = b"") -> bytes:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        length = head or b"Content-Length: %d\r\n" % len(body)
        wire.sendall(b"POST / HTTP/1.1\r\n" + length + b"\r\n" + body)
        return wire.recv(65_536)


@pytest.mark.parametrize("body", [b"{", b"7", b"[]", b"[1]", b'{"id":1}', b'{"method":5}'])
def test_nonsense_is_answered_with_an_error(devnet, body):
    assert b'"error"' in raw_request(devnet.url, body)


def test_a_body_beyond_reason_ends_the_connection_and_not_the_devnet(devnet, outside):
    assert raw_request(devnet.url, b"", b"Content-Length: 99999999999\r\n") == b""
    assert outside.rpc.ask("eth_chainId") == "0x7a69"


def test_many_ask_at_once_while_blocks_are_mined(devnet):
    wrong: list[str] = []

    def ask() -> None:
        rpc = Rpc(devnet.url)
        wrong.extend("x" for _ in range(100) if rpc.ask("eth_chainId") != "0x7a69")
        rpc.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        devnet.step()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_delay_leaves_some_out_never_too_long_and_the_same_ones_each_time():
    sent = [read_raw(signed(nonce, 100, 1)) for nonce in range(99)]
    delay = Delay(seed=3, chance=0.5, blocks_max=3)
    held = [[delay.holds(each, block, 100) for block in (101, 102)] for each in sent]
    assert 60 < sum(first for first, _ in held) + sum(second for _, second in held) < 140
    assert not any(delay.holds(each, 103, 100) for each in sent)
    again = Delay(seed=3, chance=0.5, blocks_max=3)
    assert [again.holds(each, 101, 100) for each in sent] == [first for first, _ in held]


def test_under_congestion_each_nonce_waits_its_own_while_and_no_bid_helps():
    congestion = Congestion(seed=3, blocks_min=1, blocks_max=20)

    def waits(nonce: int, max_fee: int) -> int:
        sent = read_raw(signed(nonce, max_fee, 1))
        return next(n for n in range(1, 99) if not congestion.holds(sent, 100 + n, 100))

    drawn = [waits(nonce, 100) for nonce in range(200)]
    assert {1, 20} <= set(drawn) <= set(range(1, 21))
    assert 8 < sum(drawn) / len(drawn) < 13
    assert [waits(nonce, 900) for nonce in range(200)] == drawn


def test_a_delayed_transaction_is_mined_in_the_end():
    devnet = Devnet.begin(Recipe(), Conduct(delay_chance=1.0, delay_blocks_max=3))
    try:
        came = []
        with Outside(devnet) as outside:
            sent = outside.send(signed(outside.nonce(), 100, 1))
            for _ in range(4):
                devnet.step()
                came.append(outside.mined(sent))
        assert came == [False, False, True, True]
    finally:
        devnet.stop()


def test_a_replacement_waits_from_when_its_nonce_was_first_asked_for():
    devnet = Devnet.begin(Recipe(), Conduct(congestion=(3, 3)))
    try:
        with Outside(devnet) as outside:
            outside.send(signed(outside.nonce(), 100, 1))
            devnet.step()
            replaced = outside.send(signed(outside.nonce(), 200, 2))
            devnet.step()
            assert not outside.mined(replaced)
            devnet.step()
            assert outside.mined(replaced)
    finally:
        devnet.stop()


def test_a_transaction_says_who_sent_it_and_what_it_may_cost():
    sent = read_raw(signed(7, 100, 2))
    assert (sent.sender, sent.nonce, sent.max_fee, sent.tip) == (ADDRESS, 7, 100 * GWEI, 2 * GWEI)
    assert sent.cost == 21_000 * 100 * GWEI + 1
    assert read_raw(legacy(7, 100)).cost == sent.cost
    assert read_raw(legacy(7, 100)).tip == 100 * GWEI


def test_who_sends_while_the_node_is_renewed_waits_and_is_served(devnet, outside):
    wrong: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with Outside(devnet) as other:
            while not stop.is_set():
                try:
                    other.send(signed(outside_nonce, 2, 1))
                except RefusedError as error:
                    wrong.extend([str(error)] if "already known" not in str(error) else [])
                other.nonce("pending")

    outside_nonce = outside.nonce()
    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(3):
        devnet.renew(devnet.saved())
    stop.set()
    thread.join()
    assert wrong == []
    outside.send(signed(outside_nonce, 200, 2))


def test_a_disk_that_takes_no_save_stops_no_market_and_loses_no_old_save(devnet, tmp_path):
    directory = Directory(tmp_path)
    told: list[str] = []
    service = Service(directory)
    assert service._save(devnet, told.append)
    kept = (tmp_path / "saved.gz").read_bytes()
    (tmp_path / "saved.part").mkdir()  # nothing can be written there now
    devnet.step()
    assert not service._save(devnet, told.append)
    assert told
    assert "could not save" in told[0]
    assert (tmp_path / "saved.gz").read_bytes() == kept


def test_no_read_ever_sees_a_state_newer_than_its_block(devnet):
    """Aave's "seconds since the last update" underflows when it does: one read in 700."""
    roles, pool, weth = (
        devnet.deployment.roles,
        devnet.deployment.pool,
        devnet.deployment.tokens["WETH"].address,
    )
    health = abi.encode_call("getUserAccountData(address)", roles.looper)
    many = abi.encode_call("aggregate3((address,bool,bytes)[])", [(pool, False, health)] * 8)
    call = {"to": devnet.deployment.multicall, "data": "0x" + many.hex()}
    answered, wrong = [], []
    stop = threading.Event()

    def ask() -> None:
        with Outside(devnet) as other:
            while not stop.is_set():
                head = other.rpc.block()["hash"]
                try:
                    answered.append(other.rpc.ask("eth_call", call, {"blockHash": head}))
                except LeverdError as error:
                    wrong.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    supply = "supply(address,uint256,address,uint16)"
    blocks = 0
    while blocks < 400 or (len(answered) <= 400 and blocks < 4_000):
        blocks += 1  # each block touches the reserve that the readers ask for
        devnet.chain.send(roles.lender, pool, supply, weth, 10**15, roles.lender, 0, gas=400_000)
        devnet.step()
    stop.set()
    for thread in threads:
        thread.join()
    assert len(answered) > 400
    assert wrong == []
