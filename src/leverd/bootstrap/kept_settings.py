"""The settings that last ran, beside the journal: what guards when the file is broken."""

from __future__ import annotations

import os
from pathlib import Path

from leverd.adapters.sql_journal.database import file_of, replace_durably
from leverd.bootstrap.agents import find_agents
from leverd.errors import SettingsError
from leverd.settings import Settings, agents_path, changes, exact_yaml, load_settings

_NOTE = "# Written by leverd: the settings that last ran, for --guard-only. Not read otherwise.\n"


def kept_path(journal: Path) -> Path:
    """Return where the settings that last ran with `journal` are."""
    return journal.with_name(f"{journal.name}.settings.yaml")


def keep(settings: Settings) -> None:
    """Keep `settings` as those that last ran, whole or not at all; URLs with their keys, so 0600.

    A disk that does not take them is no reason to stop: the older copy stays.
    """
    path = kept_path(file_of(settings.journal.path))
    half = path.with_name(f"{path.name}.writing")
    try:
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_NOTE + exact_yaml(settings))
            file.flush()
            os.fsync(file.fileno())
        replace_durably(half, path)
    except OSError:
        half.unlink(missing_ok=True)


def differences(settings: Settings) -> tuple[str, ...]:
    """Return what differs between `settings` and those that last ran, nothing if none are known."""
    try:
        ran = kept(file_of(settings.journal.path))
    except (SettingsError, OSError):
        return ()
    return tuple(str(each) for each in changes(ran, settings))


def kept(journal: Path) -> Settings:
    """Return the settings that last ran with `journal`.

    Raises:
        SettingsError: there are none, or they are damaged.
    """
    path = kept_path(journal)
    if not path.exists():
        raise SettingsError(
            "no settings were kept here: no daemon ever ran with this journal",
            number=93,
            place=str(path),
            remedy="name the journal with --journal, or correct the settings",
        )
    own = [Path(each) for each in agents_path([path], {})]
    return load_settings([path], {}, find_agents(own))
