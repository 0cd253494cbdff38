"""What a seed means: the world a schedule begins in, and what will go wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

STORM_S = (200, 480)
"""Chain seconds in which things go wrong."""

CRASHES_FROM = 10_000
"""Seed from which on some storms are crashes: gas is dear just when prices fall, and stays so."""


class Fault(StrEnum):
    """Everything that can go wrong, as it is counted."""

    DELAYED = "answer delayed"
    UNREACHABLE = "request dropped"
    ANSWER_LOST = "answer dropped"
    SEND_DROPPED = "send confirmed and forgotten"
    SEND_DOUBLED = "send duplicated"
    SEND_LATE = "send delivered late, out of order"
    NONSENSE = "answer that cannot be true"
    HALF = "nonce counted before its receipt"
    STALE_NODE = "node stuck on an old or other head"
    REORG = "reorganisation"
    EVICTED = "mempool emptied"
    STRANGER = "nonce spent elsewhere"
    STALL = "no blocks"
    SLOW = "slow inclusion"
    GAS = "gas spike"
    THIN = "liquidity gone"
    APART = "market away from oracle"
    GAP = "price gap"
    CLOCK = "wall clock jumped"
    DEATH = "process died"
    STOP = "process stopped and started"
    DISK_FULL = "disk full"
    DISK_SLOW = "disk slow"
    TORN = "commit torn"
    TAIL_LOST = "durable tail lost"
    DAMAGED = "database page overwritten"
    PRUNED = "state of a block kept no more"


NETWORK = (
    Fault.DELAYED,
    Fault.UNREACHABLE,
    Fault.ANSWER_LOST,
    Fault.SEND_DROPPED,
    Fault.SEND_DOUBLED,
    Fault.SEND_LATE,
    Fault.NONSENSE,
    Fault.HALF,
)
"""What becomes of single calls."""

EVENTS = (
    Fault.STALE_NODE,
    Fault.REORG,
    Fault.EVICTED,
    Fault.STRANGER,
    Fault.STALL,
    Fault.SLOW,
    Fault.GAS,
    Fault.THIN,
    Fault.APART,
    Fault.GAP,
    Fault.CLOCK,
    Fault.DEATH,
    Fault.STOP,
    Fault.DISK_FULL,
    Fault.DISK_SLOW,
)
"""What happens at a time."""


@dataclass(frozen=True)
class Happening:
    """One fault at one time, for a while."""

    at: float  # seconds since the start
    fault: Fault
    lasts: float
    size: float  # 0 to 1, what it means depends on the fault


@dataclass(frozen=True)
class Draw:
    """Everything a seed decides before the first event."""

    seed: int
    sql: bool  # the journal is SQLite
    live: bool  # views age by the wall clock
    atomic: bool
    accounts: int
    leverage: str  # each position starts at, "" is not opened yet
    storm_s: int
    chances: dict[Fault, float]  # of each call
    happenings: tuple[Happening, ...]
    fuses: tuple[int, ...]  # outside steps until each life ends by itself, 0 for never
    tears: bool  # a death may tear the commit under way
    forgets: Fault | None  # what a death does to what was durable
    wish: str  # what the owner asks for half-way
    wish_at: float
    stop_at_drop: str  # limits.portfolio_stop
    noise: int = field(default=0)  # seeds everything drawn later
    states_max: int = 0  # newest blocks whose state the nodes keep in the storm, 0 for all
    relay_blocks: int | None = None  # blocks that a private relay is given
    spare_pages: int = 60  # what a full disk gets back from the journal's reserve

    @property
    def dice(self):
        return Random(self.noise)


def drawn(seed: int) -> Draw:
    """Return what `seed` means."""
    dice = Random(seed)
    storm = dice.randint(*STORM_S)
    kinds = dice.sample(NETWORK, dice.choice((0, 1, 1, 2, 3)))
    timed = dice.sample(EVENTS, dice.choice((1, 1, 2, 3, 4)))
    timed += [Fault.GAP] * dice.choice((0, 1, 1, 2))
    forgets = None
    if dice.random() < 0.05:
        forgets = dice.choice((Fault.TAIL_LOST, Fault.DAMAGED))
    fuses = _fuses(dice, dies=dice.random() < 0.4 or forgets is not None)
    happenings = [_happening(dice, fault, storm) for fault in timed for _ in range(_times(dice))]
    crash = _crash(Random(f"crash {seed}")) if seed >= CRASHES_FROM else []
    return Draw(
        seed=seed,
        sql=dice.random() < 0.25 or forgets is not None,
        live=dice.random() < 0.5,
        atomic=dice.random() < 0.7,
        accounts=2 if dice.random() < 0.1 else 1,
        leverage=dice.choice(("", "", "", "2.5", "2.5", "2.1", "2.95", "1.4")),
        storm_s=max(storm, 900) if crash else storm,
        chances={kind: dice.choice((0.03, 0.1, 0.25)) for kind in kinds},
        happenings=tuple(sorted((*happenings, *crash), key=lambda each: each.at)),
        fuses=fuses,
        tears=dice.random() < 0.5,
        forgets=forgets,
        wish=dice.choice(("", "", "", "", "", "", "pause", "reduce", "halt", "unwind")),
        wish_at=dice.uniform(0, storm),
        stop_at_drop=dice.choice(("0.6", "0.6", "0.6", "0.3")),
        noise=dice.getrandbits(64),
        **_later(Random(f"later {seed}")),
    )


def _later(dice: Random):
    """Return what was thought of later: drawn apart, so that older seeds mean what they meant."""
    return {
        "states_max": dice.choice((2, 3, 6)) if dice.random() < 0.1 else 0,
        "relay_blocks": dice.choice((1, 3)) if dice.random() < 0.15 else None,
        "spare_pages": dice.choice((60, 60, 4)),
    }


def _crash(dice: Random) -> list[Happening]:
    """Return three falls while gas costs ten times as much and more; seldom."""
    if dice.random() >= 0.05:
        return []
    at = dice.uniform(5, 40)
    falls = [at + 70 * step + dice.uniform(1, 40) for step in range(3)]
    dear = Happening(at, Fault.GAS, 900, dice.uniform(0.8, 1))
    return [dear, *(Happening(each, Fault.GAP, 0, dice.uniform(0.4, 0.79)) for each in falls)]


def _fuses(dice: Random, *, dies: bool) -> tuple[int, ...]:
    """Return how long each life lasts; the last goes on for ever."""
    if not dies:
        return ()
    return tuple(
        dice.randint(1, dice.choice((12, 40, 160))) for _ in range(dice.choice((1, 1, 2, 4)))
    )


def _times(dice: Random) -> int:
    return dice.choice((1, 1, 2, 3))


def _happening(dice: Random, fault: Fault, storm: int) -> Happening:
    longest = 600 if fault is Fault.GAS else 200
    return Happening(dice.uniform(5, storm), fault, dice.uniform(12, longest), dice.random())
