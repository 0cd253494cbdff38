"""What programs are answered is JSON by the book."""

from __future__ import annotations

import json

from leverd.cli.output import emit_json


def test_what_is_no_number_is_null(capsys):
    emit_json({"a": float("inf"), "b": [float("nan"), 0.5], "c": float("-inf")})
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: name)
    assert found == {"a": None, "b": [None, 0.5], "c": None}
