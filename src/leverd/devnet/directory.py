"""A devnet's folder: who runs in it, where it answers, and what it holds between runs.

lock             held by the kernel for as long as the process lives
endpoint.json    where it answers; there only while it runs, or after it was killed
deployment.json  every address
saved.gz         the chain at rest, with its recipe
generation       how often the folder was reset
port             where it answered last
operator.json    the daemon's throw-away key, password beside it; owner.json likewise
devnet.log       what a detached one says
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from leverd.devnet import wall
from leverd.devnet.deployment import Deployment
from leverd.devnet.saved import Saved
from leverd.errors import NonsenseError, OwnerError

_PATIENCE_S: Final = 2.0

DEFAULT: Final = Path("var/devnet")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running devnet answers."""

    pid: int
    url: str  # for the agent and the outside
    node_url: str  # anvil itself, with all its powers: for tests and the curious
    speed: float  # chain seconds a wall second
    block_s: int  # chain seconds a block


@dataclass(frozen=True, slots=True)
class Directory:
    """The files of one devnet."""

    folder: Path

    @property
    def log(self) -> Path:
        """What a detached devnet writes."""
        return self.folder / "devnet.log"

    def make(self) -> Self:
        """Create the folder, for its owner alone."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; the kernel lets go when the process ends, however it ends.

        Raises:
            OwnerError: another devnet holds it.
        """
        deadline = wall.monotonic() + _PATIENCE_S
        handle = self._open_lock()
        try:
            while not _taken(handle):  # somebody may only be looking whether one runs
                if wall.monotonic() > deadline:
                    raise OwnerError(
                        f"a devnet already runs in {self.folder}",
                        number=51,
                        remedy="use that one, or `leverd devnet down`",
                    )
                wall.pause(0.01)
            yield
        finally:
            os.close(handle)

    def is_held(self) -> bool:
        """Return whether a devnet runs in the folder."""
        if not (self.folder / "lock").exists():
            return False
        handle = self._open_lock()
        try:
            return not _taken(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)

    def endpoint(self) -> Endpoint | None:
        """Return where the last devnet answered, None if it stopped in order or never ran.

        Raises:
            NonsenseError: the file holds something else.
        """
        file = self.folder / "endpoint.json"
        try:
            return Endpoint(**json.loads(file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise NonsenseError(f"{file} is no endpoint", number=45) from error

    def announce(self, endpoint: Endpoint, deployment: Deployment) -> None:
        """Say where the devnet answers; the addresses first, so that who sees one sees both."""
        deployment.save(self.folder / "deployment.json")
        (self.folder / "port").write_text(endpoint.url.rpartition(":")[2])
        part = self.folder / "endpoint.part"
        part.write_text(json.dumps(asdict(endpoint)) + "\n")
        part.replace(self.folder / "endpoint.json")

    def last_port(self) -> int:
        """Return the port the last devnet answered at if it is free, else 0.

        Whoever was attached then finds the next one at the same place.
        """
        try:
            port = int((self.folder / "port").read_text())
            with socket.create_server(("127.0.0.1", port)):
                return port
        except (OSError, ValueError, OverflowError):
            return 0

    def retract(self) -> None:
        """Take the endpoint away: stopped in order."""
        (self.folder / "endpoint.json").unlink(missing_ok=True)

    def deployment(self) -> Deployment:
        """Return the addresses.

        Raises:
            NonsenseError: there are none.
        """
        return Deployment.load(self.folder / "deployment.json")

    def saved(self) -> Saved | None:
        """Return the chain at rest, None before the first save.

        Raises:
            NonsenseError: it cannot be read.
        """
        return Saved.read(self.folder / "saved.gz")

    def save(self, saved: Saved) -> None:
        """Keep the chain."""
        saved.write(self.folder / "saved.gz")

    def generation(self) -> int:
        """Return how often the folder was reset."""
        try:
            return int((self.folder / "generation").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def clear(self) -> None:
        """Forget the chain; the next one is another, also to a journal."""
        generation = self.generation() + 1
        part = self.folder / "generation.part"
        part.write_text(f"{generation}\n")
        part.replace(self.folder / "generation")
        for name in ("saved.gz", "deployment.json", "endpoint.json"):
            (self.folder / name).unlink(missing_ok=True)

    def _open_lock(self) -> int:
        return os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _taken(handle: int, how: int = fcntl.LOCK_EX) -> bool:
    """Try to lock the open file; return whether that worked. Who only looks, shares it."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
