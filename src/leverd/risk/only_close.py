"""Whether a position can be lowered in part, or only closed whole; and what its owner can do."""

from __future__ import annotations

from typing import Final

from leverd.domain import loans
from leverd.domain.lending_checks import is_barred
from leverd.domain.view import View

_UPGRADED: Final = (
    "the market's pool or revision is not the one the account's owner knew: the account does "
    "nothing but close. Once leverd knows it, have the owner pin it (`leverd account bounds`)"
)


def only_close(view: View) -> str:
    """Return why the position can only be closed whole and what ends that, "" where nothing does.

    While one of its collaterals has a loan-to-value of zero, the pool lets no other be withdrawn
    beside a debt: a sale of part of the collateral reverts, one that repays everything does not.
    An account that knows another market than there is now does nothing but close.
    """
    if view.closes_only:
        return _UPGRADED
    state, loan = view.state, view.state.position.loan
    asset = state.position.mandate.collateral
    if not any(loan.debts.values()) or not is_barred(state.market, loan, asset, view.now):
        return ""
    stuck = [each for each in loan.collaterals if not loans.terms(state.market, loan, each).ltv]
    names = ", ".join(sorted(each.symbol for each in stuck))
    return (
        f"{names} counts as collateral with a loan-to-value of zero: until it is gone the "
        f"position can only be closed whole. Withdraw it, or have it count as collateral no more"
    )
