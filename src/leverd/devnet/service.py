"""The devnet as a process of its own: one folder, one loop, saved as it goes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from leverd.devnet import wall
from leverd.devnet.devnet import Conduct, Devnet
from leverd.devnet.directory import Directory, Endpoint
from leverd.devnet.recipe import Recipe
from leverd.devnet.throwaway_keys import write_keystores
from leverd.errors import OwnerError

_SAVE_EVERY_S: Final = 30.0  # wall seconds: what a kill -9 may lose


@dataclass(frozen=True, slots=True)
class Service:
    """What to run, where, and how fast."""

    directory: Directory
    recipe: Recipe | None = None  # None: the saved one, else the usual one
    conduct: Conduct = field(default_factory=Conduct)
    speed: float = 60.0  # chain seconds a wall second

    def run(self, say: Callable[[str], None]) -> None:
        """Run until SIGTERM, SIGINT or SIGHUP; then save and end.

        Raises:
            OwnerError: another devnet runs in the folder, or it holds one of another recipe.
            UnreachableError: the node did not come up, or died.
        """
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        directory = self.directory.make()
        with directory.locked():
            conduct = replace(self.conduct, port=self.conduct.port or directory.last_port())
            devnet = _wake(directory, self.recipe, conduct, say)
            try:
                write_keystores(directory.folder)
                directory.save(devnet.saved())
                directory.announce(_endpoint(devnet, self), devnet.deployment)
                say(f"answers at {devnet.url}, {self.speed:g} chain seconds a second")
                self._loop(devnet, stopping, say)
                kept = self._save(devnet, say)
            finally:
                devnet.stop()
            if kept:
                directory.retract()
                say("stopped; saved")

    def _loop(self, devnet: Devnet, stopping: threading.Event, say: Callable[[str], None]) -> None:
        block_s = self.conduct.habits.block_s
        due = wall.monotonic()
        save_at = due + _SAVE_EVERY_S
        over = False
        while not stopping.wait(max(0.0, due - wall.monotonic())):
            block = devnet.step()
            for who in block.liquidated:
                say(f"block {block.number}: {who} is below 1 and being liquidated")
            if not over and devnet.driver.now >= devnet.driver.path.end:
                over = True
                say("the price path is over: the price stands still from here")
            now = wall.monotonic()
            due = max(due + block_s / self.speed, now - 1.0)  # a machine asleep is not caught up
            if now >= save_at or devnet.due_for_renewal():
                self._save(devnet, say)
                save_at = wall.monotonic() + _SAVE_EVERY_S

    def _save(self, devnet: Devnet, say: Callable[[str], None]) -> bool:
        """Save, and renew a node that has grown; return whether what was saved is on disk."""
        saved = devnet.saved()
        if devnet.due_for_renewal():
            devnet.renew(saved)
        try:
            self.directory.save(saved)
        except OSError as error:  # a full disk stops no market; the last save stays whole
            say(f"could not save: {error}")
            return False
        return True


def _wake(
    directory: Directory, recipe: Recipe | None, conduct: Conduct, say: Callable[[str], None]
) -> Devnet:
    saved = directory.saved()
    killed = directory.endpoint() is not None  # nobody took it away
    if saved is None:
        if killed:
            say("the last run was killed before it could save; beginning afresh")
        devnet = Devnet.begin(recipe or Recipe(), conduct, generation=directory.generation())
        say(f"a new market, deployed in {devnet.deployment.block} blocks")
        return devnet
    if recipe is not None and recipe != saved.recipe:
        raise OwnerError(
            f"{directory.folder} holds a devnet of another seed or path",
            number=52,
            remedy="leave seed and path out to go on with it, or `leverd devnet reset` first",
        )
    devnet = Devnet.resume(saved, directory.deployment(), conduct)
    lost = "; the last run was killed, and what it did after that is lost" if killed else ""
    say(f"goes on from block {saved.number}, chain time {saved.at}{lost}")
    return devnet


def _endpoint(devnet: Devnet, service: Service) -> Endpoint:
    return Endpoint(
        pid=os.getpid(),
        url=devnet.url,
        node_url=devnet.node.url,
        speed=service.speed,
        block_s=service.conduct.habits.block_s,
    )


def describe(directory: Directory) -> dict[str, Any]:
    """Return how the folder's devnet does: `running`, and what it says of itself."""
    from leverd.devnet.rpc import Rpc  # noqa: PLC0415 -- json alone is needed when none runs

    endpoint = directory.endpoint()
    if endpoint is None or not directory.is_held():
        state = "killed" if endpoint else "stopped"
        return {"running": False, "state": state, "folder": str(directory.folder)}
    rpc = Rpc(endpoint.url, deadline_s=5)
    told = rpc.ask("leverd_devnet")
    rpc.close()
    return {
        "running": True,
        "state": "running",
        "folder": str(directory.folder),
        "pid": endpoint.pid,
        "url": endpoint.url,
        "speed": endpoint.speed,
        **told,
    }
