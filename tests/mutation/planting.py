"""Putting a mutant into a process: into functions that live, or into a module before it is.

A function that already lives gets the spoilt function's code: whoever holds it, by whatever
name, then runs that. Plain values and defaults of arguments are carried over from the spoilt
module, run beside the one that lives. Anything else that is made when a module is imported
cannot be exchanged; for that a new process imports the spoilt module in the first place.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import _lru_cache_wrapper, partial
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any

from tests.mutation.mutants import Mutant, spoilt_code


class Living:
    """The functions of the rooms that live in this process, by file, and every cache."""

    def __init__(self) -> None:
        self._functions: dict[str, list[FunctionType]] = defaultdict(list)
        self._caches: list[_lru_cache_wrapper[Any]] = []
        for held in gc.get_objects():
            # By its own type: to ask a proxy what it stands for fails when that is gone.
            if type(held) is _lru_cache_wrapper:
                self._caches.append(held)
            elif type(held) is FunctionType:
                self._functions[held.__code__.co_filename].append(held)

    def exchange(self, mutant: Mutant) -> int:
        """Give every living function of `mutant` its spoilt code; return how many there were."""
        module = spoilt_code(mutant)
        spoilt = {(each.co_qualname, each.co_firstlineno): each for each in _codes(module)}
        found = 0
        for held in self._functions[mutant.path]:
            code = spoilt.get((held.__code__.co_qualname, held.__code__.co_firstlineno))
            if code is not None:
                held.__code__ = code
                found += held.__code__.co_qualname == mutant.owner
        for cache in self._caches:
            cache.cache_clear()
        return found


def carry(mutant: Mutant) -> int:
    """Give whoever imported them the plain values of the spoilt module; return how many differ."""
    name = mutant.module
    living = sys.modules[name]
    spoilt = ModuleType(name)
    exec(spoilt_code(mutant), spoilt.__dict__)
    carried = 0
    for key, value in vars(spoilt).items():
        if key.startswith("__"):
            continue
        held = vars(living).get(key)
        if _plain(held, name) and _plain(value, name) and held != value:
            _hand_out(key, held, value)
            carried += 1
        elif isinstance(held, type) and held.__module__ == name:
            carried += _carry_fields(held, value, name)
            for method in set(vars(held)) & set(vars(value)):
                carried += _carry_defaults(vars(held)[method], vars(value)[method], name)
        else:
            carried += _carry_defaults(held, value, name)
    return carried


def _hand_out(key: str, held: Any, value: Any) -> None:
    for module in list(sys.modules.values()):
        if module.__name__.startswith(("leverd", "tests")) and vars(module).get(key) is held:
            setattr(module, key, value)


def _carry_fields(held: type, spoilt: type, name: str) -> int:
    """Do the same for what a dataclass says of its fields."""
    mine, other = (vars(each).get("__dataclass_fields__", {}) for each in (held, spoilt))
    carried = 0
    for key in mine.keys() & other.keys():
        before = mine[key].default
        mine[key].default = _chosen(name, before, other[key].default)
        carried += mine[key].default is not before
    return carried


def _carry_defaults(held: Any, spoilt: Any, name: str) -> int:
    if not isinstance(held, FunctionType) or not isinstance(spoilt, FunctionType):
        return 0
    before = (held.__defaults__ or (), held.__kwdefaults__ or {})
    mine = tuple(map(partial(_chosen, name), before[0], spoilt.__defaults__ or ()))
    named = {
        key: _chosen(name, value, (spoilt.__kwdefaults__ or {}).get(key, value))
        for key, value in before[1].items()
    }
    if (mine, named) == before:
        return 0
    held.__defaults__, held.__kwdefaults__ = mine, named
    return 1


def _chosen(name: str, held: Any, value: Any) -> Any:
    return value if _plain(held, name) and _plain(value, name) else held


def _plain(value: Any, name: str) -> bool:
    """Return whether `value` is of no class of the module `name`, so that two can be compared."""
    match value:
        case Enum():
            return type(value).__module__ != name
        case None | bool() | int() | str() | bytes() | Decimal() | Fraction() | float():
            return True
        case tuple() | frozenset():
            return all(_plain(each, name) for each in value)
        case dict() | MappingProxyType():
            return all(_plain(each, name) for pair in value.items() for each in pair)
        case _:
            return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


class Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the module of one mutant with its slip, and every other as ever."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where `name` is found, to be loaded by this if it is the mutant's."""
        if not name.startswith(f"leverd.{self._mutant.room}"):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.origin == self._mutant.path:
            spec.loader = self
        return spec

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        """Leave the making of the module to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the spoilt module."""
        exec(spoilt_code(self._mutant), module.__dict__)


def plant(mutant: Mutant) -> None:
    """Have the next import of its module give `mutant`."""
    sys.meta_path.insert(0, Importer(mutant))
