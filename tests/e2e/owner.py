"""An owner at a terminal of a devnet: commands as they are typed, while blocks go by."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from loguru import logger
from tests.e2e.children import moving
from tests.e2e.stage import Stage

from leverd.cli import edge, main

BLOCK_S = 0.05


@dataclass(frozen=True)
class Answer:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Owner:
    """Types commands; the market moves meanwhile unless it is told to stand still."""

    def __init__(self, stage: Stage, capsys: Any) -> None:
        self.stage, self._capsys = stage, capsys
        self.sections: dict[str, Any] = {}

    def __call__(self, *arguments: str, mining: bool = True) -> Answer:
        files = [str(file) for file in self.stage.files(**self.sections)]
        whole = [*arguments, *(part for file in files for part in ("-c", file))]
        self._capsys.readouterr()
        with moving(self.stage, block_s=BLOCK_S) if mining else nullcontext():
            try:
                code = edge.guard(lambda: main.app(args=whole, prog_name="leverd"), whole)
            except SystemExit as ended:
                code = int(ended.code or 0)
            finally:  # a command may have set up logs, to what capsys closes after the test
                logger.remove()
                logger.configure(patcher=lambda _: None)
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)
