"""An account for people and for programs: roles, bounds, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from leverd.adapters.evm.account import Bounds
from leverd.bootstrap.account_facts import AccountFacts, Contract
from leverd.cli.amounts import WAD, amount, decimal
from leverd.cli.output import pairs, say, table
from leverd.cli.side_words import volatile_symbol, way
from leverd.domain.position import Mandate

_USD: Final = 10**8
_CENTS: Final = 100
_BPS: Final = 10_000
_ZERO: Final = "0x" + "0" * 40


def show(found: AccountFacts) -> None:
    """Write one account."""
    mandate = found.mandate
    if not found.deployed:
        say(f"{mandate.position_id}: no account yet; make one with `leverd account deploy`")
        return
    lines = {"account": mandate.account, "is": _what(found)}
    if found.contract is not None:
        lost = Decimal(found.contract.lost_today) / _CENTS
        lines |= _roles(found, found.contract) | bounds_lines(found.contract.bounds, found.names)
        lines["lost today"] = f"{lost:,.2f} USD"
    pairs(lines, title=mandate.position_id)
    if found.state is None:
        say("  what it holds cannot be read by what we know of it")
        return
    _show_holdings(found)


def as_data(found: AccountFacts) -> dict[str, Any]:
    """Return one account for programs, with all digits."""
    contract, stand = found.contract, found.stand
    return {
        "position": found.mandate.position_id,
        "account": found.mandate.account if found.deployed else None,
        "kind": "contract" if found.code_hash else "plain",
        "code_hash": found.code_hash,
        "code_is_ours": found.ours,
        "operated_by_our_key": found.operated,
        "our_key": found.signer,
        "contract": None if contract is None else _contract_data(contract),
        "holdings": [
            {"kind": each.kind, "token": each.amount.asset.symbol, "amount": each.amount.whole}
            for each in found.holdings
        ],
        "leverage": None if stand is None or stand.leverage is None else decimal(stand.leverage),
        "health": Decimal(stand.health) / WAD if stand is not None and stand.debt else None,
        "equity_usd": None if stand is None else Decimal(stand.equity) / _USD,
    }


def _what(found: AccountFacts) -> str:
    if found.code_hash:
        whose = "an account contract of ours"
        if not found.ours:
            whose = "a contract NOT of ours, or of another version of leverd"
        return f"{whose} (code {found.code_hash[:10]}…)"
    if found.operated:
        return "the key's own address: no bounds protect it"
    return "a plain address, and not our key's: nothing can act on it"


def _roles(found: AccountFacts, contract: Contract) -> dict[str, str]:
    state = contract.state
    operator = f"{state.operator} (our key)"
    if state.operator == _ZERO:
        operator = "nobody: revoked"
    elif not found.operated:
        operator = f"{state.operator}, NOT our key {found.signer}"
    lines = {"owner": state.owner, "operator": operator, "sequence": str(state.sequence)}
    if contract.pending_owner != _ZERO:
        lines["offered to"] = contract.pending_owner
    pinned = "as the owner knew them"
    if not contract.pinned:
        pinned = "NOT as the owner knew them: it only closes until `leverd account bounds`"
    market = f"{state.lending_pool} revision {state.lending_revision}"
    return {**lines, "lending pool": f"{market}, {pinned}"}


def bounds_lines(bounds: Bounds, names: Mapping[str, str]) -> dict[str, str]:
    """Return what an owner allows, name by name; `names` are by lower-case address."""

    def named(address: str) -> str:
        return names.get(address.lower(), address)

    return {
        "may use": f"{named(bounds.collateral)} and {named(bounds.debt)}"
        f" in {', '.join(named(pool) for pool in bounds.swap_pools) or 'no pool'}",
        "health at least": f"{Decimal(bounds.health_min) / WAD:f} after a raise,"
        f" {Decimal(bounds.health_step_min) / WAD:f} within a withdrawal",
        "loss at most": f"{Decimal(bounds.loss_call_max) / _BPS:.2%} of a swap,"
        f" {bounds.loss_day_max:,} USD a day",
        "category": str(bounds.emode) if bounds.emode else "none",
    }


def _show_holdings(found: AccountFacts) -> None:
    if found.holdings:
        rows = [(each.kind.value, amount(each.amount)) for each in found.holdings]
        table(("", "holds"), rows)
    else:
        say("  it holds nothing")
    stand = found.stand
    if stand is not None and stand.debt:
        leverage = "no equity" if stand.leverage is None else f"{decimal(stand.leverage):.4f}"
        price = stand.liquidation_price
        at = "" if price is None else f", {_liquidated(found.mandate, price)}"
        say(f"  leverage {leverage}, health {Decimal(stand.health) / WAD:.4f}{at}")


def _liquidated(mandate: Mandate, price: int) -> str:
    usd = f"{Decimal(price) / _USD:,.2f} USD"
    return f"liquidated {way(mandate)} {usd} per {volatile_symbol(mandate)}"


def _contract_data(contract: Contract) -> dict[str, Any]:
    state = contract.state
    return {
        "owner": state.owner,
        "pending_owner": None if contract.pending_owner == _ZERO else contract.pending_owner,
        "operator": None if state.operator == _ZERO else state.operator,
        "sequence": state.sequence,
        "lending_pool": state.lending_pool,
        "lending_revision": state.lending_revision,
        "pinned": contract.pinned,
        "lost_today_usd": Decimal(contract.lost_today) / _CENTS,
        "bounds": _bounds_data(contract.bounds),
    }


def _bounds_data(bounds: Bounds) -> dict[str, Any]:
    return {
        "collateral": bounds.collateral,
        "debt": bounds.debt,
        "swap_pools": bounds.swap_pools,
        "health_min": Decimal(bounds.health_min) / WAD,
        "health_step_min": Decimal(bounds.health_step_min) / WAD,
        "loss_call_bps": bounds.loss_call_max,
        "loss_day_usd": bounds.loss_day_max,
        "emode": bounds.emode,
    }
