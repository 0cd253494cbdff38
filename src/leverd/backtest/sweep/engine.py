"""Who runs the chunks: this process, processes beside it, or Ray; the same numbers from each."""

from __future__ import annotations

import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.shared_memory import SharedMemory
from threading import Thread
from typing import Any, Final, TypeAlias

from leverd.backtest.history.exact import Floats
from leverd.backtest.sweep import codes
from leverd.backtest.sweep.blocks import (
    Ground,
    Plan,
    arrays_of,
    attached,
    ground_of,
    shared,
    terms_of,
)
from leverd.backtest.sweep.chunk import results_of
from leverd.backtest.sweep.configuration import Configurations
from leverd.backtest.sweep.outcome import Exact
from leverd.errors import SweepError

Runs: TypeAlias = Iterator[tuple[Configurations, Floats]]
"""Tables with their results, in the order they were given."""
Runner: TypeAlias = Callable[[Iterable[Configurations]], Runs]
"""A ground made ready: it runs tables. It raises SweepError when a worker dies."""
Engine: TypeAlias = Callable[[Ground, Exact], AbstractContextManager[Runner]]
"""What makes a ground ready."""

_PATIENCE_S: Final = 5.0
_AHEAD: Final = 2
"""Chunks given out for each worker: one to work on, one that waits; memory is bounded by it."""


def local(workers: int) -> Engine:
    """Return the engine that runs in `workers` processes; in this one alone if that is one."""
    return _here if workers == 1 else lambda ground, exact: _beside(ground, exact, workers)


@contextmanager
def _here(ground: Ground, exact: Exact) -> Iterator[Runner]:
    yield lambda tables: ((table, results_of(table, ground, exact)) for table in tables)


@contextmanager
def _beside(ground: Ground, exact: Exact, workers: int) -> Iterator[Runner]:
    block, plan = shared(ground)
    try:
        with ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=_begin, initargs=(plan, exact)
        ) as pool:
            try:
                yield lambda tables: _in_order(
                    tables, lambda table: _given(pool, table), workers * _AHEAD
                )
            except BrokenProcessPool as error:
                raise SweepError(
                    "a worker was ended, perhaps for want of memory",
                    number=codes.WORKER,
                    remedy="run the same command: it goes on where it was; take fewer --workers",
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        block.close()
        block.unlink()


def _given(pool: ProcessPoolExecutor, table: Configurations) -> Callable[[], Floats]:
    """Give `table` out; a worker begun for it never hears Ctrl-C, not even while it begins."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_work, table).result
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _in_order(
    tables: Iterable[Configurations],
    give: Callable[[Configurations], Callable[[], Floats]],
    ahead: int,
) -> Runs:
    """Yield tables with results, at most `ahead` of them given out at once."""
    waiting: deque[tuple[Configurations, Callable[[], Floats]]] = deque()
    for table in tables:
        waiting.append((table, give(table)))
        if len(waiting) >= ahead:
            done, result = waiting.popleft()
            yield done, result()
    for done, result in waiting:
        yield done, result()


@dataclass(slots=True)
class _Bench:
    """What a worker process holds: the block must outlive the arrays in it."""

    block: SharedMemory
    ground: Ground
    exact: Exact


_BENCH: list[_Bench] = []


def _begin(plan: Plan, exact: Exact) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that began it ends it
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
    _BENCH[:] = [_Bench(*attached(plan), exact)]


def _end_with(parent: Any) -> None:
    """End this process when the one that began it is gone, even if it was killed.

    It would wait for work for ever: the pipe that brings it is held open by its siblings.
    """
    parent.join()
    os._exit(1)


def _work(table: Configurations) -> Floats:
    bench = _BENCH[0]
    return results_of(table, bench.ground, bench.exact)


def on_ray(address: str) -> Engine:
    """Return the engine that runs on a Ray cluster; on one of its own here if `address` is "".

    Every machine of the cluster needs the same leverd.

    Raises:
        SweepError: Ray is not installed.
    """
    try:
        import ray  # noqa: PLC0415 -- a second and a hundred megabytes, for few
    except ImportError as error:
        raise SweepError(
            "Ray is not installed", number=codes.NO_LIBRARY, remedy="install leverd[ray]"
        ) from error
    return lambda ground, exact: _cluster(ray, address, ground, exact)


@contextmanager
def _cluster(ray: Any, address: str, ground: Ground, exact: Exact) -> Iterator[Runner]:
    try:
        _answers(address)
        ray.init(address=address or "local", include_dashboard=False, log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise SweepError(
            f"Ray cannot be reached: {str(error).partition(chr(10))[0]:.120}",
            number=codes.CLUSTER,
            place=address,
            remedy="is it running there? `ray start --head` says its address",
        ) from error
    try:
        task = ray.remote(_far).options(max_retries=3)
        arrays, terms = ray.put(arrays_of(ground)), terms_of(ground.past)
        ahead = max(int(ray.cluster_resources().get("CPU", 1)), 1) * _AHEAD

        def give(table: Configurations) -> Callable[[], Floats]:
            promised = task.remote(arrays, terms, exact, table)
            return lambda: ray.get(promised)

        yield lambda tables: _in_order(tables, give, ahead)
    except (ray.exceptions.RaySystemError, ray.exceptions.WorkerCrashedError) as error:
        raise SweepError("a worker of the cluster was ended", number=codes.WORKER) from error
    finally:
        ray.shutdown()


def _answers(address: str) -> None:
    """Check that somebody listens at `host:port`; Ray itself would try for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S).close()


def _far(arrays: Any, terms: Any, exact: Exact, table: Configurations) -> Floats:
    return results_of(table, ground_of(arrays, terms), exact)
