"""One life of the daemon: from a start to a stop, or to its death at any step outside."""

from __future__ import annotations


class Death(BaseException):
    """The process is gone. Nothing in src catches it."""


class Life:
    """Counts the steps outside; once dead, every further one dies too, so nothing has effect."""

    def __init__(self, fuse: int = 0) -> None:
        self.left = fuse  # 0: it does not die by itself
        self.dead = False
        self.where = ""

    def step(self, where: str) -> None:
        """Pass, or die."""
        if self.dead:
            raise Death
        if self.left:
            self.left -= 1
            if not self.left:
                self.die(where)
                raise Death

    def die(self, where: str) -> None:
        self.dead, self.where = True, where
