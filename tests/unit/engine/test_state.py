from dataclasses import replace

import pytest

from leverd.domain.events import (
    ExternalChanged,
    PnlRecorded,
    PortfolioStopped,
    PositionAdopted,
    Resumed,
    TradingStateChanged,
    UnwindRequested,
)
from leverd.domain.plan_events import (
    PlanAborted,
    PlanApproved,
    PlanCompleted,
    StepAccepted,
    StepMismatched,
    StepVerified,
)
from leverd.domain.slot_events import (
    AttemptSigned,
    SlotFinal,
    SlotIncluded,
    SlotLost,
    SlotReorganised,
)
from leverd.domain.snapshot import Snapshot
from leverd.domain.view import TradingState
from leverd.engine.book import ALL, Book, pending_of, portfolio_of, record_of
from leverd.engine.state import fold
from leverd.risk.gate import Pending

NOW = 1_700_000_000
DAY = 86_400


def snapshot(owed=1):
    return Snapshot(1, "0x1", NOW, {}, {}, {"USDC": owed} if owed else {}, {}, {}, {}, 0, 0)


def folded(*events, book=None, at=NOW):
    book = book or Book()
    for event in events:
        book = fold(book, event, at)
    return book


def approved(purpose, plan_id="p"):
    return PlanApproved(plan_id, "loop", purpose, "", (), 0, snapshot())


def signed(*, slot=7, urgent=False):
    return AttemptSigned(slot, "0xK", "p", "loop", 0, "act", "0x1", "", 1, 1, 1, NOW, urgent)


def included(*, slot=7):
    return SlotIncluded(slot, "0xK", "0x1", 5, "0xb", NOW, True, "", 100, 3)


def marked(price, *, lines=0):
    return PnlRecorded("loop", snapshot(), {"price": lines}, 10**18, price)


def test_an_order_for_all_holds_also_for_positions_that_come_later():
    book = folded(TradingStateChanged(ALL, "halted", "", "owner"))
    assert record_of(book, "later", NOW).trading_state is TradingState.HALTED


def test_an_order_for_one_leaves_the_others():
    book = folded(UnwindRequested("loop", "owner"))
    assert record_of(book, "loop", NOW).unwinding
    assert not record_of(book, "other", NOW).unwinding


@pytest.mark.parametrize("scope", [ALL, "loop"])
def test_resume_lifts_everything_a_person_or_a_rule_imposed(scope):
    book = folded(
        TradingStateChanged("loop", "reducing", "", "owner", paused=True),
        UnwindRequested("loop", "owner"),
        PortfolioStopped("loop", 1, 2),
        StepMismatched("p", "loop", 0, "0x", {}, {}),
        Resumed(scope, "owner"),
    )
    record = record_of(book, "loop", NOW)
    assert record.trading_state is TradingState.ACTIVE
    assert not (record.paused)
    assert not (record.unwinding)
    assert not (record.stopped)
    assert not (record.unexplained)


def test_what_a_rollup_charges_beside_gas_is_counted_with_it():
    book = folded(approved("boost"), signed(), replace(included(), l1_fee=50))
    assert record_of(book, "loop", NOW).gas_today == 350
    assert book.page("loop").gas_unmarked == 350


def test_gas_is_counted_for_the_day_and_for_the_guardian():
    calm = folded(approved("boost"), signed(), included())
    urgent = folded(signed(slot=8, urgent=True), included(slot=8), book=calm)
    record = record_of(urgent, "loop", NOW)
    assert (record.gas_today, record.guardian_gas_today) == (600, 300)
    assert record_of(urgent, "loop", NOW + DAY).gas_today == 0
    assert urgent.page("loop").gas_unmarked == 600


def test_a_completed_plan_counts_as_a_trade_and_dates_the_opening():
    book = folded(approved("open"), PlanCompleted("p", "loop", snapshot(), {}))
    record = record_of(book, "loop", NOW)
    assert (record.trades_today, record.opened_at, record.last_action_at) == (1, NOW, NOW)
    assert book.purposes == {}
    assert portfolio_of(book, NOW, active=2).trades_today == 1


@pytest.mark.parametrize("purpose", ["unwind", "deleverage"])
def test_a_losing_close_starts_the_cooldown_and_a_winning_one_does_not(purpose):
    def closed(lines):
        return folded(
            approved(purpose),
            PlanCompleted("p", "loop", snapshot(owed=0), {}),
            marked(90, lines=lines),
        )

    assert record_of(closed(-5), "loop", NOW).last_loss_at == NOW
    assert record_of(closed(5), "loop", NOW).last_loss_at is None


@pytest.mark.parametrize("purpose", ["unwind", "deleverage"])
def test_what_leaves_debt_is_not_a_close(purpose):
    book = folded(approved(purpose), PlanCompleted("p", "loop", snapshot(), {}), marked(90))
    assert record_of(book, "loop", NOW).last_loss_at is None


def test_marks_keep_the_peak_and_forget_the_gas():
    book = folded(approved("boost"), signed(), included(), marked(120), marked(80))
    record = record_of(book, "loop", NOW)
    assert (record.unit_price, record.unit_peak) == (80, 120)
    assert book.page("loop").gas_unmarked == 0


def test_balances_last_known_follow_adoption_verification_and_others():
    first, second, third = (replace(snapshot(), block=n) for n in (1, 2, 3))
    book = folded(PositionAdopted("loop", "0xA", first))
    assert book.page("loop").snapshot == first
    book = folded(StepVerified("p", "loop", 0, "0x", (), second), book=book)
    assert book.page("loop").snapshot == second
    book = folded(StepAccepted("p", "loop", 0, "0x", (), third), book=book)
    assert book.page("loop").snapshot == third
    assert book.page("loop").record.last_action_at is not None
    book = folded(ExternalChanged("loop", "deposit", {}, True, second), book=book)
    assert book.page("loop").snapshot == second
    assert not book.page("loop").record.unexplained


def test_an_unexplained_change_is_remembered_until_resume():
    book = folded(ExternalChanged("loop", "unexplained", {}, False, snapshot()))
    assert record_of(book, "loop", NOW).unexplained


def test_what_flies_is_pending_until_it_is_in_a_block_and_again_after_a_reorg():
    flying = folded(approved("boost"), signed(urgent=True))
    assert pending_of(flying) == Pending(gas=1, guardian_gas=1, trades=1)
    mined = folded(included(), book=flying)
    assert pending_of(mined) == Pending()
    assert pending_of(folded(SlotReorganised(7, "0xK", 5, "0xb"), book=mined)).trades == 1


def test_gas_of_a_slot_mined_again_after_a_reorganisation_counts_once():
    book = folded(approved("boost"), signed(), included())
    again = folded(SlotReorganised(7, "0xK", 5, "0xb"), included(), book=book)
    assert record_of(again, "loop", NOW).gas_today == record_of(book, "loop", NOW).gas_today


def test_only_what_the_market_or_venue_did_counts_as_a_failure():
    def after(reason):
        return folded(approved("boost"), PlanAborted("p", "loop", 0, reason)).page("loop").failures

    assert after("bought too little") == 1
    for reason in ("restarted", "another transaction took its place", "the owner said halt"):
        assert after(reason) == 0


@pytest.mark.parametrize(
    "end", [SlotFinal(7, "0xK", 5, "0xb"), SlotLost(7, "0xK", 5)], ids=["final", "lost"]
)
def test_a_slot_that_ended_is_forgotten(end):
    assert folded(signed(), end).slots == {}


def test_a_receipt_of_a_slot_nobody_remembers_changes_nothing():
    assert folded(included()) == Book()
