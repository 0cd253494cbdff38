"""The shipped settings file, changed a little."""

from __future__ import annotations

from pathlib import Path

from leverd.agents import guardian, leverage_loop
from leverd.settings import MalformedError, load_settings

KINDS = {"leverage_loop": leverage_loop.AGENT, "guardian": guardian.AGENT}
SHIPPED = Path(__file__).parents[3] / "config" / "settings.yaml"


def write(folder, *edits, name="settings.yaml"):
    """Return a copy of the shipped file with each (old, new) of `edits` made once."""
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def line_of(file, text):
    """Return the line, from 1, that holds `text`."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return 1 + next(index for index, line in enumerate(lines) if text in line)


def load(*files, env=None, **options):
    return load_settings(list(files), env or {}, KINDS, **options)


def problems(*files, env=None, **options):
    """Return what is wrong, as (number, line, dotted path)."""
    try:
        load(*files, env=env, **options)
    except MalformedError as error:
        return error.problems
    return ()
