"""`leverd reconcile`: compare the journal with the chain. Reads only, also beside a daemon."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leverd.cli.amounts import WAD
from leverd.cli.given import Config, Mode, check_known, settings_of
from leverd.cli.output import Json, emit_json, pairs, table

if TYPE_CHECKING:
    from leverd.bootstrap.reconciling import Leg, Reconciled

_UNITS = {"idle": "raw", "supplied": "scaled", "owed": "scaled"}


def command(
    position: Annotated[str, typer.Argument(help="A position's name; all if not given.")] = "",
    config: Config = None,
    mode: Mode = "",
    as_json: Json = False,  # noqa: FBT002 -- Typer's way to declare a flag
) -> None:
    """Compare the journal with the chain; exit 1 if something is left unexplained."""
    settings = settings_of(config, mode)
    check_known(settings, position)
    from leverd.bootstrap.reconciling import reconciled  # noqa: PLC0415 -- loads web3

    found = reconciled(settings, position)
    if as_json:
        emit_json([_data(each) for each in found])
    else:
        for each in found:
            _show(each)
    if not all(each.good for each in found):
        raise typer.Exit(1)


def _show(found: Reconciled) -> None:
    rows = [_row(leg) for leg in found.legs]
    title = f"{found.position_id} at block {found.block}"
    if found.known_block is not None:
        title = f"{title}, journal of block {found.known_block}"
    if rows:
        table(("leg", "token", "unit", "journal", "chain", "difference"), rows, title=title)
        title = ""
    lines = {"balances": _balances(found), "health": _health(found)}
    if found.standing:
        lines["on record"] = "an unexplained change: only less risk until `leverd resume`"
    pairs(lines, title=title)


def _row(leg: Leg) -> tuple[str, ...]:
    known, difference = "unknown", ""
    if leg.journaled is not None:
        known = f"{leg.journaled:,}"
        difference = f"{leg.found - leg.journaled:+,}" if leg.found != leg.journaled else ""
    return leg.kind, leg.symbol, _UNITS[leg.kind], known, f"{leg.found:,}", difference


def _balances(found: Reconciled) -> str:
    if found.known_block is None:
        return "the journal knows nothing of it yet; the next start adopts it"
    if not found.cause:
        return "as the journal says"
    flying = ""
    if found.open_slots:
        flying = f"; {found.open_slots} transaction(s) under way may be why"
    if found.explained:
        return f"changed by others: {found.cause}{flying}"
    if found.elsewhere:
        return found.elsewhere
    return f"UNEXPLAINED difference{flying or '; the daemon would only lower risk'}"


def _health(found: Reconciled) -> str:
    if not any(leg.kind == "owed" and leg.found for leg in found.legs):
        return "no debt" if found.health_agrees else "no debt by us, and another figure by the pool"
    ours = f"{Decimal(found.health) / WAD:f}"
    if not found.health_reported:
        return f"{ours} by us; the pool was not asked"
    if found.health_agrees:
        return f"{ours}, the same by us and by the pool"
    return f"{ours} by us, {Decimal(found.health_reported) / WAD:f} by the pool: DIFFERENT"


def _data(found: Reconciled) -> dict[str, Any]:
    return {
        "position": found.position_id,
        "block": found.block,
        "journal_block": found.known_block,
        "good": found.good,
        "cause": found.cause,
        "explained": found.explained,
        "open_slots": found.open_slots,
        "unexplained_on_record": found.standing,
        "health": str(found.health),
        "health_reported": str(found.health_reported) if found.health_reported else None,
        "legs": [
            {
                "kind": leg.kind,
                "token": leg.symbol,
                "unit": _UNITS[leg.kind],
                "journal": None if leg.journaled is None else str(leg.journaled),
                "chain": str(leg.found),
            }
            for leg in found.legs
        ],
    }
