"""Secrets read anew while a daemon runs: beside its turns, each tried before anybody takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from leverd.domain.events import AlertRaised
from leverd.errors import LeverdError, SecretError
from leverd.settings import Change, Settings

_BROKEN: Final = 52


@dataclass(frozen=True, slots=True)
class Fresh:
    """A secret that was tried and found good."""

    told: str  # for the journal; "" where it is the one that is in use already
    take: Callable[[], None]  # puts it in the other's place; called between two turns


class Holder(Protocol):
    """Who uses a secret, and can use another one without a restart."""

    @property
    def path(self) -> tuple[str, ...]:
        """Where the settings name its place."""
        ...

    async def tried(self, settings: Settings, open_: Sequence[str]) -> Fresh | None:
        """Return the secret as it is now, None where the settings name none.

        `open_` are the positions that are open now.

        Raises:
            LeverdError: it is not there, or not good. What is in use stays in use.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """A secret that is not taken, and why."""

    path: tuple[str, ...]
    error: LeverdError


@dataclass(frozen=True, slots=True)
class Renewed:
    """What came of reading all of them."""

    fresh: Sequence[Fresh] = ()
    faults: Sequence[Fault] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What is new, for the journal."""
        return tuple(each.told for each in self.fresh if each.told)

    def check(self, found: Sequence[Change]) -> None:
        """Check that every place which `found` names anew gives a good secret.

        Raises:
            LeverdError: one does not, so the settings that name it are no good either.
        """
        for fault in self.faults:
            if any(each.path[: len(fault.path)] == fault.path for each in found):
                raise fault.error

    def alert(self) -> AlertRaised | None:
        """Return what to say of those that are not taken, None if all are good."""
        if not self.faults:
            return None
        said = "; ".join(f"{'.'.join(each.path)}: {each.error}" for each in self.faults)
        message = f"secrets read anew are not taken, the old ones stay in use: {said}"
        return AlertRaised("", self.faults[0].error.code, message)

    def take(self) -> None:
        """Put each that is good in its place."""
        for each in self.fresh:
            each.take()


class Renewal:
    """Reads them one after another, in a task beside the turns. Used by one loop."""

    def __init__(self, holders: Sequence[Holder]) -> None:
        self._holders = list(holders)
        self._task: asyncio.Task[Renewed] | None = None
        self._digest = ""

    def add(self, holder: Holder) -> None:
        """Have one more read its secret from the next time on."""
        self._holders.append(holder)

    def is_reading(self) -> bool:
        """Return whether they are being read now."""
        return self._task is not None and not self._task.done()

    def begin(
        self, settings: Settings, digest: str, open_: Sequence[str], done: Callable[[], None]
    ) -> None:
        """Begin to read those that `settings`, of files with `digest`, name; then call `done`."""
        self.forget()
        self._digest = digest
        self._task = asyncio.get_running_loop().create_task(self._read(settings, open_))
        self._task.add_done_callback(lambda task: None if task.cancelled() else done())

    def result(self, digest: str) -> Renewed | None:
        """Return what came of it, once; None where nothing was read for files with `digest`."""
        if self._task is None or self.is_reading() or self._digest != digest:
            return None
        task, self._task = self._task, None
        return task.result()

    def forget(self) -> None:
        """Have what is being read, or was, count for nothing."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _read(self, settings: Settings, open_: Sequence[str]) -> Renewed:
        fresh: list[Fresh] = []
        faults: list[Fault] = []
        for holder in self._holders:
            try:
                one = await holder.tried(settings, open_)
            except LeverdError as error:
                faults.append(Fault(holder.path, error))
            except Exception as error:  # noqa: BLE001 -- what is in use works: nobody ends for this
                faults.append(Fault(holder.path, _broken(error)))
            else:
                fresh += [] if one is None else [one]
        return Renewed(fresh, faults)


def _broken(error: Exception) -> SecretError:
    """Return `error` by its name alone: its text may quote anything."""
    return SecretError(
        f"it cannot be tried: {type(error).__name__}",
        number=_BROKEN,
        remedy="look at the place that the settings name; report it if that is in order",
    )
