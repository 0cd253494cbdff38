"""Who runs it changes no bit; a worker that dies is an error, never a missing row."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.unit.sweep.pasts import PLAIN, past_of, walk
from tests.unit.sweep.runs import zeros

from leverd.backtest.sweep.bare import bare
from leverd.backtest.sweep.blocks import arrays_of, attached, ground, ground_of, shared, terms_of
from leverd.backtest.sweep.configuration import rows
from leverd.backtest.sweep.engine import _given, local
from leverd.errors import SweepError


def tables(count):
    """Return tables of three configurations."""
    return [
        rows([type(PLAIN)(*(3 * 10**9 + 10**6 * (3 * each + at), *_rest())) for at in range(3)])
        for each in range(count)
    ]


def _rest():
    return [getattr(PLAIN, name) for name in PLAIN.__slots__[1:]]


@pytest.fixture
def over():
    past = walk(1_000, seed=6, period=24)
    return ground(past, zeros(past))


def test_two_processes_give_the_bits_and_the_order_of_one(over):
    asked = tables(7)
    with local(1)(over, bare) as run:
        one = list(run(asked))
    with local(2)(over, bare) as run:
        two = list(run(asked))
    assert len(one) == len(two) == 7
    for (table, result), (other, again), given in zip(one, two, asked, strict=True):
        assert np.array_equal(table, other)
        assert np.array_equal(table, given)
        assert result.tobytes() == again.tobytes()


def _dies(*_arguments):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_an_error_with_its_remedy():
    past = past_of([2_000, 2_400, 2_500])  # upon an edge, so that the exact engine is asked
    upon = rows([type(PLAIN)(3 * 10**9, 2_250_000_000, *_rest()[1:5], 0, 9_300, 0, 0)])
    with (
        pytest.raises(SweepError, match="a worker was ended") as caught,
        local(2)(ground(past, zeros(past)), _dies) as run,
    ):
        list(run([upon]))
    assert caught.value.code == "LVD-SWP-013"


_KILLED = """
import os, signal, sys, time
from tests.unit.sweep.pasts import walk
from tests.unit.sweep.runs import zeros
from tests.unit.sweep.test_engine import killing, tables
from leverd.backtest.sweep.blocks import ground
from leverd.backtest.sweep.engine import _given, local

if __name__ == "__main__":
    past = walk(50)
    with local(2)(ground(past, zeros(past)), print) as run:
        list(run(killing(tables(99))))
"""


def killing(asked):
    """Yield tables, tell of the workers once there are some, and kill this process."""
    yield from asked[:4]
    workers = [each.pid for each in multiprocessing.active_children()]
    sys.stdout.write(" ".join(map(str, workers)))
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_end_with_the_process_that_began_them_however_that_ends(tmp_path):
    """They write where it wrote: nobody reads that to its end before all of them are gone."""
    file = tmp_path / "killed.py"
    file.write_text(_KILLED)
    root = Path(__file__).parents[3]
    paths = os.pathsep.join([str(root), str(root / "src")])
    ended = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=900,  # it takes seconds, and for ever where they stay
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(ended.stdout.split()) == 2


def test_a_ground_is_the_same_in_shared_memory(over):
    block, plan = shared(over)
    try:
        other, seen = attached(plan)
        assert seen.past.digest() == over.past.digest()
        for one, two in zip(arrays_of(over), arrays_of(seen), strict=True):
            assert np.array_equal(one, two)
        del one, two, seen
        other.close()
    finally:
        block.close()
        block.unlink()
    again = ground_of(arrays_of(over), terms_of(over.past))
    assert again.past.digest() == over.past.digest()


def test_a_worker_is_begun_deaf_to_ctrl_c():
    class Pool:
        def submit(self, _work, _table):
            self.deaf = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            return self

        def result(self):
            return zeros

    pool = Pool()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert _given(pool, tables(1)[0])() is zeros
    assert signal.SIGINT in pool.deaf
    assert signal.SIGINT not in before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
