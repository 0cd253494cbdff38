"""What is done to one node of a syntax tree: small slips that a person might make.

Each operator returns the node as it should be instead, or nothing where it does not apply.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

ARITHMETIC: Final[Mapping[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

COMPARISONS: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

OPPOSITES: Final = {
    "min": "max",
    "any": "all",
    "floor": "ceil",
    "ROUND_DOWN": "ROUND_UP",
    "ROUND_FLOOR": "ROUND_CEILING",
}
BOTH_WAYS: Final = OPPOSITES | {right: left for left, right in OPPOSITES.items()}


class Change(NamedTuple):
    """One way to spoil a node."""

    operator: str
    instead: ast.AST


def changes(node: ast.AST, known: frozenset[str]) -> Iterator[Change]:
    """Yield every way to spoil `node` itself; `known` are the names its module binds."""
    for name, operator in OPERATORS.items():
        yield from (Change(name, each) for each in operator(node, known))


def _arithmetic(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.AugAssign(target, op, value) if type(op) in ARITHMETIC:
            yield ast.AugAssign(target, ARITHMETIC[type(op)](), value)
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case _:
            return


def _comparison(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            ops = [*node.ops[:index], COMPARISONS[type(op)](), *node.ops[index + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def _logic(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    match node:
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case _:
            return


def _condition(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    """Negate a condition that none of the others touches."""
    match node:
        case ast.If(test, body, orelse) if _plain(test):
            yield ast.If(_negated(test), body, orelse)
        case ast.While(test, body, orelse) if _plain(test):
            yield ast.While(_negated(test), body, orelse)
        case ast.IfExp(test, body, orelse) if _plain(test):
            yield ast.IfExp(_negated(test), body, orelse)
        case ast.comprehension(target, iterated, ifs, is_async):
            for index, test in enumerate(ifs):
                if _plain(test):
                    spoilt = [*ifs[:index], _negated(test), *ifs[index + 1 :]]
                    yield ast.comprehension(target, iterated, spoilt, is_async)
        case _:
            return


def _plain(test: ast.expr) -> bool:
    return isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.NamedExpr))


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _constant(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Constant):
        return
    match node.value:
        case bool(value):
            yield ast.Constant(not value)
        case int(value):
            yield ast.Constant(value + 1)
        case str(value) if not any(each.isspace() for each in value):
            yield ast.Constant(_other_text(value))
        case _:
            return


def _other_text(text: str) -> str:
    """Return a number twice as large for one in a text, anything else with a tail."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return f"{text}X"
    return str(number * 2 if number else Decimal(1))


def _opposite(node: ast.AST, known: frozenset[str]) -> Iterator[ast.AST]:
    """Call the function that rounds, or picks, the other way."""
    match node:
        case ast.Name(name, ast.Load()) if (other := _other_way(name)) and _bound(other, known):
            yield ast.Name(other, ast.Load())
        case ast.Attribute(value, name, ast.Load()) if other := _other_way(name):
            yield ast.Attribute(value, other, ast.Load())
        case _:
            return


def _bound(name: str, known: frozenset[str]) -> bool:
    return name in known or hasattr(builtins, name)


def _other_way(name: str) -> str | None:
    if name in BOTH_WAYS:
        return BOTH_WAYS[name]
    for here, there in (("_up", "_down"), ("_down", "_up")):
        if name.endswith(here):
            return name.removesuffix(here) + there
    return None


def _left_out(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    """Leave out a statement that is there for its effect, or turn a loop's end."""
    match node:
        case ast.Expr(ast.Call() | ast.Await()) | ast.Raise() | ast.Delete() | ast.AugAssign():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case _:
            return


def _keyword(node: ast.AST, _known: frozenset[str]) -> Iterator[ast.AST]:
    """Leave out one named argument."""
    if isinstance(node, ast.Call):
        for index, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                rest = [*node.keywords[:index], *node.keywords[index + 1 :]]
                yield ast.Call(node.func, node.args, rest)


Operator = Callable[[ast.AST, frozenset[str]], Iterator[ast.AST]]
OPERATORS: Final[Mapping[str, Operator]] = {
    "arithmetic": _arithmetic,
    "comparison": _comparison,
    "logic": _logic,
    "condition": _condition,
    "constant": _constant,
    "opposite": _opposite,
    "left out": _left_out,
    "argument": _keyword,
}
