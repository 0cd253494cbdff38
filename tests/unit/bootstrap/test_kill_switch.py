"""Signals and a file become requests, each once, and none of them can add risk."""

from __future__ import annotations

import asyncio
import os

import pytest

from leverd.adapters import kill_file
from leverd.adapters.kill_file import Ordered, Unclear
from leverd.adapters.simulated.memory_journal import MemoryRequests
from leverd.bootstrap.kill_switch import SIGNALS, UNCLEAR, UNHEARD, KillSwitch
from leverd.errors import JournalError
from leverd.interfaces.requests import RequestKind

SAFER = {
    RequestKind.PAUSE,
    RequestKind.REDUCE,
    RequestKind.UNWIND,
    RequestKind.UNWIND_NOW,
}


class Told:
    def __init__(self):
        self.alerts = []

    def notify(self, alert):
        self.alerts.append(alert)

    @property
    def codes(self):
        return [alert.code for alert in self.alerts]


class Box(MemoryRequests):
    """A letter box in memory that may fail to take what is put."""

    def __init__(self):
        super().__init__()
        self.names, self.fails = set(), 0

    def put(self, kind, position_id, by):
        if self.fails:
            self.fails -= 1
            raise JournalError("the disk is full", number=1)
        self.names.add(by)
        return super().put(kind, position_id, by)

    def has_asked(self, by):
        return by in self.names

    @property
    def asked(self):
        return [(each.kind, each.position_id, each.by.partition(":")[0]) for each in self.pending()]


class Napping:
    """A clock on which a nap is over at once, and counted."""

    naps = 0

    async def sleep(self, _seconds):
        self.naps += 1
        await asyncio.sleep(0)


class Wired:
    def __init__(self, folder):
        self.file, self.told, self.box, self.wakes = folder / "kill", Told(), Box(), 0
        self.switch = KillSwitch(self.file, ["loop"], self.told)

    def wake(self):
        self.wakes += 1

    async def inside(self, *acts):
        async with self.switch.wired(self.box, self.wake, Napping()):
            for act in acts:
                act()
                for _ in range(3):
                    await asyncio.sleep(0)


@pytest.fixture
def wired(tmp_path):
    return Wired(tmp_path)


def test_no_signal_and_no_verb_can_add_risk_or_stop_the_guardian():
    assert set(SIGNALS.values()) <= SAFER
    assert set(kill_file.VERBS.values()) == SAFER


def test_a_file_is_done_once_and_again_when_it_is_written_anew(wired):
    def write():
        wired.file.write_text("unwind loop\n")

    def again():
        os.utime(wired.file, ns=(1, 1))

    asyncio.run(wired.inside(write, lambda: None, again))

    assert wired.box.asked == [(RequestKind.UNWIND, "loop", "file")] * 2
    assert wired.wakes > 0


def test_another_process_knows_what_was_done_already(wired, tmp_path):
    wired.file.write_text("pause")
    asyncio.run(wired.inside(lambda: None))
    later = Wired(tmp_path)
    later.box = wired.box
    asyncio.run(later.inside(lambda: None))

    assert wired.box.asked == [(RequestKind.PAUSE, "", "file")]


@pytest.mark.parametrize(
    "text", [b"", b"halt", b"resume", b"unwin", b"unwind a b", b"\xff\xfe", b"x" * 2000]
)
def test_what_is_unclear_is_said_once_and_never_done(wired, text):
    asyncio.run(wired.inside(lambda: wired.file.write_bytes(text), lambda: None))

    assert wired.box.asked == []
    assert wired.told.codes == [UNCLEAR]


def test_a_name_nobody_has_is_said_and_not_done(wired):
    asyncio.run(wired.inside(lambda: wired.file.write_text("unwind lop")))

    assert wired.box.asked == []
    assert wired.told.codes == [UNCLEAR]


def test_a_file_that_cannot_be_read_is_unclear(tmp_path):
    assert isinstance(kill_file.read(tmp_path), Unclear)  # a folder
    assert kill_file.read(tmp_path / "none") is None


def test_unclear_then_written_right_is_done(wired):
    asyncio.run(
        wired.inside(
            lambda: wired.file.write_text("unwi"),
            lambda: wired.file.write_text("UNWIND_NOW"),
        )
    )

    assert wired.box.asked == [(RequestKind.UNWIND_NOW, "", "file")]
    assert isinstance(kill_file.read(wired.file), Ordered)


def test_a_signal_before_there_is_a_letter_box_is_kept_for_it(wired):
    wired.switch.press(RequestKind.PAUSE)
    asyncio.run(wired.inside(lambda: None))

    assert wired.box.asked == [(RequestKind.PAUSE, "", "signal")]
    assert wired.wakes > 0


def test_what_the_box_does_not_take_is_put_again(wired):
    wired.box.fails = 3
    asyncio.run(wired.inside(lambda: wired.switch.press(RequestKind.UNWIND), lambda: None))

    assert wired.box.asked == [(RequestKind.UNWIND, "", "signal")]
    assert wired.told.codes == [UNHEARD]


def test_a_box_that_does_not_answer_is_said_and_looked_at_again(wired):
    def deaf():
        raise JournalError("locked", number=1)

    pending, wired.box.pending = wired.box.pending, deaf

    def heal():
        wired.box.pending = pending

    asyncio.run(wired.inside(lambda: None, heal, lambda: wired.file.write_text("pause")))

    assert wired.told.codes == [UNHEARD]
    assert wired.box.asked == [(RequestKind.PAUSE, "", "file")]


def test_a_request_of_another_process_wakes_the_loop(wired):
    asyncio.run(wired.inside(lambda: wired.box.put(RequestKind.REDUCE, "", "cli")))

    assert wired.wakes > 0


def test_without_a_file_only_signals_count(tmp_path):
    wired = Wired(tmp_path)
    wired.switch = KillSwitch(None, ["loop"], wired.told)
    asyncio.run(wired.inside(lambda: wired.file.write_text("pause")))

    assert wired.box.asked == []
