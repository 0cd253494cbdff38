"""Whatever a settings file holds: refused with its line, infeasible with numbers, or runnable."""

from __future__ import annotations

import re
import resource
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.hostile.commands import ROOT, run_all
from tests.hostile.mutations import SHIPPED, filled_live, mutant
from tests.prove.tally import tell
from tests.unit.settings.owner_file import load

from leverd.bootstrap import feasible
from leverd.errors import InfeasibleError, SettingsError
from leverd.settings import MalformedError, as_yaml, exact_yaml

RECORDED = ROOT / "config" / "markets" / "weth-usdc.json"
CASE_S = 60.0  # of a machine that does other things as well
MEMORY_MB_MAX = 200
PLACED = re.compile(r"^  LVD-CFG-\d{3} \S*settings\.yaml:\d+: ", re.MULTILINE)

FILES = [
    pytest.param(range(250), id="0-249"),
    *(
        pytest.param(range(first, first + 1_000), id=f"{first}-{first + 999}",
                     marks=pytest.mark.prove)
        for first in range(0, 10_000, 1_000)
    ),
]  # fmt: skip
COMMANDS = [
    pytest.param(range(10_000, 10_020), id="20"),
    pytest.param(range(10_000, 10_200), id="200", marks=pytest.mark.prove),
]


@contextmanager
def limited_to(seconds: float) -> Iterator[None]:
    """Raise inside when it takes longer."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def fate(file) -> str:
    """Return what became of a file, once that is seen to be an answer for its owner."""
    try:
        settings = load(file)
    except MalformedError as error:
        str(error).encode()  # can be shown
        for problem in error.problems:
            assert problem.code.startswith("LVD-CFG-")
            assert problem.place.source == str(file)
            assert problem.place.line > 0, problem
        return "refused with a line"
    again = file.with_name("again.yaml")
    again.write_text(exact_yaml(settings), "utf-8")
    assert load(again) == settings
    as_yaml(settings).encode()
    return _judged(settings)


def _judged(settings) -> str:
    try:
        feasible.check(settings, RECORDED)
    except InfeasibleError as error:
        said = str(error)
    except SettingsError:
        return "refused with a line"
    else:
        return "runnable"
    assert re.search(r"\d", said), said
    return "infeasible with numbers"


@pytest.mark.parametrize("seeds", FILES)
def test_a_spoilt_file_is_refused_with_its_line_or_can_be_run(tmp_path, seeds):
    file = tmp_path / "settings.yaml"
    fates, before = Counter[str](), peak_mb()
    for seed in seeds:
        file.write_bytes(mutant(seed))
        try:
            with limited_to(CASE_S):
                fates[fate(file)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    assert peak_mb() - before < MEMORY_MB_MAX
    assert all(fates[each] for each in ("refused with a line", "runnable")), fates
    tell("spoilt files", seeds=f"{seeds[0]}-{seeds[-1]}", how="in process", **_named(fates))


@pytest.mark.parametrize("seeds", COMMANDS)
def test_a_spoilt_file_is_answered_by_the_command(tmp_path, seeds):
    orders = []
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "settings.yaml").write_bytes(mutant(seed))
        named = str(folder / "settings.yaml")
        orders.append(("config", "check", "-c", named, "--market", str(RECORDED)))
    fates = Counter[str]()
    for seed, answer in zip(seeds, run_all(orders, tmp_path), strict=True):
        whole = answer.out + answer.err
        assert answer.code in {0, 2, 6}, (seed, answer)
        assert "Traceback" not in whole, (seed, whole)
        if answer.code == 2:
            assert PLACED.search(answer.err) or "LVD-CFG" in answer.err.split()[0], (seed, whole)
        if answer.code == 6:
            assert re.search(r"\d", answer.err), (seed, whole)
        fates[
            {0: "runnable", 2: "refused with a line", 6: "infeasible with numbers"}[answer.code]
        ] += 1
    tell("spoilt files", seeds=f"{seeds[0]}-{seeds[-1]}", how="by command", **_named(fates))


def test_the_files_that_are_spoilt_are_right_to_begin_with(tmp_path):
    file = tmp_path / "settings.yaml"
    for whole in (SHIPPED, filled_live()):
        file.write_text(whole, "utf-8")
        assert fate(file) == "runnable"
    orders = [("config", "check", "-c", str(file), "--market", str(RECORDED))]
    assert [each.code for each in run_all(orders, tmp_path)] == [0]


def _named(fates: Counter[str]) -> dict[str, int]:
    return {
        "refused": fates["refused with a line"],
        "infeasible": fates["infeasible with numbers"],
        "runnable": fates["runnable"],
    }
