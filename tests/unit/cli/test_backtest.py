"""leverd backtest and survive: the shipped settings through a past that needs no data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from leverd.backtest.replay import lookahead
from leverd.backtest.replay.lookahead import Foresight
from leverd.backtest.survive.bootstrap import Odds
from leverd.backtest.survive.surviving import Survival
from leverd.backtest.survive.verdict import Fate, Verdict
from leverd.cli.survive import _tell
from leverd.domain.events import DaemonStopped
from leverd.interfaces.journal import Entry

MONTH = ("--timerange", "20230101-20230115")


def test_it_runs_out_of_the_box_and_says_what_was_assumed(owner):
    answer = owner("backtest", *MONTH)
    assert answer.code == 0
    for part in ("eth-loop", "backtest", "Sharpe", "pool: constant product", "looked at"):
        assert part in answer.out


def test_looking_everywhere_gives_the_same_numbers(owner):
    quick = json.loads(owner("backtest", *MONTH, "--json").out)["eth-loop"]
    plain = json.loads(owner("backtest", *MONTH, "--json", "--every-point").out)["eth-loop"]
    assert quick.pop("looks") < plain.pop("looks") == plain["points"]
    assert quick == plain


def test_reports_are_written_and_two_runs_write_the_same(owner):
    assert owner("backtest", *MONTH, "--out", "one", "--png").code == 0
    assert owner("backtest", *MONTH, "--out", "two", "--png").code == 0
    for name in ("eth-loop.html", "eth-loop.png"):
        one, two = (owner.folder / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--timerange", "2023"), "LVD-DAT-023"),
        (("--timerange", "20200101-20200201"), "LVD-DAT-023"),
        (("--timerange", "20230601-20230101"), "LVD-DAT-023  '20230601-20230101' has no day in it"),
        (("--timerange", "20230101-20230101"), "LVD-DAT-023  '20230101-20230101' has no day in it"),
        (("--history", "nowhere.yaml"), "LVD-DAT-001"),
        (("-p", "eth-lop"), "LVD-OWN"),
    ],
)
def test_what_is_not_there_is_refused_by_name(owner, given, code):
    answer = owner("backtest", *given)
    assert answer.code in {1, 2}
    assert answer.err.startswith(code)
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("command", ["backtest", "survive"])
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("fees_at: synthetic", "fees_at: aave", "backtest.gas.fees_at: aave"),
        ("price: 1, rates_at: synthetic", "price: 1, rates_at: av", "assets.USDC.rates_at: av"),
        ("      rates_at: synthetic", "      oracle_at: av", "backtest.assets.WETH.oracle_at: av"),
    ],
)
def test_what_the_settings_name_and_the_history_lacks_is_refused_with_its_key(
    owner, command, before, after, said
):
    owner.edit(before, after)
    answer = owner(command)
    assert answer.code == 2
    assert answer.err.strip().startswith("LVD-DAT-024  the history has no ")
    assert said in answer.err
    assert "describe a source of it, or " in answer.err


def test_constants_beside_recorded_rates_count_where_none_is_recorded(owner):
    owner.edit("price: 1, rates_at: synthetic", "price: 1, rates_at: av, borrow_rate: 0.05")
    assert owner("backtest", *MONTH).code == 0


def test_a_token_that_is_not_described_is_refused_with_where_it_belongs(owner):
    owner.edit("    USDC: {decimals: 6", "    DAI: {decimals: 18")
    answer = owner("backtest", *MONTH)
    assert answer.code != 0
    assert "backtest.assets" in answer.err


def test_a_category_that_is_not_described_is_refused_and_one_that_is_is_replayed(owner):
    owner.edit("    emode: 0", "    emode: 1")
    answer = owner("backtest", *MONTH)
    assert answer.code != 0
    assert "category 1 is not among backtest.emodes" in answer.err
    one = "{category: 1, ltv: 0.9, threshold: 0.93, bonus: 0.01, collateral: [WETH], debt: [USDC]}"
    owner.edit("  emodes: []", f"  emodes: [{one}]")
    assert owner("backtest", *MONTH).code == 0
    owner.edit("collateral: [WETH]", "collateral: [stETH]")
    answer = owner("backtest", *MONTH)
    assert "stETH is not among backtest.assets" in answer.err
    owner.edit("collateral: [stETH]", "collateral: [WETH]")
    owner.edit(f"[{one}]", f"[{one}, {one}]")
    assert "category 1 is described twice" in owner("backtest", *MONTH).err


def test_a_rush_cannot_be_faster_than_calm(owner):
    owner.edit("delay_congested_s: 240", "delay_congested_s: 12")
    answer = owner("backtest", *MONTH)
    assert answer.code == 2
    assert "delay_s 24 <= delay_congested_s 12" in answer.err


def test_another_future_leaves_what_was_decided_before_it_as_it_was(owner):
    answer = owner("backtest", *MONTH, "--lookahead", "2")
    assert answer.code == 0
    told = answer.out.splitlines()
    assert len(told) == 2
    assert all("entries of the journal are the same in another future" in each for each in told)
    found = json.loads(owner("backtest", *MONTH, "--lookahead", "2", "--json").out)["eth-loop"]
    assert [each["changed"] for each in found] == [None, None]


def test_what_depends_on_the_future_is_said_with_where_and_is_a_failure(owner, monkeypatch):
    at = 1_672_531_200
    entry = Entry(4, datetime.fromtimestamp(at, UTC), at, DaemonStopped("asked", ()))
    seen = [Foresight(at + 3_600, 9, 4, entry, None), Foresight(at + 7_200, 12)]
    monkeypatch.setattr(lookahead, "foresights", lambda *_, **__: seen)
    answer = owner("backtest", *MONTH, "--lookahead", "2")
    assert answer.code == 1
    assert (
        "changes entry 4 of 9: DaemonStopped of 2023-01-01 00:00:00 becomes nothing" in answer.out
    )


def test_the_shipped_settings_live_through_every_crash(owner):
    answer = owner("survive", "--years", "0")
    assert answer.code == 0
    assert "lived through 7 of 7 crashes" in answer.out
    assert "these settings would have lived" in answer.out


def test_settings_whose_acts_come_hours_late_do_not_and_say_what_would(owner):
    owner.edit("        repay_above: 2.8", "        repay_above: 3")
    owner.edit("        target: 2.5 ", "        target: 2.9 ")
    owner.edit("  inclusion_delay_s: 36", "  inclusion_delay_s: 14400")
    owner.edit("    delay_s: 24 ", "    delay_s: 14400 ")
    owner.edit("    delay_congested_s: 240 ", "    delay_congested_s: 14400 ")
    answer = owner("survive", "--years", "2", "--json")
    found = json.loads(answer.out)["eth-loop"]
    assert answer.code == 6
    assert not found["passes"]
    fallen = [each for each in found["crashes"] if each["liquidations"]]
    assert fallen
    lower = [each["target_that_lives"] for each in fallen if each["target_that_lives"]]
    assert lower
    assert all(float(target) < 2.9 for target in lower)
    assert found["years_drawn"] == 2


def test_what_never_opens_has_not_lived(owner):
    owner.edit("    delay_s: 24 ", "    delay_s: 7200 ")  # every plan is out of date by then
    owner.edit("    delay_congested_s: 240 ", "    delay_congested_s: 7200 ")
    answer = owner("survive", "--years", "0")
    assert answer.code == 6
    assert "never opened in Covid, March 2020; China, May 2021" in answer.out
    assert "these settings would not have lived\n" in answer.out
    assert not any(each in answer.out for each in ("inf", "liquidated"))


def _survival(*verdicts, odds=None):
    return Survival("eth-loop", verdicts, odds, 0, 365 * 86_400, made_up=False)


def _crash(name, liquidations, saved=None, source="outlined"):
    kept, alone = Fate(liquidations, 1.1, 3, 9.0, 100, 50), Fate(0, 1.2, 1, 1.0, 100, 60)
    return Verdict(name, source, kept, alone, 70.0, saved)


def test_who_would_not_have_lived_reads_why_and_what_would_have_saved_them(capsys):
    _tell(_survival(_crash("A", 1, Decimal("2.1")), _crash("B", 2, Decimal("1.9"))), 0.01)
    said = capsys.readouterr().out
    assert (
        "these settings would not have lived\n  liquidated in A; B: a target of 1.9 would" in said
    )
    assert "outlined prices are" in said
    _tell(_survival(_crash("A", 1, Decimal("2.1")), _crash("B", 2)), 0.01)
    assert "no lower target lives through all of it" in capsys.readouterr().out
    _tell(_survival(_crash("A", 0, source="recorded"), odds=Odds(5, 10)), 0.01)
    said = capsys.readouterr().out
    assert "drawn from the past from 1970-01-01 to 1971-01-01: 23.7% to 76.3%" in said
    assert "  drawn years show a risk of 23.7% or more, and 1.0% is borne" in said
    assert "outlined prices are" not in said


def test_a_page_s_name_where_a_folder_is_asked_for_is_refused_before_anything(owner):
    answer = owner("backtest", *MONTH, "--out", "r.html")
    assert (answer.code, answer.err[:11]) == (1, "LVD-OWN-101")
    assert "--out r" in answer.err
    assert not (owner.folder / "r.html").exists()
    (owner.folder / "old.html").mkdir()
    assert owner("backtest", *MONTH, "--out", "old.html").code == 0  # a folder, whatever its name
    assert list((owner.folder / "old.html").glob("*.html"))


def test_a_report_that_cannot_be_written_is_an_owner_s_error(owner):
    (owner.folder / "taken").write_text("a file")
    answer = owner("backtest", *MONTH, "--out", "taken")
    assert answer.code == 1
    assert answer.err.startswith("LVD-OWN-")
    assert "taken" in answer.err


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_replayed(owner, monkeypatch):
    (owner.folder / "taken").write_text("a file")
    monkeypatch.setattr("leverd.backtest.replay.running.run", None)
    for out, said in (("taken/in", "taken is a file"), ("shut/in", "shut cannot be written")):
        (owner.folder / "shut").mkdir(exist_ok=True)
        monkeypatch.setattr("os.access", lambda *_: False)
        answer = owner("backtest", *MONTH, "--out", out)
        assert (answer.code, answer.err[:11]) == (1, "LVD-OWN-101")
        assert said in answer.err


def test_a_run_in_which_nothing_was_done_says_so(owner):
    owner.edit("pool_depth_usd: 50000000", "pool_depth_usd: 1")
    answer = owner("backtest", *MONTH)
    assert answer.code == 0
    assert "no plan was carried out: the agents wanted none, or none fitted" in answer.out
    owner.edit("pool_depth_usd: 1", "pool_depth_usd: 50000000")
    assert "no plan was carried out" not in owner("backtest", *MONTH).out
