"""What is not spoilt, by rule: words for people, types, and statements of invariants."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

TOLD: Final = frozenset({"logger"})
ASSURED: Final = frozenset({"assert_never"})
REFUSALS: Final = frozenset({"refuse"})
DECLARED: Final = frozenset({"__all__", "__slots__"})
TYPED: Final = frozenset({"TypeAlias", "TypeVar", "ParamSpec"})


def spared(node: ast.AST) -> bool:
    """Return whether neither `node` nor anything in it is spoilt."""
    match node:
        case ast.Assert() | ast.Import() | ast.ImportFrom() | ast.pattern():
            return True
        case ast.Expr(value):
            return isinstance(value, ast.Constant) or _is_told(value)
        case ast.Assign(targets=[ast.Name(name)]) if name in DECLARED:
            return True
        case ast.AnnAssign(annotation=ast.Name(name)) if name in TYPED:
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
        case ast.JoinedStr(values):
            return _is_prose(values)
        case _:
            return False


def children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the parts of `node` that may be spoilt, each with the field it stands in."""
    names, formatted = _is_enumeration(node), isinstance(node, ast.JoinedStr)
    for name, value in ast.iter_fields(node):
        if name in _fields_spared(node):
            continue
        for each in value if isinstance(value, list) else [value]:
            if (names and isinstance(each, ast.Assign)) or (
                formatted and isinstance(each, ast.Constant)
            ):
                continue
            if isinstance(each, ast.AST) and not spared(each):
                yield name, each


def _is_enumeration(node: ast.AST) -> bool:
    """Return whether `node` lists names, whose spelling is as good as any other."""
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(isinstance(each, ast.Name) and each.id.endswith("Enum") for each in bases)


def _fields_spared(node: ast.AST) -> frozenset[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return frozenset({"decorator_list", "returns"})
        case ast.ClassDef():
            return frozenset({"decorator_list", "bases", "keywords"})
        case ast.arg() | ast.AnnAssign():
            return frozenset({"annotation", "target"})
        case ast.FormattedValue():
            return frozenset({"format_spec"})
        case ast.Raise():
            return frozenset({"cause"})
        case ast.Call(ast.Name(name)) if name in REFUSALS:
            return frozenset({"args", "keywords"})
        case _:
            return frozenset()


def _is_told(value: ast.expr) -> bool:
    """Return whether this is a line of the log, or a statement of what cannot be."""
    match value:
        case ast.Call(ast.Attribute(ast.Name(name))):
            return name in TOLD
        case ast.Call(ast.Name(name)):
            return name in ASSURED
        case _:
            return False


def _is_prose(values: list[ast.expr]) -> bool:
    """Return whether a formatted text has words in it, so that people read it."""
    texts = (each.value for each in values if isinstance(each, ast.Constant))
    return any(" " in text for text in texts if isinstance(text, str))
