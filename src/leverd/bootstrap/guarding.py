"""What still protects when settings or journal are broken: the guards alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loguru import logger

from leverd.adapters.sql_journal.codec import NEWER
from leverd.adapters.sql_journal.database import file_of
from leverd.adapters.sql_journal.migrate import NEWER_TABLES
from leverd.adapters.sql_journal.salvaging import salvage
from leverd.adapters.system_clock import SystemClock
from leverd.bootstrap import service
from leverd.bootstrap.kept_settings import kept
from leverd.bootstrap.places import PAPER
from leverd.bootstrap.service import Start
from leverd.errors import JournalDamagedError, JournalError, LeverdError, SettingsError
from leverd.settings import Settings, journal_path

_NEWER: Final = frozenset({NEWER, NEWER_TABLES})


def is_broken(error: JournalError) -> bool:
    """Return whether this leverd cannot read the journal, though it is its own."""
    return isinstance(error, JournalDamagedError) or error.number == NEWER_TABLES


def settings_kept(
    files: Sequence[Path], mode: str, journal: Path | None, why: SettingsError
) -> Settings:
    """Return the settings that last ran, where those in `files` are malformed as `why` says.

    Their journal is `journal`, else what the files still say it is.

    Raises:
        SettingsError: `why`, because none were kept.
    """
    named = journal_path(files, os.environ, mode=mode)
    if journal is None and not named:
        raise why
    try:
        return kept(journal or file_of(named))
    except SettingsError:
        raise why from None


def run(settings: Settings, why: LeverdError, *, wait_s: float) -> int:
    """Guard until a signal stops it; return 0. A damaged journal is salvaged first.

    One that only a newer leverd can read is whole, and stays as it is: the guards keep a
    journal of their own beside it.

    Raises:
        LeverdError: not even that could start; nothing was sent.
    """
    try:
        return service.run(settings, Start(wait_s, guarding=why))
    except JournalError as damaged:
        if not is_broken(damaged):
            raise
        path = file_of(settings.journal.path)
        if damaged.number in _NEWER and settings.mode == PAPER:
            raise  # a paper position is in that very journal, and nowhere else
        if damaged.number in _NEWER:
            beside = path.with_name(f"{path.name}.guarding")
            journal = settings.journal.model_copy(update={"path": str(beside)})
            settings = settings.model_copy(update={"journal": journal})
            return service.run(settings, Start(wait_s, guarding=damaged))
        saved = salvage(path, SystemClock())
        if saved is None:
            raise
        logger.error("LVD-JRN-020 {} entries kept, damage in {}", saved.kept, saved.quarantine)
        return service.run(settings, Start(wait_s, guarding=damaged))
