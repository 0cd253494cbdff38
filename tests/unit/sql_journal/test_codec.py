"""Events to JSON and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from tests.journal_events import KINDS, events, snapshot, values_of

from leverd.adapters.sql_journal import codec
from leverd.adapters.sql_journal.codec import decode, encode
from leverd.domain.days import Day
from leverd.domain.events import AlertRaised, HoldsFolded, JournalPruned, PositionAdopted
from leverd.domain.slot_events import SlotIncluded
from leverd.errors import JournalDamagedError

HOLDS = HoldsFolded("eth-loop", 3, 10, 12, "calm")


def decoded(kind, version, plain):
    return decode(kind, version, json.dumps(plain))


def plain_holds(**changes):
    return {**json.loads(encode(HOLDS).text), **changes}


@settings(max_examples=400)
@given(events())
def test_every_event_comes_back_as_it_was(event):
    body = encode(event)
    assert decode(body.kind, body.version, body.text) == event
    assert body.text.isascii()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_alone_comes_back_as_it_was(kind):
    @settings(max_examples=15)
    @given(values_of(kind))
    def comes_back(event):
        body = encode(event)
        again = decode(body.kind, body.version, body.text)
        assert again == event
        assert encode(again) == body

    comes_back()


def test_whole_numbers_beyond_what_json_readers_hold_are_text():
    body = encode(JournalPruned(2**53, 2**53 + 1, -(2**53) - 1))
    assert json.loads(body.text) == {
        "through": 2**53,
        "dropped": "9007199254740993",
        "kept": "-9007199254740993",
        "gas": 0,
    }


def test_no_number_is_ever_written_as_a_float():
    body = encode(SlotIncluded(1, "0x", "0x", 1, "0x", 1, True, "", 10**30, 10**40))
    assert "." not in body.text
    assert "e+" not in body.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"countt": 3}, "unknown field 'countt'"),
        ({"count": "3"}, "not how a whole number"),
        ({"count": 3.0}, "int expected, float found"),
        ({"count": True}, "int expected, bool found"),
        ({"count": None}, "int expected"),
        ({"count": "9007199254740993.0"}, "invalid literal"),
        ({"count": " 9007199254740993"}, "not how a whole number"),
        ({"reason": 5}, "str expected"),
        ({"reason": None}, "str expected"),
    ],
)
def test_a_field_of_another_shape_is_damage(changes, message):
    with pytest.raises(JournalDamagedError, match=message):
        decoded("HoldsFolded", 1, plain_holds(**changes))


def test_a_missing_field_is_damage_unless_it_has_a_default():
    plain = plain_holds()
    del plain["reason"]
    with pytest.raises(JournalDamagedError, match="'reason' is missing"):
        decoded("HoldsFolded", 1, plain)
    alert = {"position_id": "", "code": "X", "message": "m"}
    assert decoded("AlertRaised", 1, alert) == AlertRaised("", "X", "m", {})


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"x"', "[" * 100_000])
def test_a_body_that_is_no_mapping_is_damage(text):
    with pytest.raises(JournalDamagedError, match="does not parse"):
        decode("HoldsFolded", 1, text)


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_version_nobody_knows_is_damage(version):
    with pytest.raises(JournalDamagedError, match="unknown version"):
        decoded("HoldsFolded", version, plain_holds())


def test_a_kind_nobody_knows_is_damage_and_says_a_newer_leverd_may_have_made_it():
    with pytest.raises(JournalDamagedError, match="newer leverd"):
        decode("TimeTravelled", 1, "{}")


def test_an_old_body_is_upgraded_step_by_step(monkeypatch):
    monkeypatch.setattr(codec, "VERSIONS", {"HoldsFolded": 3})
    monkeypatch.setattr(
        codec,
        "UPGRADES",
        {
            ("HoldsFolded", 1): lambda plain: {**plain, "count": plain["number"]},
            ("HoldsFolded", 2): lambda plain: {k: v for k, v in plain.items() if k != "number"},
        },
    )
    old = plain_holds(number=9)
    del old["count"]
    assert decoded("HoldsFolded", 1, old) == HoldsFolded("eth-loop", 9, 10, 12, "calm")
    assert encode(HOLDS).version == 3


def test_nested_records_are_read_as_strictly():
    body = encode(PositionAdopted("p", "0x1", snapshot()))
    plain = json.loads(body.text)
    plain["snapshot"]["prices"]["WETH"] = "three thousand"
    with pytest.raises(JournalDamagedError):
        decoded("PositionAdopted", 1, plain)


def test_a_day_of_before_is_read_and_one_of_a_newer_leverd_is_not_called_broken():
    day = Day(19_000, "p", trades=2)
    plain = json.loads(codec.write_plain(day))
    assert codec.read_plain(Day, json.dumps(plain)) == day
    del plain["turns"]
    assert codec.read_plain(Day, json.dumps(plain)) == day
    with pytest.raises(JournalDamagedError, match="a newer leverd may have written it"):
        codec.read_plain(Day, json.dumps({**plain, "mood": 1}))
    with pytest.raises(JournalDamagedError, match="Day does not parse"):
        codec.read_plain(Day, json.dumps({**plain, "trades": "two"}))
