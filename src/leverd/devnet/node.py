"""One anvil as a child process on a loopback port."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from leverd.devnet import places, wall
from leverd.devnet.rpc import Rpc
from leverd.errors import UnreachableError

CHAIN_ID: Final = 31337
BLOCK_GAS: Final = 36_000_000
ACCOUNTS: Final = 16
_HOME: Final = "leverd-anvil-"
_START_S: Final = 20.0
_START_FORK_S: Final = 60.0  # it asks another node for its newest block first
_STOP_S: Final = 10.0
_TOLD: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "TMPDIR", "RAYON_NUM_THREADS")
_SAID: Final = "stderr"
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_WORDS_MAX: Final = 300
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """How an anvil starts. The chain's clock is always said, never the wall's."""

    genesis_at: int = 0  # unix seconds; a fork goes on from its block's
    state: Path | None = None  # a saved state to resume, JSON
    port: int = 0  # 0: any free one
    fork: str = ""  # the node whose newest block it begins from, "" from nothing


class Node:
    """A running anvil; `rpc` is the caller's connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, home: Path) -> None:
        self._process = process
        self._home = home
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.rpc = Rpc(self.url)

    @classmethod
    def start(cls, options: NodeOptions) -> Self:
        """Return a node that answers.

        Raises:
            OwnerError: there is no anvil binary.
            UnreachableError: it did not come up.
        """
        port = options.port or free_port()
        _sweep_homes()
        home = Path(tempfile.mkdtemp(prefix=f"{_HOME}{os.getpid()}-"))
        with (home / _SAID).open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 -- our own binary, our own arguments
                [str(places.anvil()), *_flags(options, port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                # anvil writes old blocks below HOME and leaves them: give it one that goes with it
                env={**_own_environment(), "HOME": str(home)},
                start_new_session=True,  # Ctrl-C is ours to handle: state is saved before it ends
                preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one prctl call, no locks taken
            )
        node = cls(process, port, home)
        try:
            node._wait_until_up(_START_FORK_S if options.fork else _START_S)
            node._steady_clock()
        except BaseException:
            node.stop()
            raise
        return node

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether the process still runs."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """Return what it complained of before it crashed, "" if it did not say."""
        said = (self._home / _SAID).read_text("utf-8", "replace")
        found = re.search(r"^Message: +(.+)$", _COLOURS.sub("", said), re.MULTILINE)
        return found[1][:_WORDS_MAX] if found else ""

    def stop(self) -> None:
        """End the process; what it held in memory is gone."""
        self.rpc.close()
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _wait_until_up(self, seconds: float) -> None:
        deadline = wall.monotonic() + seconds
        while wall.monotonic() < deadline and self.alive():
            try:
                self.rpc.ask("web3_clientVersion")
            except UnreachableError:
                wall.pause(0.01)
            else:
                if self.alive():  # or somebody else has taken the port
                    return
        raise UnreachableError(f"anvil did not come up on port {self.port}", number=41)

    def _steady_clock(self) -> None:
        """A loaded state starts on the wall's clock, and would jump years: set it back first."""
        head = self.rpc.block()
        self.rpc.ask("anvil_setTime", int(head["timestamp"], 16))
        self.rpc.ask("anvil_setBlockTimestampInterval", 12)


def _own_environment() -> dict[str, str]:
    """Return what of our environment another program needs: no key and no password is."""
    return {name: os.environ[name] for name in _TOLD if name in os.environ}


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _sweep_homes() -> None:
    """Remove what nodes of killed processes left behind."""
    for home in Path(tempfile.gettempdir()).glob(f"{_HOME}*-*"):
        pid = home.name.removeprefix(_HOME).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(home, ignore_errors=True)


def _flags(options: NodeOptions, port: int) -> Sequence[str]:
    flags: dict[str, object] = {
        "--port": port,
        "--host": "127.0.0.1",
        "--chain-id": CHAIN_ID,
        "--hardfork": "prague",
        "--gas-limit": BLOCK_GAS,
        "--accounts": ACCOUNTS,
        "--balance": 10_000_000,
        "--order": "fees",
        "--prune-history": 64,
        "--transaction-block-keeper": 2048,  # receipts of older blocks are dropped
        "--threads": 2,
    }
    flags |= {"--fork-url": options.fork} if options.fork else {"--timestamp": options.genesis_at}
    words = [str(word) for pair in flags.items() for word in pair]
    loads = ["--load-state", str(options.state)] if options.state else []
    # A turn reads a thousand positions in one request, which is more than anvil's usual 2 MB.
    return [*words, *loads, "--no-mining", "--no-request-size-limit", "--quiet"]


def _die_with_parent() -> None:
    """Have the kernel end anvil when its parent dies, so that kill -9 leaves no orphan."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
