"""What the API says is what the journal and the last turn say."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import timedelta

import pytest
from tests.predictions import made, predicted
from tests.unit.api.house import DAY, LINES, SHIPPED, House, at_, attempt, mark

from leverd.adapters.sql_journal import acquire_lock, lock_path
from leverd.domain.changed import changed
from leverd.domain.events import DaemonStopped
from leverd.domain.plan_events import PlanAborted
from leverd.domain.prediction_events import PredictionIgnored
from leverd.domain.slot_events import SlotFinal, SlotIncluded, SlotLost, SlotReorganised


@pytest.fixture(params=["journal", "copy"])
def house(request, tmp_path, monkeypatch):
    """Return an API over a journal's file, and one over its copy: both say the same."""
    monkeypatch.chdir(tmp_path)
    copied_to = request.getfixturevalue("cluster").database() if request.param == "copy" else ""
    made = House(tmp_path, copied_to=copied_to)
    yield made
    made.desk.close()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return an API on the daemon's own machine, over the file."""
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)


async def test_somebody_is_there_without_a_token(house):
    assert (await house.get("/ping", token="")).json() == {"pong": True}
    assert (await house.get("/health/live", token="")).json() == {"status": "alive"}


async def test_without_a_journal_it_says_so_and_lives(house):
    answer = await house.get("/status")
    assert answer.status_code == 503
    assert answer.json()["code"] == "LVD-OWN-011"
    assert answer.headers["retry-after"] == "5"
    ready = await house.get("/health/ready", token="")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["the journal cannot be read: LVD-OWN-011"]


async def test_ready_means_a_daemon_that_turns_with_fresh_eyes(house):
    house.live().turned()
    with acquire_lock(lock_path(house.journal)):
        ready = await house.get("/health/ready", token="")
    assert ready.status_code == 200, ready.json()
    assert ready.json()["fresh"] is True
    assert ready.json()["last_turn_s_ago"] == 0


async def test_without_a_daemon_it_is_not_ready(home):
    home.live().turned()
    ready = await home.get("/health/ready", token="")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["no daemon runs"]


@pytest.mark.parametrize(
    ("passed", "fresh", "reason"),
    [
        (41, True, None),  # 12 s to the next look, and 30 overdue are borne
        (43, True, "last turn 43 s ago"),
        (0, False, "the last turn saw no fresh picture"),
    ],
)
async def test_a_turn_that_is_overdue_or_blind_is_told(house, passed, fresh, reason):
    house.live().turned(fresh=fresh)
    house.clock.at += timedelta(seconds=passed)
    with acquire_lock(lock_path(house.journal)):
        ready = await house.get("/health/ready", token="")
    if reason and passed and house.copied_to:
        reason = "the copy ends 43 s ago: no daemon runs, or it does not reach the copy"
    assert ready.json()["reasons"] == ([] if reason is None else [reason])
    whence = (ready.json()["source"], ready.json()["behind_s"])
    assert whence == (("copy", passed) if house.copied_to else ("journal", None))
    assert ready.status_code == (200 if reason is None else 503)


async def test_a_clock_that_was_set_back_makes_no_old_turn_a_new_one(house):
    house.live().turned()
    house.clock.at -= timedelta(hours=1)
    with acquire_lock(lock_path(house.journal)):
        ready = await house.get("/health/ready", token="")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["the last turn ended 3600 s from now: a clock is wrong"]
    assert ready.json()["daemon_running"] is not bool(house.copied_to)


async def test_status_tells_everything_at_a_glance(house):
    house.live().turned()
    said = (await house.get("/status")).json()
    assert (said["mode"], said["chain_id"], said["settings_hash"]) == ("devnet", 31337, "cafe")
    assert said["seq"] == len(house.events())
    assert [each["position"] for each in said["positions"]] == ["eth-loop"]
    assert said["dependencies"] == {"rpc node": "open"}
    assert said["open_slots"] == []
    assert said["pending_requests"] == 0


