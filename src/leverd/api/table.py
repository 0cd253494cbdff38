"""Rows as CSV, one column a field, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.responses import Response
from pydantic import BaseModel

CSV_TOO: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "Rows"}
}
"""How OpenAPI tells of an answer that may be asked for as CSV."""

_FORMULAS: Final = ("=", "+", "@", "\t", "\r", "-")


def csv_answer(rows: Sequence[BaseModel], model: type[BaseModel], name: str) -> Response:
    """Return `rows` of `model` as a file called `name`."""
    out = io.StringIO()
    columns = list(model.model_fields)
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for row in rows:
        plain = row.model_dump(mode="json")
        writer.writerow({column: _cell(plain[column]) for column in columns})
    return Response(
        out.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case {"amount": amount, "unit": unit}:
            return f"{amount} {unit}"
        case Mapping() | list():
            return json.dumps(value, separators=(",", ":"), sort_keys=True)
        case bool():
            return str(value).lower()
        case _:
            return _harmless(str(value))


def _harmless(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula; numbers stay numbers."""
    if text.startswith(_FORMULAS) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
