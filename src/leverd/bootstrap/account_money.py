"""Money into and out of an account, and the operator's leave to act: one errand each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leverd.adapters.evm import account_owner, codes, erc20
from leverd.adapters.evm.account import Bounds
from leverd.adapters.evm.survey import ask
from leverd.bootstrap.account_facts import AccountFacts, contract_of
from leverd.bootstrap.chain import Chain
from leverd.bootstrap.errands import Errand
from leverd.domain import lending_actions, loans
from leverd.domain.money import Amount, Asset
from leverd.domain.position import LegKind, Mandate
from leverd.engine.canon import health_text
from leverd.errors import ImpossibleError, OwnerError
from leverd.interfaces.chain_client import Log

NOBODY: Final = "0x" + "0" * 40
_ETHER: Final = Asset("ETH", 18)


async def deposit(chain: Chain, found: AccountFacts, amount: Amount, sender: str) -> Errand:
    """Return the transfer of `amount` from `sender` into the account.

    Raises:
        OwnerError: it would be stuck there, or the sender has less.
    """
    mandate = found.mandate
    if amount.asset not in {mandate.collateral, mandate.debt}:
        raise OwnerError(
            f"{mandate.position_id} puts {mandate.collateral.symbol} and {mandate.debt.symbol}"
            f" to use; {amount.asset.symbol} would only lie there",
            number=codes.FOREIGN_TOKEN,
        )
    if found.contract is None and not found.operated:
        contract_of(found)  # says what stands there instead
    token = chain.config.addresses[amount.asset]
    held = Amount(amount.asset, await ask(chain.client, erc20.balance(token, sender)))
    if held < amount:
        wrap = "; wrap ether first" if amount.asset == chain.config.native else ""
        raise OwnerError(
            f"{sender} holds {plain(held)}, not {plain(amount)}",
            number=codes.TOO_LITTLE,
            place=sender,
            remedy=f"send it {amount.asset.symbol} first{wrap}",
        )
    call = account_owner.transfer(token, mandate.account, amount.raw)
    return Errand(f"send {plain(amount)} from {sender} to {mandate.account}", call)


def withdraw(
    chain: Chain, found: AccountFacts, asset: Asset, amount: Amount | None
) -> Sequence[Errand]:
    """Return what sends `amount` (None: all) of `asset` to the owner: idle first, then posted.

    Raises:
        OwnerError: there is less, or a debt stands against all of it.
    """
    mandate, owner = found.mandate, contract_of(found).state.owner
    idle, posted = _sum(found, LegKind.IDLE, asset), _sum(found, LegKind.SUPPLIED, asset)
    if asset != mandate.collateral:
        posted = Amount(asset, 0)
    wanted = amount or idle + posted
    if wanted.raw <= 0 or wanted > idle + posted:
        raise OwnerError(
            f"the account holds {plain(idle)} idle and {plain(posted)} posted",
            number=codes.TOO_LITTLE if wanted.raw > 0 else codes.NOTHING_THERE,
            place=mandate.account,
            remedy="say less" if wanted.raw > 0 else "",
        )
    from_posted = wanted - idle if wanted > idle else Amount(asset, 0)
    if amount is None and from_posted.raw and _owes(found):
        raise OwnerError(
            "a debt stands against the posted collateral; not all of it can leave",
            number=codes.DEBT_OPEN,
            place=mandate.account,
            remedy=f"leverd unwind {mandate.position_id} first, or name an amount",
        )
    errands, token = [], chain.config.addresses[asset]
    if idle.raw:
        part = None if from_posted.raw or amount is None else wanted.raw
        text = f"send {plain(idle if part is None else wanted)} that is idle to the owner {owner}"
        errands.append(Errand(text, account_owner.pay_owner(mandate.account, token, part)))
    if from_posted.raw:
        part = None if amount is None else from_posted.raw
        text = f"withdraw {plain(from_posted)} of posted collateral to the owner {owner}"
        text += _health_after(found, from_posted)
        errands.append(Errand(text, account_owner.withdraw_to_owner(mandate.account, part)))
    return errands


async def sweep(chain: Chain, found: AccountFacts) -> Sequence[Errand]:
    """Return what sends every idle token of the settings, and ether, to the owner.

    Raises:
        OwnerError: nothing is idle.
    """
    account, owner = found.mandate.account, contract_of(found).state.owner
    errands = []
    for asset, token in chain.config.addresses.items():
        held = Amount(asset, await ask(chain.client, erc20.balance(token, account)))
        if held.raw:
            call = account_owner.pay_owner(account, token, None)
            errands.append(Errand(f"send {plain(held)} to the owner {owner}", call))
    ether = Amount(_ETHER, await chain.client.balance(account))
    if ether.raw:
        call = account_owner.pay_owner(account, account_owner.ETHER, None)
        errands.append(Errand(f"send {plain(ether)} to the owner {owner}", call))
    if not errands:
        raise OwnerError(
            "nothing is idle in the account", number=codes.NOTHING_THERE, place=account
        )
    return errands


def appoint(found: AccountFacts, operator: str) -> Errand:
    """Return what names another operator, or with the zero address none.

    Raises:
        OwnerError: it is so already.
    """
    before = contract_of(found).state.operator
    if before.lower() == operator.lower():
        raise OwnerError(
            "nobody may act on it but its owner already"
            if operator == NOBODY
            else f"{operator} is its operator already",
            number=codes.NOTHING_THERE,
            place=found.mandate.account,
        )
    what = f"take {before}'s leave to act" if operator == NOBODY else f"let {operator} act"
    return Errand(
        f"{what} on {found.mandate.account}",
        account_owner.set_operator(found.mandate.account, operator),
    )


def rebound(found: AccountFacts, bounds: Bounds) -> Errand:
    """Return what replaces the bounds; the market's pool and revision of today are pinned."""
    contract_of(found)  # raises unless there is one
    account = found.mandate.account
    return Errand(f"replace the bounds of {account}", account_owner.set_bounds(account, bounds))


