"""What is traded on an order book, by the API: where it stands, what it did, and how to stop it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.api.test_live import followed, listening
from tests.unit.api.test_metrics import read
from tests.unit.api.trader import MARKET_ID, SECRET, Trader, planned, signed
from tests.unit.cli.test_spot_rows import VALUED

from leverd.adapters.sight_file import spot_sight_path
from leverd.domain.events import TradingStateChanged, UnwindRequested
from leverd.domain.fixed_point import WAD
from leverd.domain.spot_events import SpotMarked, SpotOpened, SpotOrderSettled
from leverd.domain.spot_home import PAPER
from leverd.domain.view import TradingState


@pytest.fixture
def trader(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Trader(tmp_path)


def usdt(amount):
    return {"amount": amount, "unit": "USDT"}


async def items(house, path):
    answer = await house.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_it_tells_what_is_held_what_it_cost_and_what_it_made(trader):
    trader.trades()
    trader.looks(bid=22)
    said = (await trader.get("/spot")).json()
    assert (said["position"], said["orders"], said["venue"]) == ("spot", "paper", "injective")
    assert (said["market_id"], said["ticker"], said["subject"]) == (MARKET_ID, "INJ/USDT", "INJ")
    assert (said["state"], said["stopped"], said["source"]) == ("active", None, "turn")
    assert said["held"] == {"amount": "4", "unit": "INJ"}
    assert (said["cost"], said["average"]) == (usdt("80.1"), usdt("20.025"))
    assert (said["bid"], said["worth"]) == (usdt("22"), usdt("88"))
    assert (said["realised"], said["fees"]) == (usdt("0"), usdt("0.1"))
    assert said["profit"] == said["unrealised"] == usdt("7.812")  # 88, less 0.1 %, less 80.1
    assert (said["peak"], said["free"]) == (usdt("1"), usdt("500"))
    assert (said["trades_today"], said["trades_day_max"], said["order"]) == (1, 6, None)
    assert said["fruitless"] == 1
    assert (said["last_decision"]["decision"], said["last_decision"]["code"]) == (
        "exit", "stop_loss",
    )  # fmt: skip
    assert said["last_decision"]["reason"] == "5 % below what it cost"
    assert (said["limits"]["stop_loss"], said["limits"]["horizon_h"]) == ("0.05", 24)
    assert (await trader.get("/status")).json()["spot"] == said


async def test_a_thought_tells_what_other_venues_said_and_the_fair_value(trader):
    trader.trades()
    trader.looks()
    before = (await trader.get("/spot")).json()
    assert before["agent"] == "signal_trader"
    assert (before["last_decision"]["fair"], before["last_decision"]["references"]) == (None, [])
    trader.write(VALUED, chain_at=trader.at)
    trader.later()
    said = (await trader.get("/spot")).json()["last_decision"]
    assert (said["agent"], said["fair"], said["fair_error"]) == ("mispricing", usdt("22"), "0.01")
    pool, mad, dead = said["references"]
    assert (pool["source"], pool["error"], pool["ignored"]) == ("pool", "0.005", "")
    assert (pool["bid"], pool["middle"]) == (usdt("21.78"), usdt("22"))
    assert (mad["error"], mad["ignored"], dead["ignored"]) == (None, "far", "silent")


async def test_without_a_look_it_tells_what_the_journal_marked(trader):
    trader.trades()
    said = (await trader.get("/spot")).json()
    assert (said["source"], said["block"], said["seen_s_ago"], said["free"]) == (
        "journal", None, None, None,
    )  # fmt: skip
    assert said["profit"] == {"amount": "-0.5", "unit": "quote"}
    trader.orders(planned("sell", "exit"), slot=8, filled=WAD, notional=20 * WAD, fee=0)
    trader.later()
    said = (await trader.get("/spot")).json()
    assert (said["profit"], said["held"]["amount"]) == (None, "3")  # the mark is of before


async def test_with_nothing_held_its_profit_is_what_was_realised(trader):
    trader.trades()
    trader.orders(planned("sell", "exit"), slot=8, filled=4 * WAD, notional=90 * WAD, fee=WAD)
    said = (await trader.get("/spot")).json()
    assert said["held"]["amount"] == "0"
    assert said["profit"]["amount"] == said["realised"]["amount"] == "8.9"
    assert (said["fees"]["amount"], said["average"], said["trades_today"]) == ("1.1", None, 2)


async def test_a_look_at_another_market_counts_for_nothing(trader):
    trader.trades()
    trader.looks(market_id="0x" + "cd" * 32)
    assert (await trader.get("/spot")).json()["source"] == "journal"
    trader.looks(ticker="odd")
    assert (await trader.get("/spot")).json()["held"]["unit"] == "INJ"
    spot_sight_path(trader.journal).write_text("{")
    trader.later()
    assert (await trader.get("/spot")).json()["source"] == "journal"


@pytest.mark.parametrize(
    ("further", "standing"), [((), "signed"), (("cancel",), "cancelling"), (None, "planned")]
)
async def test_an_order_in_flight_is_told_with_how_far_it_is(trader, further, standing):
    trader.live()
    if further is None:
        trader.write(planned(), chain_at=trader.at)
    else:
        cid = trader.orders(planned())
        for purpose in further:
            trader.write(signed(cid, 8, purpose), chain_at=trader.at)
    order = (await trader.get("/spot")).json()["order"]
    assert (order["side"], order["purpose"], order["standing"]) == ("buy", "enter", standing)
    assert (order["price"]["amount"], order["quantity"]) == (
        "21", {"amount": "4", "unit": "INJ"},
    )  # fmt: skip
    assert order["age_s"] == 3_600
    assert (order["cid"] == "") is (further is None)


async def test_a_stop_and_the_owners_orders_show(trader):
    trader.trades()
    trader.stops()
    trader.write(UnwindRequested("spot", "cli"))
    said = (await trader.get("/spot")).json()
    assert said["stopped"] == {"why": "portfolio_stop", "reason": "61 lost"}
    assert said["state"] == "active, unwinding"
    trader.write(TradingStateChanged("spot", TradingState.HALTED, "asked to", "cli"))
    trader.later()
    assert (await trader.get("/spot")).json()["state"].startswith("halted")


async def test_where_none_is_traded_it_is_not_found_and_status_says_null(house):
    house.live()
    for path in ("/spot", "/spot/series"):
        answer = await house.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "LVD-API-009")
    assert (await house.get("/status")).json()["spot"] is None
    assert (await house.post("/control/pause", json={"position": "spot"})).status_code == 404


async def test_what_is_left_of_a_section_that_is_gone_is_told_and_can_be_asked_nothing(house):
    house.live()
    house.write(planned(), chain_at=100)
    said = (await house.get("/spot")).json()
    assert (said["orders"], said["order"]["standing"], said["limits"]) == (None, "planned", {})
    assert (said["held"]["unit"], said["market_id"]) == ("base", None)
    assert (await house.post("/control/unwind", json={"position": "spot"})).status_code == 404


@pytest.mark.parametrize("verb", ["pause", "reduce", "unwind"])
async def test_wishes_for_it_are_put_into_the_letter_box(trader, verb):
    trader.live()
    answer = await trader.post(f"/control/{verb}", json={"position": "spot"})
    assert answer.status_code == 202, answer.text
    assert trader.pending() == [(verb, "spot", "api")]
    unknown = await trader.post(f"/control/{verb}", json={"position": "spots"})
    assert unknown.json()["remedy"] == "there are: eth-loop, spot"


async def test_its_thoughts_are_among_the_decisions_with_what_the_gate_said(trader):
    cid = trader.trades()
    exit_, denied, enter = await items(trader, "/decisions?position=spot")
    assert (enter["agent"], enter["decision"], enter["reason"]) == (
        "signal_trader", "enter", "it rises (signal)",
    )  # fmt: skip
    assert (enter["saw"]["bid"], enter["saw"]["ask"], enter["saw"]["block"]) == ("20", "21", None)
    (yes,) = enter["gate"]
    assert (yes["verdict"], yes["plan_id"], yes["steps"]) == (
        "approved", cid, ["buy 4 at 21 at worst"],
    )  # fmt: skip
    (no,) = denied["gate"]
    assert (no["verdict"], no["purpose"], no["reasons"]) == (
        "denied", "enter", ["cooldown", "trades_day"],
    )  # fmt: skip
    assert denied["reason"] == "enter (signal) is denied"
    assert [each["purpose"] for each in exit_["gate"]] == ["exit"]
    whole = await items(trader, "/decisions")
    assert {each["position"] for each in whole} == {"eth-loop", "spot"}


async def test_its_orders_and_fills_are_among_the_trades(trader):
    cid = trader.trades()
    sold, bought = await items(trader, "/trades?position=spot")
    assert (bought["plan_id"], bought["status"], bought["steps_done"]) == (cid, "completed", 1)
    assert bought["fill"] == {
        "account": "inj1me", "side": "buy", "standing": "closed", "price_worst": "21",
        "quantity": "4", "filled": "4", "price": "20", "notional": "80", "fee": "0.1",
        "exact": True,
    }  # fmt: skip
    assert (sold["status"], sold["aborted_because"]) == ("aborted", "unsigned: no answer")
    assert (sold["fill"]["filled"], sold["fill"]["price"]) == ("0", None)
    trader.orders(planned())
    running, *_ = await items(trader, "/trades?position=spot")
    assert (running["status"], running["ended_at"], running["fill"]["standing"]) == (
        "running", None, "",
    )  # fmt: skip
    assert {each["position"] for each in await items(trader, "/trades")} == {"eth-loop", "spot"}


@pytest.mark.parametrize(
    ("standing", "status", "block"),
    [("closed", "final", 120), ("rejected", "reverted", 120), ("never", "never", 0),
     ("lost", "lost", 0)],
)  # fmt: skip
async def test_its_payloads_are_among_the_transactions_with_their_fate(
    trader, standing, status, block
):
    trader.live()
    trader.orders(planned(), standing=standing, block=block)
    cid = trader.orders(planned(), slot=8)
    trader.write(signed(cid, 9, "cancel"), chain_at=trader.at)
    cancel, open_, ended, *_ = await items(trader, "/transactions")
    assert (ended["status"], ended["block"], ended["signer"]) == (status, block or None, "inj1me")
    assert (open_["status"], open_["plan_id"], open_["slot"]) == ("sent", cid, 8)
    assert (cancel["purpose"], cancel["status"], cancel["max_fee"]) == ("cancel", "sent", None)
    trader.write(SpotOrderSettled("spot", cid, "closed", 0, 0, 0, 130, ""), chain_at=trader.at)
    cancel, open_, *_ = await items(trader, "/transactions?position=spot")
    assert (cancel["status"], open_["status"]) == ("done", "final")


async def test_every_order_keeps_its_own_end_however_the_lists_are_paged(trader):
    trader.live()
    for number in range(6):
        trader.orders(planned(), standing="unsigned", reason=f"no {number}")
        trader.orders(planned(), slot=20 + number, filled=(number + 1) * WAD, notional=WAD)
    for path, wanted in (("trades", 12), ("transactions", 6)):
        whole = await items(trader, f"/{path}?position=spot")
        assert len(whole) == wanted
        assert await trader.pages(f"/{path}?position=spot&limit=1") == whole
    filled = [row["fill"]["filled"] for row in await items(trader, "/trades?position=spot")]
    assert filled == ["6", "0", "5", "0", "4", "0", "3", "0", "2", "0", "1", "0"]
    assert {row["status"] for row in await items(trader, "/transactions?position=spot")} == {
        "final"
    }


async def test_lists_and_lines_come_as_csv(trader):
    trader.trades()
    for path, column, wanted in (
        ("decisions?position=spot", "agent", "signal_trader"),
        ("trades?position=spot", "purpose", "exit"),
        ("transactions?position=spot", "signer", "inj1me"),
        ("events?position=spot&kind=SpotMarked", "position", "spot"),
    ):
        text = (await trader.get(f"/{path}&format=csv")).text
        assert next(csv.DictReader(io.StringIO(text)))[column] == wanted
    text = (await trader.get("/spot/series?format=csv")).text
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["profit"], row["held"], row["bid"]) == ("-0.5", "4", "20")


async def test_its_line_joins_marks_and_the_looks_since(trader):
    trader.trades()
    trader.looks(bid=22)
    board, trail = trader.desk.board, trader.app.state.trail
    trail.note_spot(board.standing().spot)
    trail.note_spot(board.standing().spot)  # the same look is one point
    trader.clock.at += timedelta(seconds=60)
    trader.looks(bid=23)
    trail.note_spot(board.standing().spot)
    said = (await trader.get("/spot/series")).json()
    assert (said["position"], said["unit"]) == ("spot", "USDT")
    assert [each["profit"] for each in said["items"]] == ["-0.5", "7.812", "11.808"]
    few = (await trader.get("/spot/series?points=2")).json()["items"]
    assert few == [said["items"][0], said["items"][-1]]
    trader.clock.at -= timedelta(days=3)  # another chain, or another clock
    trader.looks(bid=19)
    trail.note_spot(board.standing().spot)
    assert [each.bid for each in trail.spot_looks()] == ["19"]
    trail.note_spot(None)


async def test_a_listener_hears_of_it_in_words_and_with_each_turn(trader):
    trader.live().turned()
    trader.looks(bid=22)
    newest = trader.events()[-1].seq
    async with listening(trader) as connect:
        await followed(trader, newest)
        client = connect()
        await client.say(token=trader.read)
        turn = await client.hear_until("turn")
        assert turn["spot"]["bid"] == usdt("22")
        trader.thinks("enter", "signal", "it rises")
        trader.orders(planned(), filled=4 * WAD, notional=80 * WAD, fee=WAD // 10)
        await followed(trader, newest + 5)
        heard = [await client.hear_until("event") for _ in range(5)]
        assert heard[0]["said"] == "signal_trader: enter, because it rises"
        assert "to buy 4 at 21 at worst" in heard[1]["said"]
        assert "closed: 4 for 80, fee 0.1" in heard[4]["said"]
        assert SECRET not in json.dumps(heard)


async def test_no_answer_tells_a_payload_that_somebody_else_could_send(trader):
    trader.trades()
    cid = trader.orders(planned())
    trader.write(signed(cid, 9, "cancel"), chain_at=trader.at)
    for path in ("events", "transactions", "trades", "decisions", "spot", "spot/series", "status"):
        for form in ("json", "csv"):
            known = path not in {"spot", "status"}
            text = (await trader.get(f"/{path}{f'?format={form}' if known else ''}")).text
            assert SECRET not in text, path


async def test_every_number_of_it_is_for_prometheus(trader):
    trader.trades()
    trader.looks(bid=22)
    trader.orders(planned(), slot=8)
    trader.stops()
    found = await read(trader)
    assert found["leverd_spot_held", "INJ"] == 4
    assert found["leverd_spot_worth", "USDT"] == 88
    assert found["leverd_spot_cost", "USDT"] == 80.1
    assert found["leverd_spot_profit", "USDT"] == 7.812
    assert found["leverd_spot_realised", "USDT"] == 0
    assert found["leverd_spot_fees", "USDT"] == 0.1
    assert found["leverd_spot_bid", "USDT"] == 22
    assert found["leverd_spot_trades_today",] == 2
    assert found["leverd_spot_trades_day_max",] == 6
    assert found["leverd_spot_fruitless",] == 1
    assert found["leverd_spot_stopped",] == 1
    assert 0 < found["leverd_spot_order_age_seconds",] <= 3_600
    assert found["leverd_spot_last_look_timestamp_seconds",] == trader.clock.now().timestamp()
    assert found["leverd_state", "active", "spot"] == 1


async def test_there_is_no_number_of_what_is_not_traded(house):
    house.live()
    assert not any(name.startswith("leverd_spot") for name, *_ in await read(house))


async def test_nothing_of_paper_is_told_of_money(trader):
    trader.clock.at += timedelta(days=1)
    trader.live()
    begins = [SpotOpened("spot", who, MARKET_ID, "injective-1", 0) for who in (PAPER, "inj1me")]
    on_paper = replace(planned(), account=PAPER), replace(planned("sell", "exit"), account=PAPER)
    trader.write(begins[0], chain_at=trader.at)
    trader.orders(on_paper[0], filled=4 * WAD, notional=80 * WAD, fee=0)
    trader.orders(on_paper[1], slot=8, filled=4 * WAD, notional=90 * WAD, fee=0)
    mark = SpotMarked("spot", 20 * WAD, 0, 0, 10 * WAD, 10 * WAD, 10 * WAD, trader.at)
    trader.write(mark, chain_at=trader.at)
    said = (await trader.get("/spot")).json()
    assert (said["account"], said["since"], said["realised"]["amount"]) == (PAPER, None, "10")
    trader.looks(bid=22, at=trader.clock.now() - timedelta(hours=1), chain_at=trader.at)
    trader.app.state.trail.note_spot(trader.desk.board.standing().spot)
    trader.at += 10
    trader.write(begins[1], chain_at=trader.at)
    lost = replace(mark, realised=0, profit=-WAD, peak=0, at=trader.at)
    trader.write(lost, chain_at=trader.at)
    said = (await trader.get("/spot")).json()
    assert (said["account"], said["since"]) == ("inj1me", trader.at)
    assert [said[each]["amount"] for each in ("realised", "fees", "held", "peak")] == ["0"] * 4
    assert (said["trades_today"], said["order"]) == (0, None)
    line = (await trader.get("/spot/series")).json()["items"]
    assert [(each["at"], each["profit"]) for each in line] == [(trader.at, "-1")]
    rows = await items(trader, "/trades?position=spot")
    assert {each["fill"]["account"] for each in rows} == {PAPER}  # they stay in the journal
