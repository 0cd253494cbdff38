"""What an account's owner allows: as the person says, else as limits and market say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from leverd.adapters.evm.account import Bounds
from leverd.bootstrap.chain import Chain
from leverd.domain import loans
from leverd.domain.fixed_point import BPS, WAD
from leverd.domain.position import Mandate
from leverd.domain.reserves import reserve_of
from leverd.domain.state import State
from leverd.risk.limits import Limits

_PPM: Final = 10**6


@dataclass(frozen=True, slots=True)
class BoundsWishes:
    """What the person says; what is None follows from limits and market."""

    health_min: Decimal | None = None
    health_step_min: Decimal | None = None
    loss_call_bps: int | None = None
    loss_day_usd: int | None = None


async def bounds_of(chain: Chain, mandate: Mandate, limits: Limits, wishes: BoundsWishes) -> Bounds:
    """Return what the owner allows: as wished, else as the limits and the market say.

    A swap may lose what saving the position is worth, the liquidation bonus, beside fee and
    the gap between oracle and market; a day as much as the largest position sold at that.
    """
    survey = await chain.evm.survey()
    seen = await chain.venue.observe((mandate,))
    state = seen.positions[mandate.position_id].state
    loss_call = wishes.loss_call_bps
    if loss_call is None:
        loss_call = loss_call_bps(state, limits)
    loss_day = wishes.loss_day_usd
    if loss_day is None:
        share = Decimal(loss_call) / BPS
        loss_day = int((limits.position_usd_max * share).to_integral_value(ROUND_CEILING))
    return Bounds(
        collateral=chain.config.addresses[mandate.collateral],
        debt=chain.config.addresses[mandate.debt],
        swap_pools=(survey.pools[mandate.pool].address,),
        health_min=_wad(wishes.health_min, limits.health_min),
        health_step_min=_wad(wishes.health_step_min, limits.health_step_min),
        loss_call_max=loss_call,
        loss_day_max=loss_day,
        emode=mandate.emode,
    )


def loss_call_bps(state: State, limits: Limits) -> int:
    """Return what a swap may lose against the oracle, basis points, rounded up."""
    market, mandate = state.market, state.position.mandate
    reserve = reserve_of(market, mandate.collateral)
    terms = loans.terms_in(reserve, market.emodes.get(mandate.emode), market.rules)
    calm = limits.slippage_max + limits.price_impact_max
    bonus = Decimal(terms.bonus - BPS) / BPS
    fee = Decimal(state.pool.fee) / _PPM
    most = max(calm, bonus) + fee + limits.oracle_gap_max
    return min(int((most * BPS).to_integral_value(ROUND_CEILING)), BPS)


def _wad(wished: Decimal | None, limit: Decimal) -> int:
    return int((limit if wished is None else wished) * WAD)
