"""Runs `leverd` once for each order, forked: a start costs no imports, a blow-up only a child.

Each order is a line of JSON on stdin, the arguments; each answer one on stdout: code, out, err.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import leverd.bootstrap.feasible
import leverd.bootstrap.kept_settings
import leverd.cli.config
from leverd.cli import edge, main

LOADED: Final = (leverd.cli.config, leverd.bootstrap.feasible, leverd.bootstrap.kept_settings)
ROOT: Final = Path(__file__).parents[2]
CASE_S: Final = 30
_MEMORY_MAX: Final = 3 << 30  # bytes of address space, most of it libraries


@dataclass(frozen=True)
class Answer:
    """What one command came to; a negative code is the signal that ended it."""

    code: int
    out: str
    err: str


def run_all(orders: Sequence[Sequence[str]], folder: Path) -> list[Answer]:
    """Return the answers to `orders`, run one after another in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.commands"],
        input="".join(json.dumps(order) + "\n" for order in orders),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]


def _obey(arguments: list[str]) -> int:
    signal.alarm(CASE_S)  # ends the child by a signal: nobody can take it for an answer
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, _MEMORY_MAX))
    sys.argv = ["leverd", *arguments]
    try:
        return edge.guard(lambda: main.app(args=arguments, prog_name="leverd"), arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


def _serve(arguments: list[str]) -> Answer:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = 99
            try:
                code = _obey(arguments)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return Answer(os.waitstatus_to_exitcode(status), *said)


if __name__ == "__main__":
    for line in sys.stdin:
        answer = _serve(json.loads(line))
        sys.stdout.write(json.dumps(vars(answer)) + "\n")
        sys.stdout.flush()
