"""Every mutant of a room: one slip each, named so that it is found again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Final

from tests.mutation import operators, spared

SOURCE: Final = Path(__file__).parents[2] / "src" / "leverd"
ROOMS: Final = ("domain", "risk", "execution")

Functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Mutant:
    """One slip in one place."""

    room: str
    path: str  # absolute
    number: int  # among the slips of its file
    line: int
    column: int
    lines: tuple[int, int]  # of its statement, or of the head of a compound one
    owner: str | None  # outermost function by qualified name, none: runs at import
    operator: str
    before: str
    after: str

    @property
    def module(self) -> str:
        """The name of its module."""
        parts = Path(self.path).relative_to(SOURCE.parent).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    @property
    def file(self) -> str:
        """Its file, beneath the rooms."""
        return f"{self.room}/{Path(self.path).name}"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place} {self.operator}: {self.before} -> {self.after}"


@dataclass(slots=True)
class _Place:
    """Where the walk stands."""

    lines: tuple[int, int]
    qualname: tuple[str, ...] = ()
    owner: str | None = None


def of_room(room: str) -> list[Mutant]:
    """Return every mutant of a room, in order of files and places."""
    files = sorted((SOURCE / room).rglob("*.py"))
    return [mutant for file in files for mutant in _of_file(room, file)]


def spoilt_code(mutant: Mutant) -> CodeType:
    """Return the module of `mutant`, compiled with its slip."""
    path = Path(mutant.path)
    tree = ast.parse(path.read_text(encoding="utf-8"), mutant.path)
    for number, (parent, field, node, change, _) in enumerate(_slips(tree)):
        if number == mutant.number:
            _put(parent, field, node, change.instead)
            break
    ast.fix_missing_locations(tree)
    return compile(tree, mutant.path, "exec", dont_inherit=True)


def _of_file(room: str, path: Path) -> Iterator[Mutant]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for number, (_, _, node, change, place) in enumerate(_slips(tree)):
        seen = node.target if isinstance(node, ast.comprehension) else node
        yield Mutant(
            room=room,
            path=str(path),
            number=number,
            line=getattr(seen, "lineno", place.lines[0]),
            column=getattr(seen, "col_offset", 0),
            lines=place.lines,
            owner=place.owner,
            operator=change.operator,
            before=_text(node),
            after=_text(change.instead),
        )


Slip = tuple[ast.AST, str, ast.AST, operators.Change, _Place]


def _slips(tree: ast.Module) -> Iterator[Slip]:
    known = frozenset(_bound(tree))
    yield from _walk(tree, _Place((1, 1)), known)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module binds at its top."""
    for node in tree.body:
        match node:
            case ast.Import(names) | ast.ImportFrom(names=names):
                yield from (each.asname or each.name for each in names)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Assign(targets):
                yield from (each.id for each in targets if isinstance(each, ast.Name))
            case ast.AnnAssign(ast.Name(name)):
                yield name
            case _:
                pass


def _walk(node: ast.AST, place: _Place, known: frozenset[str]) -> Iterator[Slip]:
    for field, child in spared.children(node):
        inside = _inside(child, field, place, node)
        for change in operators.changes(child, known):
            ast.copy_location(change.instead, child)
            yield node, field, child, change, inside
        yield from _walk(child, inside, known)


def _inside(child: ast.AST, field: str, place: _Place, parent: ast.AST) -> _Place:
    lines, qualname, owner = place.lines, place.qualname, place.owner
    if isinstance(parent, Functions) and field == "body":
        name = "<lambda>" if isinstance(parent, ast.Lambda) else parent.name
        qualname = (*qualname, name, "<locals>")
        owner = owner or ".".join(qualname[:-1])
    if isinstance(parent, ast.ClassDef) and field == "body":
        qualname = (*qualname, parent.name)
    if isinstance(child, ast.stmt | ast.match_case | ast.comprehension | ast.ExceptHandler):
        lines = _head(child, lines)
    return _Place(lines, qualname, owner)


def _head(node: ast.AST, lines: tuple[int, int]) -> tuple[int, int]:
    """Return the lines of a statement, up to its body if it has one."""
    body = getattr(node, "body", None)
    first = getattr(node, "lineno", None)
    if isinstance(node, ast.match_case):
        first = node.pattern.lineno
    if first is None:
        return lines
    if isinstance(body, list):
        return first, max(first, body[0].lineno - 1)
    return first, getattr(node, "end_lineno", None) or first


def _put(parent: ast.AST, field: str, node: ast.AST, instead: ast.AST) -> None:
    held = getattr(parent, field)
    if isinstance(held, list):
        held[next(index for index, each in enumerate(held) if each is node)] = instead
    else:
        setattr(parent, field, instead)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While):
        return f"if {ast.unparse(node.test)}"
    return " ".join(ast.unparse(node).split())
