"""A hunt through mutants: each is planted in a fork and chased by the tests that reach it."""

from __future__ import annotations

import gc
import math
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation import planting, reach, remembered, suites
from tests.mutation.mutants import ROOMS, Mutant
from tests.mutation.reach import Reach
from tests.mutation.suites import Suites
from tests.mutation.trial import Fate, in_fork

MEASURE_S: Final = 900
FOREVER_S: Final = 10**6
PLANTING_S: Final = 10
ANEW: Final = "to be imported anew"
PATIENCE: Final = 5
"""How many times longer than unspoilt a mutant may take, plus STARTING_S seconds."""
STARTING_S: Final = 15
SLOWER: Final = 8
"""How many times longer than its processor time it may take by the clock of a busy machine."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant."""

    mutant: Mutant
    fate: Fate
    killer: str  # the test that failed, empty if none did
    reaching: int  # how many tests reach it


def hunt(
    mutants: Sequence[Mutant], told: Callable[[Result], None], *, memory: Path, most_s: float
) -> None:
    """Chase every one of `mutants` with tests worth `most_s`, and tell what became of each.

    A fork collects the suites, and forks for every mutant; only those that have to be
    imported anew are left to this process, which never imported anything of the rooms.
    """
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "tests"
        known = _measured(temporary, memory)

        def chase() -> list[Mutant]:
            left: list[Mutant] = []

            def work(suite: Suites) -> None:
                left.extend(_chase(suite, known, mutants, told, most_s))

            suites.collect(work, temporary)
            return left

        left = in_fork(chase, cpu_s=FOREVER_S, wall_s=FOREVER_S, silent=False).answer
        if left is None:
            raise RuntimeError("the suites ended before the hunt did")
        for mutant in left:
            told(_try_anew(known, mutant, temporary, most_s))


def _measured(temporary: Path, memory: Path) -> Reach:
    """Return what tests reach; also shows that all of them pass in a fork, unspoilt."""

    def work() -> Reach | str:
        found: list[Reach | str] = []
        coverage, known = reach.watch(ROOMS), remembered.recall(memory)
        code = suites.collect(lambda suite: found.append(suite.measure(coverage, known)), temporary)
        return found[0] if found else f"pytest's code is {code}"

    told = in_fork(work, cpu_s=MEASURE_S, wall_s=SLOWER * MEASURE_S)
    if not isinstance(told.answer, Reach):
        raise RuntimeError(f"without any mutant: {told.answer or 'no answer in time'}")  # noqa: TRY004 -- no type of ours is wrong
    remembered.remember(memory, told.answer)
    return told.answer


def _chase(
    suite: Suites,
    known: Reach,
    mutants: Sequence[Mutant],
    told: Callable[[Result], None],
    most_s: float,
) -> Iterator[Mutant]:
    """Tell the fate of `mutants`; yield those that cannot be planted into what lives."""
    living = planting.Living()
    gc.collect()
    gc.freeze()
    gc.disable()
    for mutant in mutants:
        tests = known.within(known.of(mutant), most_s)
        work = _planted(suite, living, mutant, tests, known)
        result = _result(mutant, tests, work, known)
        suite.clean()
        if result.killer == ANEW:
            yield mutant
        else:
            told(result)


def _planted(
    suite: Suites, living: planting.Living, mutant: Mutant, tests: Sequence[str], known: Reach
) -> Callable[[], str]:
    def work() -> str:
        signal.setitimer(signal.ITIMER_VIRTUAL, PLANTING_S)  # an import may never end
        try:
            anew = known.acts_at_import(mutant)
            planted = planting.carry(mutant) if anew else living.exchange(mutant)
        except Exception as error:  # noqa: BLE001 -- whatever a spoilt import does
            return f"no import: {error!r}"
        return suite.first_failure(tests, known.took) if planted else ANEW

    return work


def _try_anew(known: Reach, mutant: Mutant, temporary: Path, most_s: float) -> Result:
    """Return the fate of a mutant that a new import gives."""
    tests = known.within(known.of(mutant), most_s)

    def work() -> str:
        planting.plant(mutant)
        found: list[str] = []
        code = suites.collect(
            lambda suite: found.append(suite.first_failure(tests, known.took)), temporary
        )
        return found[0] if found else f"no import: {code}"

    return _result(mutant, tests, work, known)


def _result(mutant: Mutant, tests: Sequence[str], work: Callable[[], str], known: Reach) -> Result:
    cpu_s = STARTING_S + math.ceil(PATIENCE * sum(known.took[test] for test in tests))
    told = in_fork(work, cpu_s=cpu_s, wall_s=SLOWER * cpu_s)
    if told.answer is None:
        fate = Fate.TIMED_OUT if told.late else Fate.KILLED
        return Result(mutant, fate, "", len(tests))
    return Result(mutant, Fate.KILLED if told.answer else Fate.SURVIVED, told.answer, len(tests))
