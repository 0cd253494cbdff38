"""A secret that a program prints, as `vault kv get` does: run without a shell, and bounded.

Its arguments are never repeated, for people put there what does not belong there; nor is what
it printed, on either stream.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Final

from leverd.adapters.secrets import codes
from leverd.adapters.secrets.patience import answered_within
from leverd.errors import SecretError, UnreachableError
from leverd.interfaces.secrets import Secret

DEADLINE_S: Final = 10.0
BYTES_MAX: Final = 64 * 1024

_SEEN: Final = ("HOME", "LANG", "PATH", "USER")
"""Variables that every such program may see; others only where the settings name them."""

_END_S: Final = 1.0
"""Wall seconds from the end of what is printed to the end of the program."""


class CommandSecret:
    """What a program prints on its standard output, without the last line's end."""

    def __init__(
        self,
        run: Sequence[str],
        env: Mapping[str, str],
        *,
        sees: Sequence[str] = (),
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._run, self._deadline_s = run, deadline_s
        self._env = {name: env[name] for name in (*_SEEN, *sees) if name in env}
        self._place = f"command {run[0]}"

    def get(self) -> Secret:
        """Return what it prints.

        Raises:
            SecretError: there is no such program, it fails, or prints no secret.
            UnreachableError: it is not done in time; it is ended then.
        """
        raw = self._printed(self._program())
        try:
            value = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:  # its message quotes the bytes
            raise self._wrong("it prints no text", codes.COMMAND_SILENT) from None
        if not value:
            raise self._wrong("it prints nothing", codes.COMMAND_SILENT)
        return Secret(value)

    def _program(self) -> str:
        """Return the path of the program, which nobody else may have written."""
        name, path = self._run[0], self._env.get("PATH", os.defpath)
        found = shutil.which(name, path=path)
        if found is None or not Path(found).is_absolute():
            where = "there" if Path(name).is_absolute() else f"in PATH ({path})"
            raise SecretError(
                f"no program {name} is {where}",
                number=codes.COMMAND_MISSING,
                place=self._place,
                remedy="name the program by its absolute path",
            )
        if Path(found).stat().st_mode & stat.S_IWOTH:
            raise SecretError(
                f"others may change {found}, which would be run as this user",
                number=codes.COMMAND_WRITABLE,
                place=self._place,
                remedy=f"chmod o-w {found}",
            )
        return found

    def _printed(self, program: str) -> bytes:
        with self._started(program) as process:
            assert process.stdout is not None, "it was asked for"
            try:
                raw = answered_within(self._deadline_s, partial(_some, process.stdout))
                if len(raw) > BYTES_MAX:
                    text = f"it prints more than {BYTES_MAX} bytes"
                    raise self._wrong(text, codes.COMMAND_FLOODED)
                code = process.wait(_END_S)
            except (TimeoutError, subprocess.TimeoutExpired):
                raise UnreachableError(
                    f"it is not done within {self._deadline_s:g} s",
                    number=codes.COMMAND_LATE,
                    place=self._place,
                    remedy="run it by hand as the same user; raise command_s_max if it is slow",
                ) from None
            finally:
                _end(process)
        if code:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise self._wrong(f"it ended with {how}", codes.COMMAND_FAILED)
        return raw

    def _started(self, program: str) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 -- the owner's own program, without a shell
                [program, *self._run[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what it complains of may quote the secret
                env=self._env,
                cwd="/",
                bufsize=0,
                start_new_session=True,  # whatever it starts ends with it
            )
        except OSError as error:
            text = f"it cannot be run: {error.strerror}"
            raise self._wrong(text, codes.COMMAND_MISSING) from None

    def _wrong(self, why: str, number: int) -> SecretError:
        return SecretError(
            f"the program that is to print the secret does not: {why}",
            number=number,
            place=self._place,
            remedy="run it by hand as the same user and with as small an environment; what it"
            " says itself is not repeated here",
        )


def _some(stream: IO[bytes]) -> bytes:
    """Return what `stream` holds until its end, and of a flood no more than shows that it is."""
    raw = b""
    while len(raw) <= BYTES_MAX and (more := stream.read(BYTES_MAX)):
        raw += more
    return raw


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
