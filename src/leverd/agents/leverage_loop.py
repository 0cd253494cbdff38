"""Hold collateral at a leverage: post it, borrow against it, buy more of it.

With dollars for collateral and ether for debt that is a short: nothing here knows the side.

Inside its band the loop leaves the position alone. Outside it goes back, boosting and
repaying to targets of their own, if enough would change, enough time has passed and the
move is worth its cost. When health asks, none of that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leverd.agents.rebalance_cost import cost_of
from leverd.agents.storm import Rungs, Storm, StormParams, lowered, stale_at, storm_of
from leverd.domain import headroom, loans, valuation
from leverd.domain.decision import Decision, Hold, SetLeverage
from leverd.domain.fixed_point import WAD
from leverd.domain.keeping import kept
from leverd.domain.lending import INFINITE_HEALTH
from leverd.domain.quiet import Band, Quiet
from leverd.domain.view import View
from leverd.interfaces.agent import AgentKind, Envelope
from leverd.interfaces.safer import HIGHER, LOWER

NAME: Final = "leverage_loop"

_PLACES: Final = Decimal("0.000000001")
_CARE: Final = Fraction(1, 10**6)
"""A quiet band is narrower by this share than the truth, so that no rounding makes it lie."""
_PROMISE_USD_MIN: Final = 100 * 10**8
"""Below this debt (USD 1e8) rounding is too large a share of health to promise anything."""


class Params(BaseModel):
    """The loop's section of the settings.

    Leverage is collateral / equity, for a short too; it bets one less.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Decimal = Field(gt=1, description="leverage to open at", json_schema_extra=LOWER)
    boost_below: Decimal = Field(
        ge=1, description="leverage below which it boosts", json_schema_extra=LOWER
    )
    repay_above: Decimal = Field(
        gt=1, description="leverage above which it repays", json_schema_extra=LOWER
    )
    boost_to: Decimal | None = Field(
        None, gt=1, description="where a boost ends; target if unset", json_schema_extra=LOWER
    )
    repay_to: Decimal | None = Field(
        None, ge=1, description="where it repays to; target if unset", json_schema_extra=LOWER
    )
    change_min: Decimal = Field(ge=0, description="smallest change of leverage worth making")
    wait_s_min: int = Field(ge=0, description="chain seconds between two rebalances")
    cost_share_max: Decimal = Field(
        Decimal("0.01"), gt=0, le=1, description="fraction of the value moved it may cost"
    )
    profit_usd_min: Decimal = Field(
        Decimal(0), ge=0, description="USD left of that share after all costs"
    )
    health_floor: Decimal = Field(
        Decimal(0),
        ge=0,
        description="health below which it repays at any cost; 0 is none",
        json_schema_extra=HIGHER,
    )
    storm: StormParams | None = Field(
        None, description="how far predictions may lower all of this; unset: they are not read"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        rungs = {
            "boost_below": self.boost_below,
            "boost_to": self.boosts_to,
            "repay_above": self.repay_above,
        }
        lower = {
            "boost_below": self.boost_below,
            "repay_to": self.repays_to,
            "repay_above": self.repay_above,
        }
        for ladder in (rungs, lower):
            (a, low), (b, middle), (c, high) = ladder.items()
            if not low <= middle <= high or low == high:
                raise ValueError(
                    f"must hold: {a} <= {b} <= {c} and {a} < {c}, got {low}, {middle}, {high}"
                )
        if not self.boost_below <= self.target <= self.repay_above:
            raise ValueError(
                f"target {self.target} must lie in its band {self.boost_below}-{self.repay_above}"
            )
        return self

    @property
    def boosts_to(self) -> Decimal:
        """Where a boost ends."""
        return self.target if self.boost_to is None else self.boost_to

    @property
    def repays_to(self) -> Decimal:
        """Where repaying ends."""
        return self.target if self.repay_to is None else self.repay_to

    @property
    def rungs(self) -> Rungs:
        """The leverages it goes by in calm weather."""
        return _rungs(self)


@dataclass(frozen=True, slots=True)
class LeverageLoop:
    """The agent."""

    params: Params

    @property
    def name(self) -> str:
        """The name settings and journal use."""
        return NAME

    def decide(self, view: View) -> Decision:
        """Return a new leverage when the position has left its band, else a Hold with why."""
        if view.record.unwinding or view.record.stopped:
            return Hold(NAME, "the owner asked to unwind" if view.record.unwinding else "stopped")
        if valuation.exposure(view.state) <= 0:
            return Hold(NAME, "no collateral to lever")
        saving = self._saving(view)
        if saving is not None:
            return saving
        leverage = headroom.leverage(view.state)
        assert leverage is not None  # _saving has dealt with a position without equity
        storm = self._storm(view)
        if storm is None:
            return self._kept_to(self.params.rungs, view, leverage)
        return self._in_storm(storm, view, leverage)

    def _in_storm(self, storm: Storm, view: View, leverage: Fraction) -> Decision:
        """Return what the lowered rungs ask for; what calm ones would repay is repaid at least.

        A larger move may cost too much where a smaller one does not.
        """
        found = self._kept_to(self._rungs(storm), view, leverage, f" ({storm.reason})")
        if isinstance(found, SetLeverage):
            return found
        calm = self._kept_to(self.params.rungs, view, leverage)
        lowers = isinstance(calm, SetLeverage) and Fraction(calm.target) < leverage
        return calm if lowers else found

    def _kept_to(self, rungs: Rungs, view: View, leverage: Fraction, why: str = "") -> Decision:
        target, reason = self._goal(rungs, view, leverage)
        if target is None:
            return Hold(NAME, reason + why)
        held_by = self._patience(view, leverage, target) or self._thrift(view, target)
        return Hold(NAME, held_by) if held_by else SetLeverage(NAME, target, reason + why)

    def quiet(self, view: View) -> Quiet | None:
        """Return bands inside which `decide` would only hold; None promises nothing."""
        if view.record.unwinding or view.record.stopped or valuation.exposure(view.state) <= 0:
            return Quiet()
        storm = self._storm(view)
        stale = Band(below=None if self.params.storm is None else stale_at(view))
        band = self._quiet_band(view, self._rungs(storm))
        if band is not None and Quiet(health=band).contains(view):
            return Quiet(health=band, time=stale)
        wait_until = self._wait_until(view)
        if wait_until is None or view.now >= wait_until or not _plain(view):
            return None
        safe = Band(above=_wad_up(self._safe_health(view)))
        waiting = Quiet(health=safe, time=Band(below=wait_until).both(stale))
        return waiting if waiting.contains(view) else None

    def _saving(self, view: View) -> SetLeverage | None:
        """Return the way out if health is below the floor or no equity is left."""
        health, floor = _health(view), self.params.health_floor
        if headroom.leverage(view.state) is None:
            return SetLeverage(NAME, Decimal(1), "no equity is left", urgent=True)
        if health >= floor * WAD:
            return None
        safe = headroom.leverage_for_health(view.state, Fraction(floor))
        wanted = Fraction(self.params.repays_to)
        target = wanted if safe is None else max(min(wanted, safe), Fraction(1))
        reason = f"health {_ratio(health)} is below {floor}"
        return SetLeverage(NAME, _decimal(target), reason, urgent=True)

    def _storm(self, view: View) -> Storm | None:
        return None if self.params.storm is None else storm_of(self.params.storm, view)

    def _rungs(self, storm: Storm | None) -> Rungs:
        """Return the rungs as they are, or as a storm lowers them."""
        rungs, how = self.params.rungs, self.params.storm
        return rungs if storm is None or how is None else lowered(rungs, storm.quarters, how)

    def _goal(self, rungs: Rungs, view: View, leverage: Fraction) -> tuple[Decimal | None, str]:
        shown = f"{float(leverage):.4f}"
        if leverage > rungs.repay_above:
            return rungs.repays_to, f"leverage {shown} is above {rungs.repay_above}"
        if leverage < rungs.boost_below or not _owes(view):
            goal = rungs.boosts_to if _owes(view) else rungs.target
            return goal, f"leverage {shown} is below {rungs.boost_below}"
        return None, f"leverage {shown} is within {rungs.boost_below}-{rungs.repay_above}"

    def _patience(self, view: View, leverage: Fraction, target: Decimal) -> str | None:
        """Return why now is too soon or the change too small, None if neither."""
        change, wait_until = abs(Fraction(target) - leverage), self._wait_until(view)
        if change < self.params.change_min:
            return f"a change of {float(change):.4f} is below {self.params.change_min}"
        if wait_until is not None and view.now < wait_until:
            return f"waits {wait_until - view.now} s more after the last action"
        return None

    def _thrift(self, view: View, target: Decimal) -> str | None:
        """Return why the move is not worth its cost, None if it is."""
        cost = cost_of(view, target)
        if cost is None:
            return "the pool cannot fill the move"
        share_max, profit_min = self.params.cost_share_max, self.params.profit_usd_min
        if cost.share() > share_max:
            return f"costs {cost.share():.4%} of what it moves, more than {share_max:.4%}"
        if cost.moved * share_max - cost.total < profit_min:
            return f"moving {cost.moved:.2f} USD saves less than {profit_min} USD"
        return None

    def _wait_until(self, view: View) -> int | None:
        last = view.record.last_action_at
        return None if last is None else last + self.params.wait_s_min

    def _safe_health(self, view: View) -> Fraction:
        """Return the health above which neither the floor nor lost equity calls for saving."""
        return _safe(self.params, headroom.threshold_of(view.state))

    def _quiet_band(self, view: View, rungs: Rungs) -> Band | None:
        """Return the health inside which leverage is in its band, None if it is not so simple.

        With threshold t, leverage is 1 / (1 - u t / health), where u is what idle money
        leaves of 1: posted / (posted + idle) times (debt - idle debt asset) / debt. Interest
        only brings u nearer to 1, so both ends are known: u as now for the lower leverage, 1
        for the higher.
        """
        summary = loans.summarise(view.state.market, view.state.position.loan, view.state.at)
        if not _plain(view) or summary.debt_value < _PROMISE_USD_MIN:
            return None
        exposure, equity = valuation.exposure(view.state), valuation.equity(view.state)
        threshold = headroom.threshold_of(view.state)
        above, below = _edges(rungs, self._safe_health(view), threshold)
        if below is None:
            return Band(above)
        left = summary.collateral_value * (exposure - equity)
        of = exposure * summary.debt_value
        return Band(above, int(Fraction(below.numerator * left, below.denominator * of)))


@kept(16)
def _rungs(params: Params) -> Rungs:
    return Rungs(
        params.boost_below, params.repay_above, params.target, params.boosts_to, params.repays_to
    )


@kept(16)
def _safe(params: Params, threshold: Fraction) -> Fraction:
    return max(Fraction(params.health_floor), threshold)


@kept(16)
def _edges(rungs: Rungs, safe: Fraction, threshold: Fraction) -> tuple[int, Fraction | None]:
    """Return the health (wad) at the top of the band, and at its bottom if no money is idle."""
    low, high = Fraction(rungs.boost_below), Fraction(rungs.repay_above)
    above = _wad_up(max(threshold * high / (high - 1), safe))
    return above, None if low == 1 else threshold * low / (low - 1) * (1 - _CARE) * WAD


def _plain(view: View) -> bool:
    """Whether the position is one collateral against one debt, nothing else priced or owed."""
    mandate, loan = view.state.position.mandate, view.state.position.loan
    others = [leg for leg in view.state.position.legs() if leg.venue not in ("", mandate.lending)]
    return (
        not others
        and set(loan.debts) == {mandate.debt}
        and loan.debts[mandate.debt] > 0
        and set(loan.supplies) == set(loan.collaterals) == {mandate.collateral}
        and set(view.state.position.idle) <= {mandate.collateral, mandate.debt}
    )


def _owes(view: View) -> bool:
    return any(view.state.position.loan.debts.values())


def _health(view: View) -> int:
    return loans.summarise(view.state.market, view.state.position.loan, view.state.at).health


def _wad_up(health: Fraction) -> int:
    return int(health * (1 + _CARE) * WAD) + 1


def _ratio(health: int) -> str:
    return "infinite" if health == INFINITE_HEALTH else f"{Decimal(health) / WAD:.4f}"


def _decimal(ratio: Fraction) -> Decimal:
    exact = Decimal(ratio.numerator) / ratio.denominator
    return exact.quantize(_PLACES, ROUND_DOWN)


def _envelope(params: Params) -> Envelope:
    return Envelope(
        max(params.target, params.boosts_to),
        params.boost_below,
        params.repay_above,
        params.health_floor,
        params.wait_s_min,
    )


AGENT: Final = AgentKind(NAME, Params, LeverageLoop, _envelope)
