"""What the owner of every schedule signed off, and that feasibility accepts it."""

from __future__ import annotations

from decimal import Decimal

from tests import worlds
from tests.limits import limits

from leverd.agents import guardian, leverage_loop
from leverd.domain.valuation import equity
from leverd.engine.pace import Pace
from leverd.engine.turn import Timing
from leverd.risk.feasibility import Watch

TIMING = Timing(delay_s=36, deadline_s=240, deadline_urgent_s=120)
PACE = Pace(60, 12)
FALL = Decimal("0.10")
"""The price gap that feasibility accepts, and that these schedules hold to."""

FALL_STEPWISE = Decimal("0.08")
"""The same where every action is a transaction of its own.

Between a withdrawal and its repayment health may stand half as far above 1 as the trigger, or
at `health_step_min`: a gap that comes just then must be survived from there.
"""

STEP_MIN_STEPWISE = Decimal("1.1")

WATCH = Watch(PACE.look_s_max, TIMING.delay_s, FALL)
TRIGGER = Decimal("1.2")
"""Health below which the guardian deleverages."""

LOOP = leverage_loop.Params(
    target=Decimal("2.5"),
    boost_below=Decimal("2.2"),
    repay_above=Decimal("2.8"),
    change_min=Decimal("0.1"),
    wait_s_min=60,
    cost_share_max=Decimal("0.05"),
)
GUARD = guardian.Params(target=Decimal("2.5"), band_high=Decimal("2.8"), deleverage_below=TRIGGER)
DUST_USD = 10**8
"""Idle money worth less, USD 1e8, stays where it is."""

ACCOUNTS = ("0x" + "a1" * 20, "0x" + "b2" * 20)
EQUITY = 10  # whole WETH


def mandates(count):
    """Return the mandates of the first `count` accounts."""
    names = ("loop", "second")
    return [
        worlds.mandate(position_id=names[place], account=ACCOUNTS[place]) for place in range(count)
    ]


def signed_off(draw):
    """Return the limits of a schedule: budgets that no storm can exhaust, all else as usual."""
    return limits(
        position_usd_max=Decimal(10_000_000),
        gas_day_wei_max=50 * 10**18,
        trades_day_max=1_000,
        gas_reserve_deleverages=1,
        cooldown_after_loss_s=60,
        drawdown_day_max=Decimal("0.9"),
        portfolio_stop=Decimal(draw.stop_at_drop),
        sources_min=2,
        drag_max=Decimal(10),
        cost_share_max=Decimal("0.05"),
        **({} if draw.atomic else {"health_step_min": STEP_MIN_STEPWISE}),
    )


def beginning(mandate, leverage):
    """Return the state a position begins in."""
    state = worlds.state(idle=EQUITY)
    if leverage:
        state = worlds.at_leverage(leverage, equity=EQUITY)
    position = state.position
    return type(state)(
        state.at,
        state.lending,
        state.pools,
        type(position)(mandate, position.loans, position.idle),
    )


def worth(state):
    """Return a state's equity, USD 1e8."""
    return equity(state)
