"""What still protects when settings or journal are broken: the guards alone."""

from __future__ import annotations

import signal
from decimal import Decimal

import pytest
from tests.e2e.children import moving
from tests.e2e.market_day import agents, devnet, stage
from tests.e2e.stage import loop
from tests.e2e.test_kill import check_nothing_lost_nothing_doubled
from tests.e2e.test_tuning import wait_until

from leverd.bootstrap.kept_settings import kept, kept_path
from leverd.domain.events import AlertRaised, TradingStateChanged
from leverd.domain.plan import Purpose
from leverd.domain.plan_events import PlanApproved

__all__ = ["agents", "devnet", "stage"]

pytestmark = pytest.mark.chain

BROKEN = {"limits": {"leverage_mxa": 3}}


def opened(stage, agents):
    """Run the agent until its position is open, and stop it in order."""
    child = agents.start(stage, stage.files())
    child.wait_calm()
    assert child.stop() == 0
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.01")


def test_malformed_settings_end_a_start_and_with_or_guard_the_last_ones_guard(stage, agents):
    with moving(stage):
        opened(stage, agents)
        assert agents.start(stage, stage.files(**BROKEN)).ended() == 2
        child = agents.start(stage, stage.files(**BROKEN), arguments=["--or-guard"])
        child.wait_calm()
        child.wait_said("guarding only, nothing else is done")
        assert "Did you mean 'leverage_max'?" in child.said()
        assert child.stop(signal.SIGHUP) == 0  # started again, it would read the mended file
        again = agents.start(stage, stage.files(), arguments=["--or-guard"])
        again.wait_calm()
        assert "guarding only" not in again.said()
        assert again.stop() == 0
    assert [each.code for each in stage.events(AlertRaised)] == ["LVD-CFG-002"]
    check_nothing_lost_nothing_doubled(stage)


def test_without_settings_that_ever_ran_there_is_nothing_to_guard_by(stage, agents):
    child = agents.start(stage, stage.files(**BROKEN), arguments=["--or-guard"])
    assert child.ended() == 2
    assert "leverage_mxa" in child.said()


def test_guards_alone_open_and_boost_nothing(stage, agents):
    with moving(stage):
        child = agents.start(stage, stage.files(), arguments=["--guard-only"])
        child.wait_calm()
        assert child.stop() == 0
        assert stage.truth().debt == 0
        opened(stage, agents)
        child = agents.start(stage, stage.files(positions=loop("2.7")), arguments=["--guard-only"])
        child.wait_calm()
        assert child.stop() == 0
    assert abs(stage.truth().leverage - Decimal("2.5")) < Decimal("0.01")
    assert [plan.purpose for plan in stage.events(PlanApproved)] == [Purpose.OPEN]


TRIGGER = {"positions": {"eth-loop": {"agents": {"guardian": {"deleverage_below": 1.39}}}}}
"""Health is 1.3833 once the position is open: a guard that sits there acts at once."""


def test_by_the_settings_that_last_ran_a_guard_deleverages(stage, agents):
    with moving(stage):
        opened(stage, agents)
        ran = kept_path(stage.journal)
        text = ran.read_text()
        assert text.count("guardian: {}") == 1
        ran.write_text(text.replace("guardian: {}", "guardian: {deleverage_below: 1.39}"))
        child = agents.start(stage, stage.files(**BROKEN), arguments=["--or-guard"])
        wait_until(lambda: stage.truth().leverage < Decimal("2.49"), "less leverage")
        child.wait_calm()
        assert child.stop() == 0
    assert [plan.purpose for plan in stage.events(PlanApproved)] == ["open", "deleverage"]
    check_nothing_lost_nothing_doubled(stage)


def test_with_a_damaged_journal_a_guard_deleverages_and_the_next_start_stays_careful(stage, agents):
    with moving(stage):
        opened(stage, agents)
        stage.journal.write_bytes(b"not a journal" * 1000)
        assert agents.start(stage, stage.files(**TRIGGER)).ended() == 5
        child = agents.start(stage, stage.files(**TRIGGER), arguments=["--or-guard"])
        wait_until(lambda: stage.truth().leverage < Decimal("2.49"), "less leverage")
        child.wait_calm()
        assert child.stop() == 0
        again = agents.start(stage, stage.files(positions=loop("2.7")))
        again.wait_calm()
        assert again.stop() == 0
    (state,) = stage.events(TradingStateChanged)
    assert (state.state, state.by) == ("reducing", "breaker")
    assert stage.truth().leverage < Decimal("2.49"), "no boost before a human's resume"
    assert stage.truth().sequence == 2, "opened once, lowered once"
    assert list(stage.folder.glob("journal.db.damaged-*")), "the damaged file is kept"


def test_kept_settings_read_back_as_they_ran_and_only_their_owner_reads_them(stage, agents):
    with moving(stage):
        opened(stage, agents)
    file = kept_path(stage.journal)
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept(stage.journal).fingerprint() in {
        each.settings_hash for each in stage.events() if hasattr(each, "settings_hash")
    }
    assert not file.with_name(f"{file.name}.writing").exists()