def paid_out(chain: Chain, mandate: Mandate, logs: Sequence[Log]) -> Sequence[Amount]:
    """Return what mined transactions sent from the account to its owner."""
    assets = {token.lower(): asset for asset, token in chain.config.addresses.items()}
    assets[account_owner.ETHER] = _ETHER
    paid = account_owner.paid(logs, mandate.account)
    return [Amount(assets[each.token.lower()], each.raw) for each in paid]


def takes_posted(errands: Sequence[Errand]) -> bool:
    """Return whether any of `errands` takes posted collateral away."""
    selector = account_owner.WITHDRAW_TO_OWNER.selector
    return any(each.call.data.startswith(selector) for each in errands)


def plain(amount: Amount) -> str:
    """Return an amount with all its digits, and no zeros after them."""
    digits = f"{amount.whole:f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return f"{digits} {amount.asset.symbol}"


def _sum(found: AccountFacts, kind: LegKind, asset: Asset) -> Amount:
    held = (each.amount.raw for each in found.holdings if (each.kind, each.amount.asset) ==
            (kind, asset))  # fmt: skip
    return Amount(asset, sum(held))


def _health_after(found: AccountFacts, taken: Amount) -> str:
    """Return what health becomes, for people; "" without debt, or where it cannot."""
    state = found.state
    if state is None or not _owes(found):
        return ""
    loan = state.position.loan
    before = loans.summarise(state.market, loan, state.at).health
    try:
        moved = lending_actions.withdraw(state.market, loan, taken.asset, taken.raw, state.at)
    except ImpossibleError:
        return ""  # the chain will say so in its own words when it is tried
    after = loans.summarise(moved.market, moved.loan, state.at).health
    return f"; health {health_text(before)} becomes {health_text(after)}"


def _owes(found: AccountFacts) -> bool:
    return any(each.kind is LegKind.OWED for each in found.holdings)
