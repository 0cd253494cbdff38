"""A control group of a machine's own: two that shared one would count and end each other's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

TREES: Final = ("systemd", "unified", "")
"""Below /sys/fs/cgroup: where processes are kept in groups, of old, between, and now."""


class ControlGroup:
    """Made when a machine boots, and gone when it is dark."""

    def __init__(self, name: str) -> None:
        trees = [Path("/sys/fs/cgroup") / each for each in TREES]
        self._folders = [each / name for each in trees if (each / "cgroup.procs").exists()]

    def make(self) -> None:
        """Make it, empty."""
        for each in self._folders:
            each.mkdir()

    @property
    def joining(self) -> str:
        """A line of shell by which it enters the group itself."""
        return "".join(f"echo $$ > {each}/cgroup.procs && " for each in self._folders)

    def is_removed(self) -> bool:
        """Return whether it is gone; it stays for as long as something in it ends."""
        for each in self._folders:
            for inner in sorted(
                (inner for inner in each.rglob("*") if inner.is_dir()), reverse=True
            ):
                _remove(inner)
            _remove(each)
        return not any(each.exists() for each in self._folders)


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # busy, or gone by itself; who asked looks again
