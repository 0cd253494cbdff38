"""The devnet as a process: started, attached to, stopped, killed, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leverd.devnet import control, wall
from leverd.devnet.directory import Directory
from leverd.devnet.rpc import Rpc
from leverd.errors import OwnerError

pytestmark = pytest.mark.chain
LEVERD = [sys.executable, "-c", "from leverd.cli.main import main; main()", "devnet"]
FAST = ["--speed", "2000", "--calm-hours", "1"]


def leverd(*words: str, code: int = 0) -> str:
    done = subprocess.run(
        [*LEVERD, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def status(folder: Path, *, code: int = 0) -> Any:
    words = [*LEVERD, "status", "--dir", str(folder), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def wait_for_block(folder: Path, number: int) -> Any:
    for _ in range(200):
        told = status(folder)
        if told["block"] >= number:
            return told
        wall.pause(0.05)
    raise AssertionError(f"never came to block {number}")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def are_gone(pids: list[int]) -> bool:
    """Whether all end within seconds: the kernel takes a moment, on a busy machine a long one."""
    for _ in range(3_000):
        if not any(is_alive(pid) for pid in pids):
            return True
        wall.pause(0.02)
    return False


def anvils_below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "devnet"
    control.end(tmp_path / "devnet")


def test_up_answers_is_attached_to_and_down_leaves_nothing_behind(folder):
    first, started = control.ensure_running(folder, FAST)
    again, restarted = control.ensure_running(folder, FAST)
    assert (started, restarted) == (True, False)
    assert again == first
    assert "already runs" in leverd("up", "--dir", str(folder))
    nodes = anvils_below(first.pid)
    assert nodes
    record = json.loads((folder / "deployment.json").read_text())
    rpc = Rpc(first.url)
    assert rpc.block("0x0")["hash"] == record["genesis_hash"]
    assert rpc.ask("eth_getCode", record["pool"], "latest") != "0x"
    rpc.close()
    for secret in ("operator.json", "operator.password", "owner.json", "owner.password"):
        assert (folder / secret).stat().st_mode & 0o777 == 0o600
    wait_for_block(folder, 40)

    assert "saved" in leverd("down", "--dir", str(folder))
    assert not (folder / "endpoint.json").exists()
    assert are_gone([first.pid, *nodes])
    assert status(folder, code=3)["running"] is False
    assert "no devnet runs" in leverd("down", "--dir", str(folder))


def test_it_goes_on_where_it_stopped_at_the_same_place(folder):
    before, _ = control.ensure_running(folder, FAST)
    wait_for_block(folder, 60)
    control.end(folder)
    kept = Directory(folder).saved()
    assert kept is not None
    after, _ = control.ensure_running(folder, ["--speed", "12"])
    assert after.url == before.url
    told = status(folder)
    assert kept.number <= told["block"] <= kept.number + 20
    assert told["at"] == kept.at + 12 * (told["block"] - kept.number)


def test_two_devnets_in_one_folder_are_refused(folder):
    control.ensure_running(folder, FAST)
    with pytest.raises(OwnerError, match="already runs"), Directory(folder).locked():
        pytest.fail("the folder was free")


def test_another_seed_or_path_in_a_used_folder_is_refused_until_reset(folder):
    control.ensure_running(folder, FAST)
    control.end(folder)
    told = leverd("up", "--dir", str(folder), "--seed", "5", code=1)
    assert "another seed or path" in told
    assert "reset" in told
    with pytest.raises(OwnerError, match="another seed or path"):
        control.ensure_running(folder, ["--seed", "5"])
    leverd("reset", "--dir", str(folder))
    control.ensure_running(folder, ["--seed", "5"])
    assert Directory(folder).deployment().seed == 5


def test_a_reset_chain_is_another_chain(folder):
    control.ensure_running(folder, FAST)
    before = Directory(folder).deployment()
    assert "stopped" in leverd("reset", "--dir", str(folder))
    control.ensure_running(folder, FAST)
    after = Directory(folder).deployment()
    assert after.genesis_hash != before.genesis_hash
    assert after.pool == before.pool


def test_after_kill_9_no_node_is_left_and_up_goes_on_from_the_last_save_saying_so(folder):
    endpoint, _ = control.ensure_running(folder, FAST)
    wait_for_block(folder, 60)
    nodes = anvils_below(endpoint.pid)
    os.kill(endpoint.pid, signal.SIGKILL)
    assert are_gone([endpoint.pid, *nodes])
    assert status(folder, code=3)["state"] == "killed"

    saved = Directory(folder).saved()
    assert saved is not None
    again, started = control.ensure_running(folder, FAST)
    assert started
    assert again.url == endpoint.url
    assert "was killed" in (folder / "devnet.log").read_text()
    assert status(folder)["block"] >= saved.number


def test_killed_before_its_first_save_it_begins_afresh_and_says_so(folder):
    Directory(folder).make()
    dead = {"pid": 1, "url": "http://127.0.0.1:9", "node_url": "", "speed": 1.0, "block_s": 12}
    (folder / "endpoint.json").write_text(json.dumps(dead))
    control.ensure_running(folder, FAST)
    assert "beginning afresh" in (folder / "devnet.log").read_text()


def test_in_the_foreground_an_interrupt_saves_and_ends_it_with_0(folder):
    process = subprocess.Popen(
        [*LEVERD, "up", "--dir", str(folder), *FAST], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert "a new market" in process.stdout.readline()
        assert "answers at" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert "stopped; saved" in rest
    assert process.returncode == 0
    assert Directory(folder).saved() is not None


def test_a_path_that_is_none_is_said_at_once(folder, tmp_path):
    with pytest.raises(OwnerError, match="no price path"):
        control.ensure_running(folder, ["--path", str(tmp_path / "none.csv")])
    assert "is COLUMN=VALUE" in leverd("up", "--dir", str(folder), "--where", "symbol", code=2)
    assert "is no time" in leverd("up", "--dir", str(folder), "--since", "soon", code=2)


def test_a_file_of_the_owners_is_followed_to_its_end_and_then_stands_still(folder, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(
        "when,coin,open,high,low,close\n"
        "2020-03-12T00:00:00,ETH,194,196,190,191\n"
        "2020-03-12T00:00:00,BTC,7000,7000,7000,7000\n"
        "2020-03-12T00:05:00,ETH,191,191,170,175\n"
        "2020-03-13T00:00:00,ETH,120,120,110,115\n"
    )
    columns = ["--time-column", "when", "--price-column", "bar", "--where", "coin=ETH"]
    until = ["--until", "2020-03-12T12:00", "--speed", "3000", "--delay-chance", "0"]
    control.ensure_running(folder, ["--path", str(file), *columns, *until])
    told = wait_for_block(folder, 90)
    assert told["path_start"] == 1583971200
    assert told["path_end"] == 1583971200 + 525
    assert told["path_over"] is True
    assert told["last"]["market_usd"] == "175.00000000"
    assert "stands still" in (folder / "devnet.log").read_text()
    assert "over: the price stands still" in leverd("status", "--dir", str(folder))
