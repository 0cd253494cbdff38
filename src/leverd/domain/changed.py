"""`dataclasses.replace`, three times as fast, for the small frozen classes of the exact path.

A plan is some hundred changed copies. These classes check nothing when they are made, so a
copy need not go through their constructors.
"""

from __future__ import annotations

from typing import Any, TypeVar

_T = TypeVar("_T")

_new = object.__new__
_set = object.__setattr__


def changed(held: _T, **changes: Any) -> _T:
    """Return `held`, a slotted dataclass without `__post_init__`, with `changes`.

    Raises:
        AttributeError: it has no field of that name.
    """
    kind = held.__class__
    made = _new(kind)
    for name in kind.__slots__:  # type: ignore[attr-defined]  # every such class has them
        _set(made, name, getattr(held, name))
    for name, value in changes.items():
        _set(made, name, value)
    return made
