"""Where a daemon's settings come from, so that they can be read again while it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from leverd.errors import SettingsError
from leverd.interfaces.agent import AgentKind
from leverd.settings import Settings, load_settings

_CUT: Final = 94


@dataclass(frozen=True, slots=True)
class Source:
    """Settings files, and what was laid over them when the process started."""

    files: Sequence[Path]
    mode: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def load(self, kinds: Mapping[str, AgentKind[Any]]) -> Settings:
        """Return the settings as they are in the files now.

        Raises:
            SettingsError: they are malformed.
        """
        return load_settings(self.files, self.env, kinds, mode=self.mode)

    def look(self) -> tuple[tuple[int, ...], ...]:
        """Return what changes whenever a file may have changed; costs a stat for each."""
        return tuple(_seen(file) for file in self.files)

    def check_whole(self) -> None:
        """Check that every file ends where a line ends: one cut short seldom does.

        Raises:
            SettingsError: one does not.
        """
        for file in self.files:
            if file.exists() and not file.read_bytes().endswith(b"\n"):
                raise SettingsError(
                    "ends in the middle of a line: it may be half-written",
                    number=_CUT,
                    place=str(file),
                    remedy="end it with a newline, then say so again",
                )

    def digest(self) -> str:
        """Return a hash of what the files hold, "" for those that cannot be read."""
        whole = hashlib.sha256()
        for file in self.files:
            try:
                content = file.read_bytes()
            except OSError:
                content = b""
            whole.update(len(content).to_bytes(8, "big") + content)
        return whole.hexdigest()


def _seen(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
