"""An owner at a terminal: the commands as they are called, in a folder of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.journal_events import WAD, SteadyClock, snapshot

from leverd.adapters.sql_journal import SqlJournal
from leverd.cli import edge, main
from leverd.domain.events import DaemonStarted, DecisionTaken, PnlRecorded, PositionAdopted
from leverd.domain.slot_events import AttemptSigned, SlotIncluded
from leverd.interfaces.journal import Binding

SHIPPED = Path(__file__).parents[3] / "config" / "settings.yaml"


@dataclass(frozen=True)
class Answer:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


class Owner:
    """Runs commands in `folder`, where the shipped settings are."""

    def __init__(self, folder, capsys):
        self.folder, self._capsys = folder, capsys
        (folder / "config").mkdir()
        self.settings = folder / "config" / "settings.yaml"
        self.settings.write_text(SHIPPED.read_text(encoding="utf-8"))
        self.journal = folder / "var" / "devnet" / "journal.db"

    def __call__(self, *arguments):
        self._capsys.readouterr()

        def action():
            return main.app(args=list(arguments), prog_name="leverd")

        try:
            code = edge.guard(action, arguments)
        except SystemExit as ended:
            code = ended.code or 0
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    def edit(self, old, new):
        text = self.settings.read_text()
        assert text.count(old) == 1
        self.settings.write_text(text.replace(old, new))

    def open_journal(self):
        return SqlJournal(self.journal, SteadyClock())

    def with_history(self):
        """Write a short life of the shipped position into the journal."""
        journal = self.open_journal()
        journal.bind(Binding("devnet", 31337, "0xgenesis"))
        journal.append_now(DaemonStarted("0.1.0", "devnet", "hash"))
        journal.append_now(PositionAdopted("eth-loop", "0xacc", snapshot(1)), chain_at=100)
        reason = "leverage 1.0000 is below 2.2"
        journal.append_now(
            DecisionTaken("eth-loop", "leverage_loop", "set_leverage", "2.5", reason, snapshot(2)),
            AttemptSigned(7, "0xme", "p", "eth-loop", 0, "act", "0xaa", "00", 1, 10**10, 1, 1),
            chain_at=200,
        )
        journal.append_now(
            SlotIncluded(7, "0xme", "0xaa", 3, "0xb", 300, True, "", 420_000, 10**10),
            PnlRecorded(
                "eth-loop", snapshot(3), {"price": 100 * 10**8, "gas": -12 * 10**8}, WAD, WAD
            ),
            chain_at=300,
        )
        journal.close()
        return self
