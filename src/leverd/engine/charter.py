"""What a daemon is made of: the owner's settings as one object, and the world around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from leverd.domain.position import Mandate
from leverd.engine.foresight import Foresight
from leverd.engine.memory_guard import MemoryGuard
from leverd.engine.pace import Pace
from leverd.engine.recorder import Recorder
from leverd.engine.turn import Seat, Timing
from leverd.execution.executor import Executor
from leverd.interfaces.clock import Clock
from leverd.interfaces.notifier import Notifier
from leverd.interfaces.requests import Requests
from leverd.interfaces.supervisor import Alone, Supervisor
from leverd.interfaces.venue import Venue
from leverd.interfaces.watcher import Nobody, Watcher
from leverd.risk.limits import Limits

if TYPE_CHECKING:
    from leverd.engine.tuning import Tuner


@dataclass(frozen=True, slots=True)
class Charter:
    """What the owner's settings make of a daemon."""

    version: str
    mode: str
    settings_hash: str
    mandates: Sequence[Mandate]
    seats: Mapping[str, Sequence[Seat]]  # by position id
    limits: Limits
    timing: Timing
    pace: Pace
    speed: float  # chain seconds a wall second, 1 on a real chain
    stop_grace_s: float  # wall seconds to settle what is in flight when asked to stop
    on_real_chain: bool = False  # a look is at one, whose time is the wall's, though on paper

    @property
    def is_live(self) -> bool:
        """Whether a block is as old as its time says."""
        return self.mode == "live" or self.on_real_chain


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside the core, chosen once."""

    clock: Clock
    venue: Venue
    recorder: Recorder
    requests: Requests
    notifier: Notifier
    executor: Executor
    memory: MemoryGuard
    beat: Callable[[datetime], None]  # told when a turn ended, by our clock
    supervisor: Supervisor = field(default_factory=Alone)
    dependencies: Callable[[], Mapping[str, str]] = dict  # name -> closed | open | half_open
    watcher: Watcher = field(default_factory=Nobody)  # who watches from outside
    tuner: Tuner | None = None  # where new settings come from while it runs
    foresight: Foresight | None = None  # None: nobody predicts anything
