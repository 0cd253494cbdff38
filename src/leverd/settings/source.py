"""Settings files as one tree of plain values, every value with the place it came from.

Numbers with a point become `Decimal` straight from their text, so a limit is what the
human wrote. Only `true`, `false`, `null` and plain decimal numbers are not text: an
address stays an address without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path as File
from typing import Any, Final

import yaml

from leverd.settings.problems import DUPLICATE, NO_FILE, SYNTAX, Path, Place, Problem

_INT: Final = re.compile(r"[-+]?[0-9](_?[0-9])*")
_DECIMAL: Final = re.compile(
    r"[-+]?[0-9](_?[0-9])*(\.([0-9](_?[0-9])*)?)?([eE][-+]?[0-9]{1,3})?|[-+]?\.[0-9]+"
)
_WORDS: Final[Mapping[str, bool | None]] = {
    "true": True,
    "false": False,
    "null": None,
    "~": None,
    "": None,
}
_UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")
_LONG: Final = re.compile(r"\w{20,}")  # a name of the file's own that may be a secret
_DIGITS_MAX: Final = 100
_PLACES_MAX: Final = 24  # before the point: the reckoning has room for few more
_BYTES_MAX: Final = 200_000
_DEPTH_MAX: Final = 20
_VALUES_MAX: Final = 20_000


@dataclass(slots=True)
class Tree:
    """A mapping of plain values, where each came from, and what was wrong on the way."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path) -> Place:
        """Return where `path`, or what is nearest above it, was written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place("settings"))

    def merge(self, later: Tree) -> None:
        """Lay `later` over this tree: mappings by key, anything else whole."""
        self.problems += later.problems
        self.places = {**self.places, **later.places}
        self.values = _merged(self.values, later.values)

    def set(self, path: Path, value: Any, place: Place) -> None:
        """Put one value, making the mappings that lead to it."""
        node = self.values
        for part in path[:-1]:
            below = node.get(str(part))
            if not isinstance(below, dict):
                below = node[str(part)] = {}
            node = below
        node[str(path[-1])] = value
        self.places[path] = place


def read_files(files: Iterable[File]) -> Tree:
    """Return all `files` merged, later over earlier."""
    tree = Tree()
    for file in files:
        tree.merge(_read_file(file))
    return tree


def plain(text: str) -> Any:
    """Return the value of one piece of YAML, as the environment gives it."""
    reader = _Reader("environment")
    node = yaml.compose(text, yaml.SafeLoader)
    return None if node is None else reader.value(node, ())


def is_reckonable(number: Decimal) -> bool:
    """Return whether what is reckoned with `number` fits the digits that are reckoned with."""
    if not number.is_finite():
        return False
    exponent = number.as_tuple().exponent
    return number.adjusted() < _PLACES_MAX and int(exponent) >= -_DIGITS_MAX


def _read_file(file: File) -> Tree:
    source = str(file)
    try:
        with file.open("rb") as opened:
            raw = opened.read(_BYTES_MAX + 1)  # no more: a device never ends
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "Name a file with -c, or make one with leverd config new."
        return _unread(Problem(NO_FILE, (), f"cannot be read: {reason}", Place(source), remedy))
    if len(raw) > _BYTES_MAX:
        return _unread(Problem(NO_FILE, (), f"is over {_BYTES_MAX // 1000} kB", Place(source, 1)))
    try:
        return _parse(raw.decode(), source)
    except UnicodeDecodeError as error:
        place = Place(source, 1 + raw.count(b"\n", 0, error.start))
        return _unread(Problem(NO_FILE, (), "cannot be read: not UTF-8 text", place))


def _unread(problem: Problem) -> Tree:
    return Tree(problems=[problem])


def _parse(text: str, source: str) -> Tree:
    reader = _Reader(source)
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        values = reader.empty() if node is None else reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1 if mark else 1)
        said = _LONG.sub("***", error.problem or "")
        return _unread(Problem(SYNTAX, (), f"not YAML: {said}", place))
    except yaml.reader.ReaderError as error:
        place = Place(source, 1 + text.count("\n", 0, error.position))
        return _unread(Problem(SYNTAX, (), "not YAML: a character that text cannot hold", place))
    except RecursionError:
        return _unread(Problem(SYNTAX, (), "not YAML: nested too deeply", Place(source, 1)))
    if not isinstance(values, dict):
        return _unread(Problem(SYNTAX, (), "not a mapping of keys to values", Place(source, 1)))
    return Tree(values, reader.places, reader.problems)


class _Reader:
    """Walks the nodes of one file, keeping places and problems."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen = 0
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []

    def empty(self) -> dict[str, Any]:
        """Return what a file without a node holds."""
        self.places[()] = Place(self._source, 1)
        return {}

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Return the plain value of `node`.

        Raises:
            yaml.MarkedYAMLError: it cannot be a part of settings.
        """
        self._seen += 1
        if len(path) > _DEPTH_MAX or self._seen > _VALUES_MAX:
            raise _refused("nested too deeply, too much, or an alias of itself", node)
        self.places.setdefault(path, self._place(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*path, i)) for i, each in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refused("a key is text", key_node)  # to show it would unfold its aliases
            key = str(key_node.value)
            if not _is_text(key):
                raise _refused("a character that text cannot hold", key_node)
            place = self._place(key_node)
            if key in values:
                first = self.places[(*path, key)].line
                message = f"is already said in line {first}"
                self.problems.append(Problem(DUPLICATE, (*path, key), message, place))
            self.places[(*path, key)] = place
            values[key] = self.value(value_node, (*path, key))
        return values

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._source, node.start_mark.line + 1)


def _refused(what: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)


def _is_text(text: str) -> bool:
    """Return whether `text` can be written to a file and name one."""
    return _UNWRITABLE.search(text) is None


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not _is_text(text):
        raise _refused("a character that text cannot hold", node)
    if getattr(node, "style", None) is not None:
        return text  # quoted: what is in quotes is text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _DIGITS_MAX or not _DECIMAL.fullmatch(text):
        return text
    number = Decimal(text.replace("_", ""))
    if not is_reckonable(number):
        return text  # refused wherever a number is needed
    return int(number) if _INT.fullmatch(text) else number


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged
