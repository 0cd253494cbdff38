"""Plant a defect in the shipped code of this process, and take it out again."""

from __future__ import annotations

import importlib
import types
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Defect:
    """A small patch: in `module`, the text `old` (which is there once) becomes `new`."""

    name: str
    story: str
    module: str
    old: str
    new: str


@contextmanager
def planted(defect: Defect):
    """Run the block with `defect` in the code. What does not fit the code any more fails."""
    module = importlib.import_module(defect.module)
    file = str(module.__file__)
    source = Path(file).read_text(encoding="utf-8")
    assert source.count(defect.old) == 1, f"{defect.name}: its patch does not apply"
    patched = compile(source.replace(defect.old, defect.new), file, "exec")
    code = {each.co_qualname: each for each in _functions(patched)}
    swapped = []
    for function in _live(module):
        new = code.get(function.__qualname__)
        if new is not None and _differs(new, function.__code__):
            swapped.append((function, function.__code__))
            function.__code__ = new
    assert swapped, f"{defect.name}: nothing changed"
    try:
        yield
    finally:
        for function, before in swapped:
            function.__code__ = before


def _functions(code):
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield each
            yield from _functions(each)


def _live(module):
    """Yield the functions and methods that `module` defines."""
    for each in vars(module).values():
        if getattr(each, "__module__", None) != module.__name__:
            continue
        for found in (each, *(vars(each).values() if isinstance(each, type) else ())):
            inner = _bare(found)
            if inner is not None:
                yield inner


def _bare(found):
    """Return the plain function in what a class or module holds, None if it is none."""
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, cached_property):
        found = found.func
    return found if isinstance(found, types.FunctionType) else None


def _differs(new, old):
    if new.co_freevars != old.co_freevars:
        return False
    same_code = new.co_code == old.co_code and new.co_names == old.co_names
    return not (same_code and _constants(new) == _constants(old))


def _constants(code):
    return [each for each in code.co_consts if not isinstance(each, types.CodeType)]
