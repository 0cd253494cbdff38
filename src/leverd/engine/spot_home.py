"""What is journaled when trading begins somewhere, and when nothing can be sold there any more."""

from __future__ import annotations

from typing import Final

from leverd.domain.atto import atto, down, of_atto
from leverd.domain.fixed_point import WAD
from leverd.domain.spot import LOST, SPOT, Spot
from leverd.domain.spot_events import SpotOpened, SpotWrittenOff
from leverd.domain.spot_home import SpotHome
from leverd.errors import OwnerError
from leverd.interfaces.spot_agent import SpotView
from leverd.interfaces.spot_cost import best

_NOTHING_HELD: Final = 137
_IN_FLIGHT: Final = 138


def opened(spot: Spot, home: SpotHome) -> SpotOpened | None:
    """Return that trading begins at `home`, None where the journal knows, or something is tied."""
    if spot.home == home or (home.differs(spot.home) and not spot.is_flat):
        return None
    return SpotOpened(SPOT, home.account, home.market_id, home.chain_id, home.subaccount)


def written_off(view: SpotView) -> SpotWrittenOff | None:
    """Return what is given up of what the owner wants sold: a rest that no order may be made of.

    It is priced at what sellers ask, in two looks: a book whose buyers are away for a block makes
    no rest of what can be sold again in a moment.
    """
    spot, market = view.spot, view.market
    if not view.unwinding or not spot.base or spot.order is not None:
        return None
    if spot.stop(LOST) is not None:  # what is held is not known
        return None
    if not market.active or view.before is None:
        return None
    asks = [best(each.asks) for each in (view.depth, view.before)]
    quantity = atto(down(of_atto(spot.base), market.quantity_tick))
    if not all(asks) or quantity * max(asks) >= atto(market.notional_min) * WAD:
        return None
    reason = f"{market.ticker} takes no order below {market.notional_min:f}"
    return SpotWrittenOff(SPOT, spot.base, spot.cost, reason)


def given_up(spot: Spot) -> SpotWrittenOff:
    """Return that the owner gives up all that is held, whatever became of it.

    Raises:
        OwnerError: nothing is held, or an order is in flight: what is held is not known before
            it is settled.
    """
    if spot.order is not None:
        raise OwnerError(
            "an order of spot is in flight: what is held is not known before it is settled",
            number=_IN_FLIGHT,
            place="spot",
            remedy="start leverd as it was when it ordered, and wait until nothing is in flight",
        )
    if not spot.base:
        raise OwnerError("spot holds nothing", number=_NOTHING_HELD, place="spot")
    return SpotWrittenOff(SPOT, spot.base, spot.cost, "the owner gave it up")