async def test_a_position_is_as_the_last_turn_saw_it(house):
    house.live().turned(price=3100)
    said = (await house.get("/positions/eth-loop")).json()
    assert said["source"] == "turn"
    assert said["price"] == {"amount": "3100.00000000", "unit": "USD"}
    assert said["health"] == "1.383"
    assert said["breakers"] == ["oracle_gap"]
    assert said["operator_gas"] == {"amount": "5.000000000000000000", "unit": "ETH"}
    assert said["gas_price"] == {"amount": "20.000000000", "unit": "gwei"}
    supplied, owed = sorted(said["legs"], key=lambda leg: leg["kind"], reverse=True)
    assert supplied["balance"]["unit"] == "WETH"
    assert owed["balance"]["unit"] == "USDC"
    assert owed["value"]["amount"].startswith("-45000.")
    assert said["pnl_total"] == {"amount": "88.00000000", "unit": "USD"}
    assert said["last_decision"]["decision"] == "leverage_loop: hold"
    assert float(said["outlook"]["distance"]) == pytest.approx(1 - 1 / 1.383, abs=1e-6)


async def test_without_a_turn_a_position_is_as_the_journal_knows_it(house):
    house.live()
    said = (await house.get("/positions/eth-loop")).json()
    assert (said["source"], said["block"]) == ("journal", 3)
    assert said["operator_gas"] is None


async def test_what_the_journal_knows_later_than_the_turn_counts(house):
    house.live().turned(block=2)
    assert (await house.get("/positions/eth-loop")).json()["source"] == "journal"


async def test_positions_that_are_not_there_are_not_found(house):
    house.live()
    for name in ("nobody", "eth-loop%20", "%00", "..%2f..%2fetc%2fpasswd", "é" * 50):
        answer = await house.get(f"/positions/{name}")
        assert answer.status_code == 404, name
        assert answer.json()["code"] in {"LVD-API-009", "LVD-API-003"}


async def test_decisions_carry_what_was_seen_and_what_the_gate_said(house):
    house.live()
    hold, wanted = (await house.get("/decisions")).json()["items"]
    assert (hold["decision"], hold["gate"]) == ("hold", [])
    assert (wanted["decision"], wanted["target"], wanted["reason"]) == (
        "set_leverage", "2.5", "too low",
    )  # fmt: skip
    assert wanted["saw"]["prices"]["WETH"] == "3000.00000000"
    assert [each["verdict"] for each in wanted["gate"]] == ["denied", "approved"]
    assert wanted["gate"][0]["reasons"] == ["LVD-GAS: gas is dear"]
    assert wanted["gate"][1]["cost"] == {"amount": "19.00000000", "unit": "USD"}


async def test_what_became_of_old_attempts_is_found_behind_much_of_others(house):
    house.live()
    for slot in range(100, 103):
        others = range(1_000 * slot, 1_000 * slot + 150)
        house.write(
            *sent_and_ended(slot, "quiet"),
            *(event for each in others for event in sent_and_ended(each, "eth-loop")),
        )
    found = (await house.get("/transactions?position=quiet&limit=3")).json()["items"]
    assert [each["status"] for each in found] == ["final"] * 3
    busy = (await house.get("/transactions?position=eth-loop&limit=1000")).json()["items"]
    assert Counter(each["status"] for each in busy) == {"final": 451, "replaced": 1}


def sent_and_ended(slot, position):
    """Return an attempt and what becomes of its slot in the ordinary way."""
    tx_hash = f"0x{slot}"
    return (
        changed(attempt("act", tx_hash, 1), slot=slot, position_id=position),
        SlotIncluded(slot, "0xme", tx_hash, 3, "0xb", 40, True, "", 420_000, 10**10),
        SlotFinal(slot, "0xme", 3, "0xb"),
    )


async def test_transactions_say_which_attempt_took_the_slot(house):
    house.live()
    bump, act = (await house.get("/transactions")).json()["items"]
    assert (bump["tx_hash"], bump["status"], bump["block"]) == ("0xbb", "final", 3)
    assert bump["fee"] == {"amount": "0.004200000000000000", "unit": "ETH"}
    assert (act["tx_hash"], act["status"], act["fee"]) == ("0xaa", "replaced", None)


