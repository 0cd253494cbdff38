"""The real chain, as one validator of its own on loopback. For tests alone: its licence says so."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyinjective.wallet import PrivateKey

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".setup/injective-core/bin/python"
CHAIN_ID = "injective-1"
BASE, QUOTE = "inj", "usdt"
DAY = "86400s"


@dataclass(frozen=True)
class Trader:
    """Somebody with money in the genesis."""

    key: str

    @property
    def address(self) -> str:
        return str(PrivateKey.from_hex(self.key).to_public_key().to_address().to_acc_bech32())


MAKER, TAKER, STRANGER = (Trader(f"{digit}" * 64) for digit in (1, 2, 3))


def binary() -> Path:
    """Return the node's own file, which `prepare` had the package unpack."""
    assert PYTHON.exists(), "run tests/injective/prepare, as `make test` does"
    asked = "import injective_core; print(injective_core.get_binary_path())"
    return Path(subprocess.check_output([PYTHON, "-c", asked], text=True).strip())


class Injectived:
    """One running node and its ports."""

    def __init__(self) -> None:
        self._binary = binary()
        self._home = Path(tempfile.mkdtemp(prefix="leverd-injectived-"))
        names = ("grpc", "stream", "rpc", "p2p", "pprof", "evm", "evm_ws", "metrics")
        self.ports = dict(zip(names, _free_ports(len(names)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.ports['grpc']}"

    @property
    def stream(self) -> str:
        return f"127.0.0.1:{self.ports['stream']}"

    def create(self) -> None:
        """Write a genesis in which the traders are rich and orders may cross at once."""
        self._run("init", "one", "--chain-id", CHAIN_ID)
        told = self._run(
            "keys", "add", "validator", "--keyring-backend", "test", "--output", "json"
        )
        validator = json.loads(told[told.index("{") :])["address"]
        rich = f"1{'0' * 24}{BASE},1{'0' * 18}{QUOTE}"
        for address in (validator, *(one.address for one in (MAKER, TAKER, STRANGER))):
            self._run("add-genesis-account", address, rich, "--chain-id", CHAIN_ID)
        self._patch_genesis()
        stake = ("gentx", "validator", f"1{'0' * 21}{BASE}", "--keyring-backend", "test")
        self._run("genesis", *stake, "--chain-id", CHAIN_ID)
        self._run("genesis", "collect-gentxs")
        self._patch_settings()

    def start(self) -> None:
        """Run, until the port answers."""
        with (self._home / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [self._binary, "start", "--home", self._home, "--log-level", "error"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self._environment(),
            )
        deadline = time.monotonic() + 120  # noqa: TID251 -- a process of its own
        while time.monotonic() < deadline:  # noqa: TID251
            assert self._process.poll() is None, self.last_words()
            if _answers(self.ports["grpc"]) and _answers(self.ports["stream"]):
                return
            time.sleep(0.1)  # noqa: TID251
        raise AssertionError(self.last_words())

    def freeze(self) -> None:
        """Let it answer nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def last_words(self) -> str:
        return (self._home / "said").read_text("utf-8", "replace")[-2000:]

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [self._binary, *words, "--home", self._home],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout + done.stderr

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **kept,
            "HOME": str(self._home),
            "LD_LIBRARY_PATH": str(self._binary.parent),
            "GOMAXPROCS": "1",
        }

    def _patch_genesis(self) -> None:
        path = self._home / "config/genesis.json"
        genesis = json.loads(path.read_text())
        state: dict[str, Any] = genesis["app_state"]
        exchange = state["exchange"]
        exchange["params"] |= {
            "post_only_mode_blocks_amount": "1",
            "post_only_mode_blocks_amount_after_downtime": "1",
        }
        exchange["denom_min_notionals"] = [{"denom": QUOTE, "min_notional": "1.0"}]
        state["staking"]["params"]["bond_denom"] = BASE
        state["crisis"]["constant_fee"]["denom"] = BASE
        state["mint"]["params"]["mint_denom"] = BASE
        path.write_text(json.dumps(genesis))

    def _patch_settings(self) -> None:
        here = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        _set(
            self._home / "config/app.toml",
            {
                ("api", "enable"): False,
                ("grpc", "address"): here["grpc"],
                ("grpc-web", "enable"): False,
                ("json-rpc", "enable"): False,
                ("json-rpc", "metrics-address"): here["metrics"],
                ("chainstream", "server"): here["stream"],
            },
        )
        _set(
            self._home / "config/config.toml",
            {
                ("rpc", "laddr"): f"tcp://{here['rpc']}",
                ("rpc", "pprof_laddr"): "",
                ("p2p", "laddr"): f"tcp://{here['p2p']}",
                ("consensus", "timeout_commit"): "300ms",
            },
        )


def _set(path: Path, changes: dict[tuple[str, str], Any]) -> None:
    """Change values of a toml file, which must have them."""
    section, lines, left = "", [], dict(changes)
    for line in path.read_text().splitlines():
        if found := re.fullmatch(r"\[([\w.-]+)\]", line.strip()):
            section = found[1]
        name = line.partition("=")[0].strip()
        if (section, name) in left:
            lines.append(f"{name} = {json.dumps(left.pop((section, name)))}")
        else:
            lines.append(line)
    assert not left, left
    path.write_text("\n".join(lines) + "\n")


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0
