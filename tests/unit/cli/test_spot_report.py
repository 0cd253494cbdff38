"""leverd report of spot: rounds, fees and falls as the journal has them, on screen and as JSON."""

from __future__ import annotations

import pytest
from tests.unit.cli.test_spot_rows import DECIDED, PLANNED
from tests.unit.settings.test_spot_settings import COMMENTED, section

from leverd.domain.changed import changed
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import (
    SpotAttemptSigned,
    SpotMarked,
    SpotOpened,
    SpotOrderSettled,
    SpotWrittenOff,
)

HOUR = 3_600
SOLD = changed(PLANNED, side="sell", purpose="exit", reason="it was kept long enough")


def settled(filled, notional, fee, standing="closed", reason=""):
    raw = [int(each * WAD) for each in (filled, notional, fee)]
    return SpotOrderSettled("spot", "lv1", standing, *raw, 120, reason)


def marked(profit):
    return SpotMarked("spot", 20 * WAD, 0, 0, 0, profit * WAD, profit * WAD, 1)


@pytest.fixture
def trader(owner):
    """An owner with a round won, a round lost, an order that was never, and 2 held."""
    owner.edit(COMMENTED, section())
    owner.with_history()
    signed = SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130)
    rounds = (
        (DECIDED, PLANNED, signed, settled(4, 80, 0.5)),
        (marked(6), SOLD, signed, settled(4, 90, 0.5), marked(9)),
        (DECIDED, PLANNED, signed, settled(4, 84, 0.5)),
        (SOLD, signed, settled(1, 20, 0.25), SOLD, signed, settled(3, 59, 0.25), marked(3)),
        (PLANNED, signed, settled(0, 0, 0, "never", "it died")),
        (PLANNED, signed, settled(2, 40, 0)),
    )
    journal = owner.open_journal()
    for number, events in enumerate(rounds):
        journal.append_now(*events, chain_at=1_800_000_000 + number * HOUR)
    journal.close()
    return owner


def test_rounds_fees_and_falls_are_the_journals(trader):
    found = trader("report", "-p", "spot", "--json").data
    assert found["units"] == ["INJ", "quote"]
    assert (found["rounds"], found["rounds_won"]) == (2, 1)
    assert (found["round_best"], found["round_worst"]) == ("9", "-6")
    assert (found["realised"], found["fees"]) == ("3", "2")
    assert (found["profit"], found["unrealised"]) == (None, None)  # nobody looked since
    assert (found["bought"], found["sold"]) == ("204", "169")
    assert (found["held"], found["held_cost"]) == ("2", "40")
    assert found["deepest_fall"] == "6"  # from 9 to 3
    assert found["ends"] == {"closed": 6, "never, nothing traded": 1}
    assert found["thoughts"] == {"enter signal": 2}
    assert (found["from"], found["until"]) == (1_800_000_000, 1_800_000_000 + 5 * HOUR)
    never = found["orders"][5]
    assert (never["filled"], never["price"], never["reason"]) == ("0", None, "it rises; it died")
    assert [each["price"] for each in found["orders"][:2]] == ["20", "22.5"]


def test_it_reads_well_on_screen(trader):
    shown = " ".join(trader("report", "-p", "spot").out.split())
    for part in (
        "spot, INJ for quote", "+3 quote", "1 of 2 rounds", "+9 quote, -6 quote", "2 INJ, cost 40",
        "6 closed, 1 never, nothing traded", "not known", "4 of 4", "leverd history -p spot",
    ):  # fmt: skip
        assert part in shown


def test_before_anything_happened_it_says_so(owner):
    owner.edit(COMMENTED, section())
    owner.with_history()
    shown = " ".join(owner("report", "-p", "spot").out.split())
    assert "nothing yet" in shown
    assert "no round ended yet" in shown


@pytest.mark.parametrize("files", [("--out", "spot.html"), ("--png",)])
def test_there_is_no_page_of_it_and_it_says_where_it_is_drawn(trader, files):
    answer = trader("report", "-p", "spot", *files)
    assert (answer.code, "LVD-OWN-100" in answer.err) == (1, True)
    assert "/api/v1/spot/series" in answer.err


def test_where_no_spot_is_traded_it_is_no_name(owner):
    owner.with_history()
    assert owner("report", "-p", "spot").code == 1


def test_what_was_traded_for_another_account_before_is_not_this_ones(trader):
    opened = SpotOpened("spot", "inj1me", PLANNED.market_id, "injective-1", 0)
    signed = SpotAttemptSigned("spot", "lv1", 7, "AB", "00", 130)
    mine = changed(PLANNED, account="inj1me")
    journal = trader.open_journal()
    sold = changed(SOLD, quantity=2 * WAD)
    journal.append_now(sold, signed, settled(2, 50, 0), chain_at=1_800_000_000 + 9 * HOUR)
    assert trader("report", "-p", "spot", "--json").data["rounds"] == 3
    journal.append_now(opened, marked(-1), chain_at=1_800_000_000 + 10 * HOUR)
    journal.append_now(mine, signed, settled(2, 40, 1), chain_at=1_800_000_000 + 11 * HOUR)
    journal.close()
    found = trader("report", "-p", "spot", "--json").data
    assert (found["account"], found["market_id"]) == ("inj1me", PLANNED.market_id)
    assert (found["realised"], found["fees"], found["held_cost"]) == ("0", "1", "41")
    assert (found["bought"], found["sold"], found["rounds"]) == ("40", "0", 0)
    assert (found["deepest_fall"], len(found["orders"])) == ("1", 1)
    assert found["from"] == 1_800_000_000 + 10 * HOUR
    assert "inj1me" in trader("report", "-p", "spot").out


def test_a_rest_that_is_written_off_ends_its_round(trader):
    journal = trader.open_journal()
    off = SpotWrittenOff("spot", 2 * WAD, 40 * WAD, "too little")
    journal.append_now(off, chain_at=1_800_000_000 + 9 * HOUR)
    journal.close()
    found = trader("report", "-p", "spot", "--json").data
    assert (found["rounds"], found["round_worst"], found["held"]) == (3, "-40", "0")
    assert found["realised"] == found["profit"] == "-37"