@pytest.mark.parametrize(
    ("later", "status"),
    [
        ([SlotReorganised(7, "0xme", 3, "0xb")], "sent"),
        ([SlotReorganised(7, "0xme", 3, "0xb"), SlotLost(7, "0xme", 9)], "lost"),
        ([SlotIncluded(7, "0xme", "0xbb", 4, "0xc", 1, False, "no", 1, 1)], "reverted"),
    ],
)
async def test_a_transaction_is_what_became_of_it_last(house, later, status):
    house.live().write(*later)
    bump, _ = (await house.get("/transactions")).json()["items"]
    assert bump["status"] == status


async def test_trades_are_plans_with_their_end(house):
    house.live()
    (trade,) = (await house.get("/trades")).json()["items"]
    assert (trade["status"], trade["purpose"], trade["steps_done"]) == ("completed", "open", 1)
    assert trade["attribution"] == {line: str(raw) for line, raw in LINES.items()}
    assert trade["tx_hashes"] == ["0xbb"]
    house.write(PlanAborted("p1", "eth-loop", 1, "the market moved"))
    (trade,) = (await house.get("/trades?position=eth-loop")).json()["items"]
    assert (trade["status"], trade["aborted_because"]) == ("aborted", "the market moved")


async def test_events_are_told_in_words_and_whole_but_never_with_a_signed_payload(house):
    house.live()
    said = (await house.get("/events")).json()["items"]
    assert [each["seq"] for each in said] == sorted((each["seq"] for each in said), reverse=True)
    assert all(each["said"] for each in said)
    text = json.dumps(said)
    assert "0xsigned" not in text
    assert "secret step" not in text
    assert "AttemptSigned" in text


async def test_filters_narrow_and_pages_follow_each_other(house):
    house.live()
    whole = (await house.get("/events?limit=1000")).json()["items"]
    assert await house.pages("/events?limit=4") == whole
    some = (await house.get("/events?kind=AlertRaised&kind=DaemonStarted")).json()["items"]
    assert [each["kind"] for each in some] == ["AlertRaised", "DaemonStarted"]
    assert (await house.get("/events?position=nobody")).json()["items"] == []
    assert (await house.get(f"/events?after={whole[0]['seq']}")).json()["items"] == []


async def test_a_span_of_time_is_found_by_halving(house):
    house.live()
    whole = (await house.get("/events?limit=1000")).json()["items"]
    for entry in whole:
        at = entry["written_at"]
        since = (await house.get("/events", params={"since": at})).json()["items"]
        until = (await house.get("/events", params={"until": at, "limit": 1000})).json()["items"]
        assert [each["written_at"] >= at for each in since] == [True] * len(since)
        assert len(since) + len(until) == len(whole)
    late = (await house.get("/events", params={"since": "2999-01-01T00:00:00"})).json()
    assert late["items"] == []


