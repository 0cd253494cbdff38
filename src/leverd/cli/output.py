"""Answers as tables for people, or as JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

_JSON_INT_MAX: Final = 2**53
_PIPE_COLUMNS: Final = 200
_BORDER: Final = 3
"""What stands around a cell."""


def emit_json(data: Any) -> None:
    """Write `data` as one JSON document; numbers that JSON readers would bend become text."""
    sys.stdout.write(json.dumps(_plain(data), indent=2) + "\n")


def say(text: str) -> None:
    """Write one line to stdout."""
    sys.stdout.write(f"{text}\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Write a table; whole cells where the output is no terminal, whole words where it is one.

    A terminal too narrow for the words gets one row below the other, a cell a line.
    """
    from rich.table import Table  # noqa: PLC0415 -- only answers need it, not --help
    from rich.text import Text  # noqa: PLC0415 -- as above

    console, rows = _console(), [tuple(row) for row in rows]
    least = [_longest_word(cells) for cells in zip(columns, *rows, strict=True)]
    narrow = console.is_terminal and sum(least) + _BORDER * len(least) + 1 > console.width
    if narrow and rows:
        _one_by_one(columns, rows, title)
        return
    grid = Table(title=title or None, title_justify="left", header_style="bold")
    for column, width in zip(columns, least, strict=True):
        grid.add_column(column, overflow="fold", min_width=width if console.is_terminal else None)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    console.print(grid)


def show(renderable: RenderableType) -> None:
    """Write what Rich can draw; whole cells where the output is no terminal."""
    _console().print(renderable)


def pairs(values: Mapping[str, str], *, title: str = "") -> None:
    """Write names and values, one a line."""
    if title:
        say(title)
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        say(f"  {name:<{width}}  {value}")


def _one_by_one(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        say(title)
    for index, row in enumerate(rows):
        if index:
            say("")
        pairs({name: cell for name, cell in zip(columns, row, strict=True) if cell})


def _longest_word(cells: Iterable[str]) -> int:
    from rich.cells import cell_len  # noqa: PLC0415 -- as above

    return max((cell_len(word) for cell in cells for word in cell.split()), default=1)


@contextmanager
def progress(label: str) -> Iterator[Any]:
    """Yield `advance(done, total)`, which draws a bar on a terminal's stderr."""
    from rich.console import Console  # noqa: PLC0415 -- as above
    from rich.progress import Progress  # noqa: PLC0415 -- as above

    # Lines of the answer are drawn above the bar, unless they go somewhere else than the bar.
    both = sys.stdout.isatty() and sys.stderr.isatty()
    drawn = Console(stderr=True)
    with Progress(
        console=drawn, transient=True, redirect_stdout=both, disable=not drawn.is_terminal
    ) as bars:
        task = bars.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        yield advance


def busy(label: str) -> AbstractContextManager[object]:
    """Return what shows, on a terminal's stderr, that something goes on."""
    return progress(label) if sys.stderr.isatty() else nullcontext()


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415 -- as above

    return Console() if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case Decimal():
            return f"{value:f}" if value.is_finite() else None
        case datetime():
            return value.isoformat()
        case Enum():
            return _plain(value.value)
        case bool() | None:
            return value
        case int() if abs(value) > _JSON_INT_MAX:
            return str(value)
        case float():
            return value if math.isfinite(value) else None
        case int() | str():
            return value
        case _:
            return str(value)
