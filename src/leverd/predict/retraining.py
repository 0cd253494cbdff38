"""Fit anew beside the loop: a process of its own, so that no turn waits and no lock is shared."""

from __future__ import annotations

from concurrent.futures import Future
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final, Protocol

from leverd.domain.prediction import Why
from leverd.errors import PredictionError
from leverd.predict.samples import Samples
from leverd.predict.store import Stored
from leverd.predict.walk_forward import Walk

_NICE: Final = 15
"""How far the process beside stands back for the loop."""


class Work(Protocol):
    """A model that is being made."""

    def done(self) -> bool:
        """Return whether it is made, or never will be. Never waits."""
        ...

    def result(self) -> Stored:
        """Return the model, waiting for it.

        Raises:
            PredictionError: there will be none.
        """
        ...


class Bench(Protocol):
    """Where models are fitted, one at a time."""

    def begin(self, samples: Samples, subject: str, walk: Walk) -> Work:
        """Begin a new model."""
        ...

    def close(self) -> None:
        """Leave unfinished work."""
        ...


class Beside:
    """A process for each model, ended with ours: a stop never waits for a fit."""

    def __init__(self) -> None:
        self._running: _Running | None = None

    def begin(self, samples: Samples, subject: str, walk: Walk) -> Work:
        """Begin a new model."""
        self.close()
        self._running = _Running(samples, subject, walk)
        return self._running

    def close(self) -> None:
        """End the process, if one runs."""
        if self._running is not None:
            self._running.end()
            self._running = None


class _Running:
    """One process, and what it sends."""

    def __init__(self, samples: Samples, subject: str, walk: Walk) -> None:
        # spawn: a fork of a process with an event loop and open sockets holds on to both
        context = get_context("spawn")
        self._mine, theirs = context.Pipe(duplex=False)
        job = (theirs, samples, subject, walk)
        self._process = context.Process(target=_work, args=job, daemon=True)
        self._process.start()
        theirs.close()  # ours of it, so that its death ends the wait

    def done(self) -> bool:
        return self._mine.poll()

    def result(self) -> Stored:
        try:
            found = self._mine.recv()
        except (EOFError, OSError) as error:
            raise PredictionError(
                "the process that fitted the model died", number=Why.FAILED
            ) from error
        finally:
            self.end()
        if isinstance(found, Stored):
            return found
        raise PredictionError(f"no model was fitted: {found}", number=Why.TOO_LITTLE_HISTORY)

    def end(self) -> None:
        self._process.terminate()
        self._process.join()
        self._mine.close()


def _work(out: Connection, samples: Samples, subject: str, walk: Walk) -> None:
    """Fit, and send the model or why there is none. Runs in the process beside."""
    import os  # noqa: PLC0415 -- the process is begun to fit, and must not be in the loop's way

    from leverd.predict.training import retrain  # noqa: PLC0415 -- loads scikit-learn

    os.nice(_NICE)
    try:
        out.send(retrain(samples, subject, walk))
    except PredictionError as error:
        out.send(error.message)


class AtOnce:
    """Here and now: for a replay, whose time stands still meanwhile."""

    def begin(self, samples: Samples, subject: str, walk: Walk) -> Work:
        """Make a new model."""
        from leverd.predict.training import retrain  # noqa: PLC0415 -- loads scikit-learn

        done: Future[Stored] = Future()
        try:
            done.set_result(retrain(samples, subject, walk))
        except PredictionError as error:
            done.set_exception(error)
        return done

    def close(self) -> None:
        """Nothing is left."""
