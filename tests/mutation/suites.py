"""The fast suites, collected once; a trial runs some of their tests in a fork.

Tests of a property get fewer and always the same examples: a mutant's fate is the same in
every run.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, Phase, settings
from tests.mutation.reach import Reach, lines_of

SUITES: Final = (
    *(f"tests/unit/{room}" for room in ("domain", "risk", "execution", "engine", "agents", "spot")),
    "tests/contract",
    "tests/property",
    "tests/safety",
)
SLOW: Final = ("tests/property/test_slots_on_a_chain.py", "tests/safety/test_only_a_human_halts.py")
"""Searches of many worlds and of sources, each worth seconds."""
ABSENT: Final = ("randomly", "xdist", "benchmark", "cacheprovider")
EXAMPLES: Final = 30
PATIENCE_S: Final = 3
SLOWER: Final = 10
FOREVER: Final = defaultdict[str, float](lambda: 100)


def options(temporary: Path) -> list[str]:
    """Return pytest's arguments: in order, silent, without chains, on an empty folder."""
    chosen = ["-m", "not chain and not prove", "-s", "-qq", "--tb=no", f"--basetemp={temporary}"]
    chosen += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plug-ins that we import too
    chosen += [f"--ignore={each}" for each in SLOW]
    return [*chosen, *(f"-pno:{each}" for each in ABSENT)]


class Suites:
    """A plug-in that hands what was collected to `work` instead of running it."""

    def __init__(self, work: Callable[[Suites], None], temporary: Path) -> None:
        self._work = work
        self._temporary = temporary
        self._items: dict[str, pytest.Item] = {}
        self._failed = ""

    @property
    def tests(self) -> Sequence[str]:
        """The ids of all tests."""
        return tuple(self._items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what was collected."""
        self._items = {item.nodeid: item for item in session.items}
        for item in session.items:
            _give_few_examples(item)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do the work."""
        assert not session.testsfailed, "the suites do not import"
        self._work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self._failed = report.nodeid

    def first_failure(self, tests: Sequence[str], took: Mapping[str, float]) -> str:
        """Return the first of `tests` that fails, "" if all pass. To be called in a fork.

        It is ended by a signal once a test is much slower than it `took`, in processor seconds.
        """
        for here, following in zip(tests, [*tests[1:], None], strict=True):
            item = self._items[here]
            signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S + SLOWER * took[here])
            after = None if following is None else self._items[following]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self._failed:
                return self._failed
        return ""

    def measure(self, coverage: Coverage, known: Reach) -> Reach | str:
        """Return which test reaches what, or why there is nothing to tell; `known` is known.

        To be called in a fork, before anything is spoilt.
        """
        took = {}
        for test in [each for each in self.tests if each not in known.took]:
            coverage.switch_context(test)
            began = time.process_time()
            if self.first_failure([test], FOREVER):
                return f"{test} fails"
            took[test] = time.process_time() - began
        coverage.stop()
        still = known.only(test for test in self.tests if test in known.took)
        return still.plus(Reach(lines_of(coverage), took))

    def clean(self) -> None:
        """Remove what trials left."""
        for left in self._temporary.glob("*"):
            shutil.rmtree(left, ignore_errors=True)


def few_examples() -> None:
    """Have tests of properties that say nothing else run few examples, always the same."""
    settings.register_profile(
        "mutation",
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")


def _give_few_examples(item: pytest.Item) -> None:
    """Do the same to a test, or a machine of states, that says how many."""
    machine: Any = getattr(item, "cls", None)
    if isinstance(getattr(machine, "settings", None), settings):
        machine.settings = settings(machine.settings, max_examples=EXAMPLES // 2)
    function: Any = getattr(item, "function", None)
    own = getattr(function, "_hypothesis_internal_use_settings", None)
    if own is not None:
        few = min(own.max_examples, EXAMPLES)
        function._hypothesis_internal_use_settings = settings(own, max_examples=few)


def collect(work: Callable[[Suites], None], temporary: Path) -> int:
    """Return pytest's code after `work` was given what it collected."""
    few_examples()
    return int(pytest.main([*options(temporary), *SUITES], plugins=[Suites(work, temporary)]))
