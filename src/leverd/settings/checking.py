"""Pydantic's errors as problems: placed in the file, named in its words, values kept back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from leverd.interfaces.veil import redacted
from leverd.settings.problems import INVALID, MISSING, UNKNOWN, Path, Problem, nearest
from leverd.settings.source import Tree

_PRIVATE: Final = "key"
"""Values under this section are never repeated: a password may have strayed into it."""

_ARGUMENTS: Final = "command"
"""Nor are a program's arguments."""

_SHOWN_MAX: Final = 60


_SectionT = TypeVar("_SectionT", bound=BaseModel)

_NEEDED: Final = {
    "bool_type": "true or false is needed",
    "dict_type": "a mapping is needed",
    "int_type": "a whole number is needed",
    "mapping_type": "a mapping is needed",
    "model_attributes_type": "a mapping is needed",
    "model_type": "a mapping is needed",
    "string_type": "text is needed",
    "tuple_type": "a list is needed",
}
"""Our words for what pydantic says of a wrong type."""


def check(model: type[_SectionT], tree: Tree, at: Path = ()) -> _SectionT | list[Problem]:
    """Return the section of `tree` at `at` as `model`, or every problem with it."""
    section: Any = tree.values
    for part in at:
        section = section[part]
    try:
        return model.model_validate({} if section is None else section)
    except ValidationError as error:
        schema = model.model_json_schema(by_alias=True)
        found = [_problem(each, section, schema, tree, at) for each in error.errors()]
        return [problem for problem in found if not _is_misspelt(problem, found)]


def _problem(
    error: Mapping[str, Any], section: Any, schema: Mapping[str, Any], tree: Tree, at: Path
) -> Problem:
    loc = tuple(part for part in error["loc"] if part != "[key]")
    path = at + _path_in(section, loc)
    number, message, remedy = _said(error, loc, schema, path)
    return Problem(number, path, message, tree.place(path), remedy)


def _said(
    error: Mapping[str, Any], loc: tuple[Any, ...], schema: Mapping[str, Any], path: Path
) -> tuple[int, str, str]:
    """Return (number, message, remedy) for one of pydantic's errors."""
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        return UNKNOWN, "is not known here", nearest(str(loc[-1]), _names_at(schema, loc[:-1]))
    if kind == "missing":
        return MISSING, "is missing", ""
    if value is None:
        return MISSING, "is not set", ""
    if kind == "union_tag_not_found":
        return MISSING, "has no kind", f"Known: {error['ctx']['discriminator']}."
    if kind == "union_tag_invalid":
        expected = error["ctx"]["expected_tags"].replace("'", "").split(", ")
        return INVALID, "is of no known kind", nearest(str(error["ctx"]["tag"]), expected)
    if kind == "literal_error":
        expected = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        return INVALID, f"{_shown(value, path)} is no choice here", nearest(str(value), expected)
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    said = _NEEDED.get(kind, said[:1].lower() + said[1:])
    if kind == "too_short" and isinstance(value, dict):
        return INVALID, "is empty", ""
    if kind == "value_error" and isinstance(value, dict):
        return INVALID, said, ""  # a section judged as a whole
    return INVALID, f"{said}, not {_shown(value, path)}", ""


def _shown(value: Any, path: Path) -> str:
    if path[:1] == (_PRIVATE,) or _ARGUMENTS in path:
        return "what is there"
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            text = redacted(value)
            return f"'{text if len(text) <= _SHOWN_MAX else f'{text[:_SHOWN_MAX]}...'}'"
        case _:
            return str(value).lower() if isinstance(value, bool) else str(value)


def _path_in(section: Any, loc: tuple[Any, ...]) -> Path:
    """Return `loc` without the parts that name a choice of pydantic's, not a key of the file."""
    path: list[str | int] = []
    node = section
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(node, dict) and (part in node or last):
            path.append(part)
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int):
            path.append(part)
            node = node[part] if part < len(node) else None
    return tuple(path)


def _names_at(schema: Mapping[str, Any], loc: tuple[Any, ...]) -> list[str]:
    """Return the keys that may stand at `loc`, by the JSON schema."""
    node = _resolved(schema, schema)
    for part in loc:
        choices = node.get("discriminator", {}).get("mapping", {})
        below = node.get("properties", {}).get(part) or node.get("additionalProperties")
        if part in choices:
            below = {"$ref": choices[part]}
        if not isinstance(below, dict):
            return []
        node = _resolved(below, schema)
    return list(node.get("properties", {}))


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema)
    for each in node.get("anyOf", ()):
        if "$ref" in each:
            return _resolved(each, schema)
    return node


def _is_misspelt(problem: Problem, others: Sequence[Problem]) -> bool:
    """Return whether a missing key is there after all, under the name of an unknown one."""
    if problem.number != MISSING or not problem.path:
        return False
    return any(
        other.number == UNKNOWN
        and other.path[:-1] == problem.path[:-1]
        and other.remedy == nearest(str(other.path[-1]), [str(problem.path[-1])])
        for other in others
    )
