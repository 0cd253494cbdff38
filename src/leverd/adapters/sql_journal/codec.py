"""Events to rows and back, by reflection over their declared types.

Integers beyond 2**53 are written as decimal strings, so that every JSON reader keeps them
exact. What does not have precisely the declared shape is refused: a journal is read
wholly or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from leverd.domain.events import Event
from leverd.errors import JournalDamagedError

KINDS: Final[Mapping[str, Any]] = {kind.__name__: kind for kind in get_args(Event)}
"""Every event class by the name the journal uses."""

VERSIONS: Final[Mapping[str, int]] = {}
"""The schema version of kinds that changed incompatibly; all others are at 1.

A new field with a default is compatible. Anything else raises the version here and adds
the step from the old one to `UPGRADES`.
"""

UPGRADES: Final[Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = {}
"""How to make a body of (kind, version) into one of version + 1."""

NEWER: Final = 12
"""The number of the error that says that a newer leverd may have written an entry."""

_JSON_INT_MAX: Final = 2**53
_Convert = Callable[[Any], Any]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Body:
    """An event as the journal stores it."""

    kind: str
    version: int
    position_id: str  # "" where the event is about no single position
    text: str  # JSON


def encode(event: Event) -> Body:
    """Return `event` as a row body."""
    kind = type(event).__name__
    plain = _writer(KINDS[kind])(event)
    text = json.dumps(plain, separators=(",", ":"), sort_keys=True)
    return Body(kind, version_of(kind), getattr(event, "position_id", ""), text)


def decode(kind: str, version: int, text: str) -> Event:
    """Return the event that `encode` wrote.

    Raises:
        JournalDamagedError: the kind, the version or a field is unknown, missing or malformed.
    """
    if kind not in KINDS:
        raise _newer(f"unknown kind of event {kind!r}")
    try:
        plain = _upgraded(kind, version, json.loads(text))
        event: Event = _reader(KINDS[kind])(plain)
    except _UnknownError as error:
        raise _newer(f"{kind} has an {error}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(f"{kind} does not parse: {error}") from error
    return event


def write_plain(value: Any) -> str:
    """Return a record of events' types as JSON."""
    declared: Any = type(value)
    plain = _writer(declared)(value)
    return json.dumps(plain, separators=(",", ":"), sort_keys=True)


def read_plain(declared: type[T], text: str) -> T:
    """Return the record that `write_plain` wrote.

    Raises:
        JournalDamagedError: a field is unknown, missing or malformed.
    """
    kind: Any = declared
    try:
        found: T = _reader(kind)(json.loads(text))
    except _UnknownError as error:
        raise _newer(f"{declared.__name__} has an {error}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(f"{declared.__name__} does not parse: {error}") from error
    return found


def version_of(kind: str) -> int:
    """Return the schema version this leverd writes for `kind`."""
    return VERSIONS.get(kind, 1)


def _upgraded(kind: str, version: int, plain: Any) -> Any:
    if not 1 <= version <= version_of(kind):
        raise _UnknownError(f"unknown version {version}")
    for each in range(version, version_of(kind)):
        plain = UPGRADES[kind, each](plain)
    return plain


@cache
def _writer(declared: Any) -> _Convert:
    """Return the function that makes a value of type `declared` plain JSON."""
    if is_dataclass(declared):
        writers = {name: _writer(kind) for name, kind in get_type_hints(declared).items()}
        return lambda value: {name: write(getattr(value, name)) for name, write in writers.items()}
    if declared is int:
        return lambda value: value if abs(value) <= _JSON_INT_MAX else str(value)
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is tuple:
        write = _writer(arguments[0])
        return lambda value: [write(each) for each in value]
    if origin is Mapping:
        write = _writer(arguments[1])
        return lambda value: {key: write(each) for key, each in value.items()}
    return lambda value: value


@cache
def _reader(declared: Any) -> _Convert:
    """Return the function that makes plain JSON a value of type `declared`."""
    if is_dataclass(declared):
        return _record_reader(declared)
    if declared is int:
        return _read_int
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is tuple:
        read = _reader(arguments[0])
        return lambda plain: tuple(read(each) for each in _checked(plain, list))
    if origin is Mapping:
        read = _reader(arguments[1])
        return lambda plain: {key: read(each) for key, each in _checked(plain, dict).items()}
    if declared in (str, bool):
        return lambda plain: _checked(plain, declared)
    raise AssertionError(f"events hold no {declared!r}")


def _record_reader(declared: Any) -> _Convert:
    readers = {name: _reader(kind) for name, kind in get_type_hints(declared).items()}
    required = {field.name for field in fields(declared) if not _has_default(field)}
    names = readers.keys()

    def read(plain: Any) -> Any:
        found = _checked(plain, dict)
        if found.keys() != names:  # as a leverd of these very fields writes it, it is the same
            if unknown := found.keys() - names:
                raise _UnknownError(f"unknown field {min(unknown)!r}")
            if missing := required - found.keys():
                raise ValueError(f"field {min(missing)!r} is missing")
        return declared(**{name: readers[name](value) for name, value in found.items()})

    return read


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _read_int(plain: Any) -> int:
    if type(plain) is int:  # nearly all of them: a journal is read at every start
        return plain
    if isinstance(plain, str):
        number = int(plain)
        if str(number) != plain or abs(number) <= _JSON_INT_MAX:
            raise ValueError(f"{plain!r} is not how a whole number is written")
        return number
    return int(_checked(plain, int))


def _checked(plain: Any, kind: type[Any]) -> Any:
    # bool is an int to Python, never to a journal
    if type(plain) is not kind:
        raise TypeError(f"{kind.__name__} expected, {type(plain).__name__} found")
    return plain


class _UnknownError(ValueError):
    """Something that this leverd never writes."""


def _newer(message: str) -> JournalDamagedError:
    return JournalDamagedError(
        f"{message}; a newer leverd may have written it",
        number=NEWER,
        remedy="install that leverd; a salvage would drop what this one cannot read",
    )


def _damaged(message: str) -> JournalDamagedError:
    return JournalDamagedError(message, number=1)
