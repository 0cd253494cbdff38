"""Whether what is held or in flight is where spot would be traded: nobody else can sell it."""

from __future__ import annotations

from typing import Final

from leverd.domain.atto import of_atto
from leverd.domain.spot import Spot
from leverd.domain.spot_home import PAPER, SpotHome
from leverd.errors import JournalForeignError, SecretError
from leverd.settings.spot import SpotSection

_OTHER_ACCOUNT: Final = 53
_OTHER_HOME: Final = 22
_WAY_OUT: Final = "`leverd unwind spot`, or `leverd write-off` where it is there no more"
_PLACES: Final = {
    "chain_id": "spot.venue.chain_id",
    "market_id": "spot.limits.market_id",
    "subaccount": "spot.venue.subaccount",
}


def home_of(section: SpotSection, account: str) -> SpotHome:
    """Return where the settings have spot traded for `account`; paper has one purse."""
    subaccount = section.venue.subaccount if account != PAPER else 0
    return SpotHome(account, section.limits.market_id, section.venue.chain_id, subaccount)


def check_home(spot: Spot, home: SpotHome) -> None:
    """Check that what the journal knows of is at `home`, or nothing.

    Raises:
        SecretError: it is another account's, which alone can sell or settle it.
        JournalForeignError: it is of another market, subaccount or chain: as much of what `home`
            trades would be taken for it, and be sold.
    """
    part = None if spot.is_flat else home.differs(spot.home)
    if part is None:
        return
    if part == "account":
        raise _others(spot, home.account)
    was, would_be = getattr(spot.home, part), getattr(home, part)
    raise JournalForeignError(
        f"{_tied(spot)} where {part} is {was}, and spot would be traded where it is {would_be}",
        number=_OTHER_HOME,
        place=_PLACES[part],
        remedy=f"set it back to {was}; to change it, first {_WAY_OUT}",
    )


def _others(spot: Spot, account: str) -> SecretError:
    place, remedy = "spot.access", "name the old key again"
    if PAPER in {spot.home.account, account}:
        place, remedy = "spot.orders", "set it back"
    return SecretError(
        f"spot would be traded for {account}, and {_tied(spot)} for {spot.home.account}",
        number=_OTHER_ACCOUNT,
        place=place,
        remedy=f"{remedy}; to change the account, first {_WAY_OUT}",
    )


def _tied(spot: Spot) -> str:
    return "an order is in flight" if spot.order else f"{of_atto(spot.base):f} is held"