async def test_pnl_adds_up_and_days_tell_gain_and_flow(house):
    house.live()
    house.write(mark(3 + DAY // 12, {"price": 5 * 10**8}, unit_price=101 * 10**6))
    pnl = (await house.get("/positions/eth-loop/pnl")).json()
    assert pnl["total"]["amount"] == "93.00000000"
    assert pnl["unit_price"] == "1.01000000"
    first, second = (await house.get("/daily")).json()["items"]
    assert first["flow"]["amount"] == "30000.00000000"
    assert first["total"]["amount"] == "88.00000000"
    assert (first["trades"], first["gain"], first["health_min"]) == (
        1,
        None,
        "1.383000000000000000",
    )
    assert (second["gain"], second["total"]["amount"]) == ("0.01000000", "5.00000000")


async def test_rates_are_what_the_indexes_grew_by(house):
    house.live()
    house.write(mark(1 + DAY // 12, {}))
    points = (await house.get("/positions/eth-loop/rates")).json()["items"]
    assert {point["token"] for point in points} == {"WETH", "USDC"}
    weth = next(point for point in points if point["token"] == "WETH")
    assert float(weth["supply_apr"]) == pytest.approx(3.65, rel=1e-6)
    assert float(weth["borrow_apr"]) == pytest.approx(7.3, rel=1e-6)


async def test_series_join_the_journal_and_what_turns_saw_since(house):
    house.live().turned(block=9, price=3100)
    house.app.state.trail.note(house.desk.board.standing().sight)
    said = (await house.get("/positions/eth-loop/series")).json()
    assert [point["at"] for point in said["items"]] == [at_(n).at for n in (1, 2, 3, 9)]
    assert said["items"][-1]["price"] == "3100.00000000"
    few = (await house.get("/positions/eth-loop/series?points=2")).json()["items"]
    assert few == [said["items"][0], said["items"][-1]]


async def test_rows_come_as_csv_that_no_spreadsheet_runs(house):
    house.live().write(PlanAborted("p1", "eth-loop", 1, "=cmd|' /C calc'!A0"))
    for path in ("events", "decisions", "transactions", "trades", "daily",
                 "positions/eth-loop/series", "positions/eth-loop/rates"):  # fmt: skip
        answer = await house.get(f"/{path}?format=csv")
        assert answer.headers["content-type"].startswith("text/csv"), path
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert rows or path.endswith("rates"), path
    trades = await house.get("/trades?format=csv")
    (row,) = csv.DictReader(io.StringIO(trades.text))
    assert row["aborted_because"].startswith("'=")
    assert row["cost_expected"] == "19.00000000 USD"


async def test_limits_breakers_and_settings_are_shown(house):
    house.live()
    limits = (await house.get("/limits")).json()
    assert limits["limits"]["leverage_max"] == "3"
    assert limits["breakers"]["faults"] == {"eth-loop": ["oracle_gap"]}
    assert (await house.get("/breakers")).json()["dependencies"] == {"rpc node": "open"}
    assert (await house.get("/settings")).json()["settings_hash"] == "cafe"


async def test_settings_are_shown_without_what_others_should_not_see(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = SHIPPED.read_text().replace("  # relay: https://…", "  relay: https://u:p@r.io/k3y #")
    text = text.replace("  # heartbeat_url: https://…", "  heartbeat_url: https://hc.io/k3y #")
    house = House(tmp_path, text=text).live()
    shown = (await house.get("/settings")).json()["settings"]
    assert shown["chain"]["relay"] == "https://r.io/***"
    assert shown["engine"]["heartbeat_url"] == "https://hc.io/***"
    assert "k3y" not in json.dumps(shown)


async def test_what_was_left_unguarded_is_told(house):
    house.live().write(DaemonStopped("asked to", ("eth-loop: leverage 2.5",)))
    assert (await house.get("/status")).json()["left_unguarded"] == ["eth-loop: leverage 2.5"]


async def test_the_log_is_shown_from_its_end_without_secrets(house):
    logs = house.folder / "logs"
    logs.mkdir()
    lines = [f"line {n}" for n in range(50_000)]
    lines.append("asked https://node.example/v2/t0psecret?x=1 twice")
    (logs / "leverd.log").write_text("\n".join(lines))
    said = (await house.get("/log?lines=3")).json()["lines"]
    assert said == ["line 49998", "line 49999", "asked https://node.example/*** twice"]


async def test_a_journal_put_in_the_place_of_another_is_read_anew(home):
    house = home
    house.live()
    assert (await house.get("/status")).json()["seq"] > 3
    for each in house.journal.parent.glob("journal.db*"):
        each.unlink()
    house.write(mark(1, {}))
    house.later()
    said = (await house.get("/status")).json()
    assert said["seq"] == 1
    assert said["settings_hash"] == ""


async def test_predictions_say_how_good_they_have_been_and_whether_they_are_heard(house):
    house.live()
    assert (await house.get("/predictions")).json()["items"] == []
    house.write(made(predicted(0.8)), PredictionIgnored(predicted().track, "LVD-PRD-004", "stale"))
    house.later()
    (said,) = (await house.get("/predictions")).json()["items"]
    assert (said["predictor"], said["scored"], said["skill"]) == ("somebody", 400, "0.1")
    assert said["says"]
    assert (said["heard"], said["ignored"]) == (False, "LVD-PRD-004 stale")
    metrics = (await house.ask("/metrics")).text
    assert "leverd_prediction_skill{" in metrics
