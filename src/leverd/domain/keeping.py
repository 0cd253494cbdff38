"""Measure a picture once, however many ask.

Agents, planner and gate look at the same frozen objects again and again. What a pure function
made of them is kept beside them for as long as they are among the newest asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def kept(size: int) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Return a decorator that keeps the newest `size` results of a pure function.

    Arguments are told apart by identity, which costs no hashing, and are held, so that no
    other object can take their identity meanwhile. They must be frozen; what is
    asked by keyword is not kept.
    """

    def keeping(function: Callable[_P, _T]) -> Callable[_P, _T]:
        results: dict[tuple[int, ...], tuple[object, _T]] = {}

        @wraps(function)
        def ask(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            if kwargs:
                return function(*args, **kwargs)
            key = tuple(map(id, args))
            found = results.get(key)
            if found is not None:
                return found[1]
            result = function(*args, **kwargs)  # there are none
            if len(results) >= size:
                results.clear()
            results[key] = (args, result)
            return result

        return ask

    return keeping
