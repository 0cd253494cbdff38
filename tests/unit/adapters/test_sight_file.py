"""What the last turn saw, told to other processes by a file that is always whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from tests.worlds import view

from leverd.adapters.sight_file import (
    SightFile,
    SpotSightFile,
    read_sight,
    read_spot_sight,
    sight_path,
    spot_sight_path,
)
from leverd.engine.collect import snapshot_of
from leverd.errors import ImpossibleError
from leverd.interfaces.watcher import Nobody, SpotSight, Turned

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def turned(number=1):
    return Turned(number, NOW, 0.5, {"look": 0.4}, 12.0, True, {"eth-loop": view()})


def file_in(folder, **given):
    return SightFile(sight_path(folder / "journal.db"), snapshot_of, **given)


def test_what_is_told_is_read_back_exactly(tmp_path):
    file_in(tmp_path, circuits=lambda: {"rpc": "open"}, calls=lambda: ({"n": 5}, {"n": 1})).turned(
        turned()
    )
    sight = read_sight(sight_path(tmp_path / "journal.db"))
    seen = view()
    assert (sight.turn, sight.at, sight.seconds, sight.next_s) == (1, NOW, 0.5, 12.0)
    assert sight.stages == {"look": 0.4}
    assert sight.positions["eth-loop"].snapshot == snapshot_of(seen.state, seen.stamp)
    assert sight.positions["eth-loop"].operator_balance == seen.gas.operator_balance
    assert (sight.circuits, sight.rpc_calls, sight.rpc_errors) == (
        {"rpc": "open"},
        {"n": 5},
        {"n": 1},
    )
    assert sight.pid == os.getpid()


def test_only_the_owner_reads_it_and_only_the_last_turn_is_there(tmp_path):
    told = file_in(tmp_path)
    told.turned(turned(1))
    told.turned(turned(2))
    assert read_sight(sight_path(tmp_path / "journal.db")).turn == 2
    assert {each.name for each in tmp_path.iterdir()} == {"journal.db.sight"}
    assert sight_path(tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"turn": "x"}', b"\xff" * 9])
def test_what_is_not_whole_is_as_if_nothing_was_told(tmp_path, raw):
    path = sight_path(tmp_path / "journal.db")
    assert read_sight(path) is None
    path.write_bytes(raw)
    assert read_sight(path) is None


def test_a_turn_does_not_fail_where_nothing_can_be_written(tmp_path):
    told = file_in(tmp_path / "nowhere")
    told.turned(turned(1))
    told.turned(turned(2))
    (tmp_path / "nowhere").mkdir()
    told.turned(turned(3))
    assert read_sight(sight_path(tmp_path / "nowhere" / "journal.db")).turn == 3


def test_nobody_is_led_to_another_file_by_a_link(tmp_path):
    other = tmp_path / "other"
    other.write_text("keep")
    (tmp_path / "journal.db.sight.half").symlink_to(other)
    file_in(tmp_path).turned(turned())
    assert other.read_text() == "keep"


def test_what_cannot_be_pictured_fails_no_turn(tmp_path):
    def unpriced(_state, _stamp):
        raise ImpossibleError("it has no price", number=30)

    told = SightFile(sight_path(tmp_path / "journal.db"), unpriced)
    told.turned(turned())
    assert read_sight(sight_path(tmp_path / "journal.db")) is None
    told = file_in(tmp_path)
    told.turned(turned(2))
    assert read_sight(sight_path(tmp_path / "journal.db")).turn == 2


def test_the_last_look_at_an_order_book_is_read_back_exactly_and_fails_no_look(tmp_path):
    journal = tmp_path / "nowhere" / "journal.db"
    look = SpotSight(NOW, 1_700_000_000, 9, "0x1", "INJ/USDT", 2 * 10**19, 0, 10**15, 10**40)
    kept = SpotSightFile(spot_sight_path(journal))
    kept.looked(look)
    kept.looked(look)
    assert read_spot_sight(spot_sight_path(journal)) is None
    journal.parent.mkdir()
    kept.looked(look)
    assert read_spot_sight(spot_sight_path(journal)) == look
    assert spot_sight_path(journal).stat().st_mode & 0o777 == 0o600
    Nobody().looked(look)
