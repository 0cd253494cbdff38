"""`leverd plan`: the screen, the reasons, and every amount a person would ask about."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests import worlds
from tests.limits import SIGNED_OFF, TIMING, limits
from tests.worlds import USDC, WETH

from leverd.bootstrap.planning import Planned, Planning
from leverd.cli.amounts import amount
from leverd.cli.reason_words import WORDS
from leverd.cli.step_words import step_words
from leverd.domain.decision import Hold
from leverd.domain.money import Amount
from leverd.domain.plan import (
    Approve,
    Borrow,
    BuyExact,
    Repay,
    SetEMode,
    Step,
    StepKind,
    Supply,
    Swap,
    Withdraw,
)
from leverd.engine.preview import previewed, seat_for
from leverd.engine.turn import Seat, turn
from leverd.risk.reasons import Reason

ONE, CENT = WETH.amount(1), USDC.amount("0.01")


class Calm:
    name = "calm"

    def decide(self, _view):
        return Hold("calm", "all is well")


def planning(target="2.5", terms=SIGNED_OFF, *, view=None, gas=745_919, reverts="", **more):
    view = worlds.view() if view is None else view
    seats = (Seat(Calm(), guards=True),) if target is None else (seat_for(Decimal(target)),)
    outcome = turn(view, seats, terms, TIMING, age_s=0)
    found = Planned(previewed(outcome, TIMING.delay_s), gas, reverts)
    return Planning([found], **{"open_slots": 0, "journaled": True, **more})


@pytest.fixture
def answers(owner, monkeypatch):
    """Return what the owner is shown of a planning."""

    def shown(found, *arguments):
        monkeypatch.setattr("leverd.bootstrap.planning.planned", lambda *_: found)
        return owner("plan", *arguments)

    return shown


def test_an_approved_plan_shows_amounts_costs_and_both_ends(answers):
    shown = answers(planning()).out
    for part in (
        "wants         owner: leverage 2.5",
        "open, 1 transaction",
        "the first transaction works, with at most 745,919 gas",
        "approved; bids at most 100.0 gwei, base fee 20.0",
        "sell 44,9",
        "for at least 14.9",
        "post all WETH that is idle by then",
        "reverts if health ends below 1.1500",
        "expected after",
        "at worst after",
        "liquidated below, USD per WETH",
        "swap fees 22.4",
    ):
        assert part in shown


def test_a_denied_plan_shows_every_reason_and_what_it_means(answers):
    found = planning(terms=limits(cost_share_max=Decimal(0), profit_usd_min=Decimal(5)))
    shown = answers(found).out
    assert "denied for 2 reasons" in shown
    assert f"cost_share: {WORDS[Reason.COST_SHARE]}" in shown
    assert f"profit_too_small: {WORDS[Reason.PROFIT_TOO_SMALL]}" in shown
    verdict = answers(found, "--json").data["positions"][0]["verdict"]
    assert verdict == {"approved": False, "reasons": ["cost_share", "profit_too_small"]}


def test_what_limits_make_of_a_wish_is_said(answers):
    shown = answers(planning("9")).out
    assert "wants          owner: leverage 9" in shown
    assert "within limits  owner: leverage 3." in shown
    assert "limits allow 3." in shown


def test_a_transaction_that_would_revert_says_why(answers):
    shown = answers(planning(gas=None, reverts="health too low")).out
    assert "the first transaction would revert: health too low" in shown


def test_a_hold_shows_only_where_it_stands(answers):
    found = planning(None, view=worlds.view(worlds.at_leverage(2)), open_slots=1, journaled=False)
    shown = answers(found).out
    assert "calm: hold" in shown
    assert "nothing to do" in shown
    assert "expected after" not in shown
    assert "1 transaction(s) under way" in shown
    assert "there is no journal yet" in shown


def test_programs_get_all_digits(answers):
    data = answers(planning(), "--json").data["positions"][0]
    assert data["decision"]["kind"] == "set_leverage"
    assert abs(Decimal(data["expected"]["leverage"]) - Decimal("2.5")) < Decimal("1e-6")
    assert Decimal(data["worst"]["health"]) < Decimal(data["expected"]["health"])
    cost = {name: Decimal(value) for name, value in data["plan"]["cost_usd"].items()}
    assert cost["total"] == cost["swap_fees"] + cost["price_impact"] + cost["gas"]
    assert data["now"]["health"] is None
    assert data["gas"] == 745_919


@pytest.mark.parametrize("target", ["0.9", "two", "NaN", "Infinity", "-3"])
def test_what_is_no_leverage_is_refused_before_anything_is_asked(owner, target):
    answer = owner("plan", "--target", target)
    assert answer.code == 1
    assert "LVD-OWN-021" in answer.err


def test_a_position_nobody_knows_is_refused_before_anything_is_asked(owner):
    answer = owner("plan", "eth-lop")
    assert answer.code == 1
    assert "eth-loop" in answer.err


def test_without_a_devnet_it_says_how_to_get_one(owner):
    answer = owner("plan")
    assert answer.code == 3
    assert "leverd devnet up" in answer.err


def test_every_reason_has_its_words():
    assert set(WORDS) == set(Reason)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Swap("pool", CENT, ONE), "sell 0.010000 USDC for at least 1.000000 WETH in pool"),
        (BuyExact("pool", CENT, ONE), "buy 0.010000 USDC for at most 1.000000 WETH in pool"),
        (
            BuyExact("pool", CENT, ONE, live_debt=True),
            "buy the whole debt, about 0.010000 USDC, for at most 1.000000 WETH in pool",
        ),
        (Supply("aave", ONE), "post 1.000000 WETH as collateral at aave"),
        (Withdraw("aave", ONE), "withdraw 1.000000 WETH from aave"),
        (
            Withdraw("aave", ONE, everything=True),
            "withdraw all WETH there is by then, about 1.000000 WETH, from aave",
        ),
        (Borrow("aave", CENT), "borrow 0.010000 USDC at aave"),
        (
            Repay("aave", CENT, everything=True),
            "repay all USDC that is owed by then, about 0.010000 USDC, at aave",
        ),
        (
            Repay("aave", CENT, all_idle=True),
            "repay all USDC that is idle by then, about 0.010000 USDC, at aave",
        ),
        (SetEMode("aave", 1), "enter efficiency category 1 at aave"),
        (Approve("aave", ONE), "let aave take 1.000000 WETH"),
    ],
)
def test_every_action_has_its_words(action, words):
    assert step_words(Step(StepKind.SINGLE, (action,), 0)) == [words]


def test_what_a_step_insists_on_is_said():
    step = Step(StepKind.SINGLE, (Borrow("aave", CENT),), 12 * 10**17, 13 * 10**17)
    assert step_words(step)[1:] == [
        "reverts if health ends below 1.2000",
        "acts only below health 1.3000",
    ]


def test_amounts_are_cut_and_never_rounded_up():
    assert amount(Amount(WETH, 1_999_999_999_999_999_999)) == "1.999999 WETH"
    assert amount(Amount(USDC, 1_234_567_890_123)) == "1,234,567.890123 USDC"
